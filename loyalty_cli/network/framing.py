"""Read HTTP/1 answers strictly: an ambiguous answer is an error."""

import re
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from io import BufferedReader
from typing import Any

PIECE_BYTES = 64 * 1024
LONGEST_LINE_BYTES = 65536
MOST_HEADERS = 100
CONTINUE = 100
BODYLESS_STATUSES = frozenset({*range(100, 200), 204, 304})

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\0\r\n]*)?\r?\n")
_HEADER = re.compile(rb"([^\0-\x20:\x7f]+):([^\0\r\n]*)\r?\n")
_MORE_OF_A_HEADER = re.compile(rb"[ \t]([^\0\r\n]*)\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\0\r\n]*)?\r?\n")
_EMPTY_LINES = (b"\r\n", b"\n")


class OddFrameError(HTTPException):
    """The head or the end of an answer is ambiguous."""


class FramedResponse:
    """One answer: the head is read at once, the body by `pieces`.

    `headers` have names in lower case; the values of a repeated header are joined by commas. For
    urllib3's pool it replaces a response of urllib3. Raises OddFrameError for what the standard
    does not allow, IncompleteRead for an incomplete answer.
    """

    version_string = "HTTP/1"
    length_remaining = None
    _connection: Any = None
    _pool: Any = None

    def __init__(self, source: BufferedReader) -> None:
        self._source = source
        self.status = CONTINUE
        while self.status == CONTINUE:
            minor, self.status = self._read_status()
            self.headers = self._read_headers()
        coding = self.headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise OddFrameError("transfer encoding")
        self._is_chunked = coding is not None
        self._length = self._check_length()
        connection = self.headers.get("connection", "").lower()
        self._persists = "close" not in connection and (minor == 1 or "keep-alive" in connection)
        self._is_read = False

    def release(self) -> None:
        """Return the connection to the pool; close it before, unless it can be used again."""
        if not (self._is_read and self._persists):
            self._connection.close()
        self._pool._put_conn(self._connection)  # noqa: SLF001 - as responses of urllib3 do

    def pieces(self) -> Iterator[bytes]:
        """The body, piece by piece."""
        if self.status in BODYLESS_STATUSES:
            pass
        elif self._is_chunked:
            yield from self._chunks()
        elif self._length is not None:
            yield from self._exactly(self._length)
        else:
            self._persists = False
            while piece := self._source.read1(PIECE_BYTES):
                yield piece
        self._is_read = True

    def _read_status(self) -> tuple[int, int]:
        line = self._source.readline(LONGEST_LINE_BYTES + 1)
        if not line:
            raise RemoteDisconnected("the connection ended without an answer")
        found = _STATUS.fullmatch(line)
        if not found:
            raise OddFrameError("status line")
        return int(found[1]), int(found[2])

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        name = ""
        for _ in range(MOST_HEADERS + 1):
            line = self._line()
            if line in _EMPTY_LINES:
                return headers
            if found := _HEADER.fullmatch(line):
                name, value = found[1].decode("latin-1").lower(), found[2]
                before = f"{headers[name]}, " if name in headers else ""
            elif name and (found := _MORE_OF_A_HEADER.fullmatch(line)):
                value, before = found[1], f"{headers[name]} "
            else:
                raise OddFrameError("header")
            headers[name] = before + value.decode("latin-1").strip(" \t")
        raise OddFrameError("headers")

    def _check_length(self) -> int | None:
        if "content-length" not in self.headers:
            return None
        length, *others = {each.strip() for each in self.headers["content-length"].split(",")}
        if others or not _LENGTH.fullmatch(length):
            raise OddFrameError("length")
        return int(length)

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self._source.read1(min(size, PIECE_BYTES))
            if not piece:
                raise IncompleteRead(b"")
            size -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._exactly(size)
            if self._line() != b"\r\n":
                raise OddFrameError("end of a chunk")
        for _ in range(MOST_HEADERS):  # trailers
            if self._line() in _EMPTY_LINES:
                return
        raise OddFrameError("trailers")

    def _chunk_size(self) -> int:
        size = _CHUNK.fullmatch(self._line())
        if not size:
            raise OddFrameError("size of a chunk")
        return int(size[1], 16)

    def _line(self) -> bytes:
        line = self._source.readline(LONGEST_LINE_BYTES + 1)
        if line.endswith(b"\n"):
            return line
        raise OddFrameError("line") if len(line) > LONGEST_LINE_BYTES else IncompleteRead(line)
