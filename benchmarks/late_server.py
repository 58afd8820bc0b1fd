"""A web server that answers late, as one far away does, and does nothing while it waits.

nginx cannot wait, so this is a process of its own. Usage: late_server.py SECONDS; it prints its
address, and serves until it is ended.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from selectors import SelectSelector
from typing import cast

from web_server import BALANCE

HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


def answer(request: bytes) -> bytes:
    """The balance of the customer that a request names."""
    _, _, rest = request.split()[1].partition(b"/customers/")
    body = BALANCE.replace("$customer", rest.partition(b"/")[0].decode())
    return (HEAD.format(len(body)) + body).encode()


@contextmanager
def late_server(seconds: float) -> Iterator[str]:
    """Serve a balance this long after each request, and give the address."""
    command = [sys.executable, __file__, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class Late(asyncio.Protocol):
    """One connection: every request without a body gets the answer when its time has come."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come in whole, later."""
        *whole, self._unread = (self._unread + data).split(b"\r\n\r\n")
        loop = asyncio.get_running_loop()
        for request in whole:
            loop.call_later(self._seconds, self._transport.write, answer(request))


async def serve(seconds: float) -> None:
    """Listen on loopback until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Late(seconds), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    # select() waits to the microsecond; epoll would round each wait up to a millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(SelectSelector())) as runner:
        runner.run(serve(float(sys.argv[1])))
