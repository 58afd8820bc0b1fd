"""What `-v` and `-vv` show of requests and answers: never a secret.

Only headers in these lists are shown with their values: a platform may send or want a secret in any
other one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from loyalty_cli.credentials.redaction import STARS, Mask, mask_all_known
from loyalty_cli.model.strict_json import decode

SENT = frozenset(
    {
        *("accept", "accept-encoding", "cache-control", "content-length", "content-type", "host"),
        "user-agent",
    }
)
RECEIVED = frozenset(
    {
        *("age", "allow", "cache-control", "connection", "content-encoding", "content-length"),
        *("content-type", "date", "expires", "retry-after", "server", "transfer-encoding", "via"),
        *("x-cache", "x-correlation-id", "x-request-id"),
        *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    }
)


class Secrecy(Struct, frozen=True):
    """How a request and its answer are shown: `mask` removes the secrets of the sign-in.

    With `keys_only`, for a request for an access token, nothing is shown of the values in the
    query and in the bodies: a new token is not known as a secret yet.
    """

    mask: Mask = mask_all_known
    keys_only: bool = False

    def line(self, text: str) -> str:
        """A line without secrets."""
        return mask_all_known(self.mask(text))


class Trace:
    """Shows the requests, by lines that belong together; `whole` adds headers and bodies."""

    def __init__(self, write: Callable[..., None], *, whole: bool = False) -> None:
        self._write = write
        self._whole = whole

    def note(self, line: str) -> None:
        """Show what happens between requests."""
        self._write(f"* {line}")

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, secrecy: Secrecy
    ) -> None:
        """Show a request before it is sent."""
        address, mark, query = url.partition("?")
        if secrecy.keys_only:
            query = re.sub(r"=[^&]*", f"={STARS}", query)
        lines = [f"{method} {address}{mark}{query}"]
        if self._whole:
            lines += [*_headers(headers, SENT), *_body(body, secrecy)]
        self._write(*(f"> {secrecy.line(line)}" for line in lines))

    def answer(
        self, status: int, headers: Mapping[str, str], body: bytes, took: float, secrecy: Secrecy
    ) -> None:
        """Show a complete answer, which `took` so many seconds."""
        lines = [f"{status}, {len(body)} bytes in {took:.3f} s"]
        if self._whole:
            lines += [*_headers(headers, RECEIVED), *_body(body, secrecy)]
        self._write(*(f"< {secrecy.line(line)}" for line in lines))


SILENT = Trace(lambda *_: None)


def _headers(headers: Mapping[str, str], shown: frozenset[str]) -> Iterator[str]:
    for name, value in headers.items():
        yield f"{name}: {value if name.lower() in shown else STARS}"


def _body(body: bytes, secrecy: Secrecy) -> Iterator[str]:
    """A body on one line; none if it is empty."""
    if not body:
        return
    try:
        text = body.decode()
        if secrecy.keys_only:
            text = msgspec.json.encode(_without_values(decode(body))).decode()
    except ValueError:
        text = "\0"
    if "\0" in text:  # no text, or text whose secrets nobody would recognize
        yield f"({len(body)} bytes, not shown)"
    else:
        lines = map(str.strip, secrecy.line(text).split("\n"))
        yield " ".join(filter(None, lines))


def _without_values(tree: Any) -> Any:
    match tree:
        case dict():
            return {key: _without_values(value) for key, value in tree.items()}
        case list():
            return [_without_values(each) for each in tree]
        case None | bool():
            return tree
        case _:
            return STARS
