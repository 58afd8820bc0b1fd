"""What stands between the program and a PostgreSQL server, and cuts the line at the wrong time."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread

from tests.postgresql import PostgreSQL


class Wiretap:
    """Stands between the program and the server, and cuts the connection at a COMMIT."""

    def __init__(self, folder: Path, server: PostgreSQL, *, passing_it_on: bool) -> None:
        self.armed = False
        self._meanwhile: Callable[[], object] | None = None
        self._passing_it_on = passing_it_on
        self._far = str(server.folder / ".s.PGSQL.5432")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen(20)
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def cut_once(self, meanwhile: Callable[[], object] | None = None) -> None:
        """Cut the connection at the next COMMIT alone; before that is heard, do something else."""
        self._meanwhile = meanwhile or bool
        self.armed = True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                thread = Thread(target=self._serve, args=(near,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far, suppress(OSError):
            far.connect(self._far)
            back = Thread(target=_copy, args=(far, near), daemon=True)
            back.start()
            while content := near.recv(65536):
                if self.armed and b"COMMIT\0" in content:
                    self._cut(near, far, content)
                    break
                far.sendall(content)
            far.shutdown(socket.SHUT_WR)
            back.join(20)

    def _cut(self, near: socket.socket, far: socket.socket, content: bytes) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            self.armed = False
        if self._passing_it_on:
            far.sendall(content)
        else:
            far.shutdown(socket.SHUT_RDWR)
        if meanwhile:
            meanwhile()
        near.shutdown(socket.SHUT_RDWR)


def _copy(near: socket.socket, far: socket.socket) -> None:
    with suppress(OSError):
        while content := near.recv(65536):
            with suppress(OSError):  # who hung up does not stop the server from doing it
                far.sendall(content)
