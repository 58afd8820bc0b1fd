"""What stands between the program and a PostgreSQL server, and cuts the line at the wrong time."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

from tests.fakes.postgresql import PostgreSQL


class Wiretap:
    """Stands between the program and the server, and cuts the connection at a COMMIT."""

    def __init__(self, folder: Path, server: PostgreSQL, *, passing_it_on: bool) -> None:
        self.folder = folder
        self.passing_it_on = passing_it_on
        self.armed = False
        self._meanwhile: Callable[[], object] | None = None
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
            line = _Line(near, far)
            while content := near.recv(65536):
                if self.armed and b"COMMIT\0" in content:
                    self._cut(line, content)
                    break
                far.sendall(content)
            line.end()

    def _cut(self, line: "_Line", content: bytes) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            self.armed = False
        if self.passing_it_on:
            line.ask_and_keep_the_answer(content)
        else:
            line.far.shutdown(socket.SHUT_RDWR)
        if meanwhile:
            meanwhile()
        line.near.shutdown(socket.SHUT_RDWR)


class _Line:
    """Both ends of a connection; passes on what comes back, until it is to be kept."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self._keeping, self._kept = Event(), Event()
        self._back = Thread(target=self._pass_back, daemon=True)
        self._back.start()

    def ask_and_keep_the_answer(self, content: bytes) -> None:
        self._keeping.set()
        self.far.sendall(content)
        assert self._kept.wait(20)

    def end(self) -> None:
        with suppress(OSError):
            self.far.shutdown(socket.SHUT_WR)
        self._back.join(20)

    def _pass_back(self) -> None:
        with suppress(OSError):
            while content := self.far.recv(65536):
                if self._keeping.is_set():
                    self._kept.set()
                else:
                    self.near.sendall(content)
