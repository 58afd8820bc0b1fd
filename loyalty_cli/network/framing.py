"""The frame of an answer: where a lenient reader would guess where it ends, it is an error here."""

import re
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from io import RawIOBase
from typing import Any

LONGEST_LINE = 65536
MOST_TRAILERS = 100

_STATUS = re.compile(rb"(HTTP/1\.[01]) ([1-9][0-9]{2})(?: ([^\0\r\n]*))?\r?\n")
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\0\r\n]*)?\r?\n")


class OddFrameError(HTTPException):
    """An answer whose head or whose end can be read in more than one way."""


class FramedResponse(HTTPResponse):
    """An answer of HTTP/1 as the standard has it; raises OddFrameError for any other."""

    fp: Any

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(LONGEST_LINE + 1)
        if not line:
            raise RemoteDisconnected("the connection ended without an answer")
        found = _STATUS.fullmatch(line)
        if not found:
            raise OddFrameError("status line")
        version, status, reason = found.groups(b"")
        return version.decode(), int(status), reason.decode("latin-1")

    def begin(self) -> None:
        """Read the head."""
        super().begin()
        if self.headers.defects or any("\0" in value for value in self.headers.values()):
            raise OddFrameError("header")
        lengths = self._values("Content-Length")
        if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            raise OddFrameError("length")
        if codings := self._values("Transfer-Encoding"):
            if codings != {"chunked"}:
                raise OddFrameError("transfer encoding")
            self._unchunk()

    def _values(self, name: str) -> set[str]:
        return {value.strip().lower() for value in self.headers.get_all(name, ())}

    def _unchunk(self) -> None:
        """Put the chunks together here: urllib3 takes any number for a size, -1 among them."""
        self.fp = _Chunks(self.fp)
        self.chunked = False
        for name in ("Transfer-Encoding", "Content-Length"):
            del self.headers[name]


class _Chunks(RawIOBase):
    """What is in a body that comes in chunks."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._left = 0
        self._ended = False

    def readinto(self, buffer: Any) -> int:
        if not self._left and not self._ended:
            self._begin_chunk()
        content = self._source.read1(min(len(buffer), self._left)) if self._left else b""
        if self._left and not content:
            raise IncompleteRead(b"")
        buffer[: len(content)] = content
        self._left -= len(content)
        if content and not self._left and self._line() != b"\r\n":
            raise OddFrameError("end of a chunk")
        return len(content)

    def close(self) -> None:
        self._source.close()
        super().close()

    def _begin_chunk(self) -> None:
        size = _CHUNK.fullmatch(self._line())
        if not size:
            raise OddFrameError("size of a chunk")
        self._left = int(size[1], 16)
        if not self._left:
            self._ended = True
            self._skip_trailers()

    def _skip_trailers(self) -> None:
        for _ in range(MOST_TRAILERS):
            if self._line() in (b"\r\n", b"\n"):
                return
        raise OddFrameError("trailers")

    def _line(self) -> bytes:
        line: bytes = self._source.readline(LONGEST_LINE + 1)
        if line.endswith(b"\n"):
            return line
        raise OddFrameError("line") if len(line) > LONGEST_LINE else IncompleteRead(line)
