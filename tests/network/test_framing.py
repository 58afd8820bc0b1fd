"""The frame of an answer: what the standard allows is read, and anything else is an error."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedReader, BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.failures import explain
from loyalty_cli.network.framing import FramedResponse
from loyalty_cli.network.http_client import HttpClient, _body
from loyalty_cli.providers.contract import Answer, Request
from tests.conftest import Run
from tests.fakes.servers import BALANCE, Answering, RawServer, Wire, profile_at, reply
from tests.network.conftest import Card

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def body_of(content: bytes) -> bytes:
    """The body in what a server sends before it hangs up."""
    return _body(FramedResponse(BufferedReader(BytesIO(content))))


def error_of(content: bytes) -> LoyaltyError:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - told by what the user reads of it
        body_of(content)
    return explain(caught.value, "Imprint", 10.0, None)


def chunk(body: bytes, size: str = "{:x}", end: bytes = b"\r\n") -> bytes:
    return size.format(len(body)).encode() + b"\r\n" + body + end


def with_length(body: bytes, *lengths: str) -> bytes:
    head = "".join(f"Content-Length: {length.format(len(body))}\r\n" for length in lengths)
    return OK + head.encode() + b"\r\n" + body


def with_line(body: bytes, line: bytes, status: bytes = OK) -> bytes:
    return status + b"Content-Length: %d\r\n" % len(body) + line + b"\r\n\r\n" + body


def packed(encoding: str, body: bytes) -> bytes:
    return reply(body, "200 OK", f"Content-Encoding: {encoding}")


ODD: dict[str, Callable[[bytes], bytes]] = {
    # Each would be a good answer to somebody who guesses.
    "a status line of a megabyte": lambda _: b"HTTP/1.1 200 " + b"x" * 1_000_000 + b"\r\n\r\n",
    "a carriage return in a header": lambda body: with_line(body, b"X: a\rb"),
    "a chunk of size -5": lambda body: CHUNKED + chunk(body, "-5") + END,
    "a chunk of size -0": lambda body: CHUNKED + chunk(body) + b"-0\r\n\r\n",
    "a chunk size with a plus": lambda body: CHUNKED + chunk(body, "+{:x}") + END,
    "a chunk size with an underscore": lambda body: CHUNKED + chunk(body, "0_{:x}") + END,
    "a chunk size after a space": lambda body: CHUNKED + chunk(body, " {:x}") + END,
    "a chunk size that is no number": lambda body: CHUNKED + chunk(body, "many") + END,
    "a huge chunk size": lambda body: CHUNKED + chunk(body, "f" * 40) + END,
    "a chunk size of a megabyte": lambda body: CHUNKED + b"0" * 1_000_000 + chunk(body) + END,
    "a chunk extension of a megabyte": lambda body: (
        CHUNKED + chunk(body, "{:x};" + "x" * 1_000_000) + END
    ),
    "a chunk extension with a NUL": lambda body: CHUNKED + chunk(body, "{:x};a=\0") + END,
    "a chunk without its end": lambda body: CHUNKED + chunk(body, end=b"") + END,
    "a chunk with another end": lambda body: CHUNKED + chunk(body, end=b"xx") + END,
    "a chunk that is longer than its size": lambda body: CHUNKED + chunk(body + b" ", "1") + END,
    "trailers without end": lambda body: CHUNKED + chunk(body) + b"0\r\n" + b"X: y\r\n" * 5000,
    "a trailer of a megabyte": lambda body: CHUNKED + chunk(body) + b"0\r\nX: " + b"y" * 1_000_000,
    "chunks in gzip": lambda body: (
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunk(gzip.compress(body)) + END
    ),
    "chunks of chunks": lambda body: (
        OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + chunk(body) + END
    ),
    "an unknown transfer encoding": lambda body: with_line(body, b"Transfer-Encoding: xchunked"),
    "no transfer encoding in name": lambda body: with_line(body, b"Transfer-Encoding: identity"),
    "a negative length": lambda body: with_length(body, "-{}"),
    "a length with an underscore": lambda body: with_length(body, "0_{}"),
    "a length that is no number": lambda body: with_length(body, "all"),
    "a length of 5,000 digits": lambda body: with_length(body, "9" * 5000),
    "two lengths": lambda body: with_length(body, "{}", "1"),
    "two lengths in one": lambda body: with_length(body, "{}, 1"),
    "a header without a colon": lambda body: with_line(body, b"nonsense"),
    "a header without a name": lambda body: with_line(body, b": nothing"),
    "a space before the colon": lambda body: with_line(body, b"X : y"),
    "a first header that goes on": lambda body: with_line(body, b"X: y", OK + b" and so on\r\n"),
    "a NUL in a header": lambda body: with_line(body, b"X: a\0b"),
    "a NUL in a header's name": lambda body: with_line(body, b"X\0: b"),
    "more than 100 headers": lambda body: with_line(body, b"\r\n".join([b"X: y"] * 101)),
    "a header of a megabyte": lambda body: with_line(body, b"X: " + b"y" * 1_000_000),
    "a status of two digits": lambda body: with_line(body, b"X: y", b"HTTP/1.1 20 OK\r\n"),
    "a status of four digits": lambda body: with_line(body, b"X: y", b"HTTP/1.1 2000 OK\r\n"),
    "a status with an underscore": lambda body: with_line(body, b"X: y", b"HTTP/1.1 2_00 OK\r\n"),
    "a status line with a NUL": lambda body: with_line(body, b"X: y", b"HTTP/1.1 200 O\0K\r\n"),
    "another protocol": lambda body: with_line(body, b"X: y", b"ICY 200 OK\r\n"),
    "HTTP/0.9": lambda body: with_line(body, b"X: y", b"HTTP/0.9 200 OK\r\n"),
    "HTTP/2": lambda body: with_line(body, b"X: y", b"HTTP/2 200 OK\r\n"),
    "an empty line first": lambda body: b"\r\n" + with_line(body, b"X: y"),
    "gzip that is none": lambda body: packed("gzip", body),
    "gzip that is cut short": lambda body: packed("gzip", gzip.compress(body)[:-9]),
    "gzip with a wrong sum": lambda body: packed("gzip", gzip.compress(body)[:-8] + b"x" * 8),
    "deflate that is none": lambda body: packed("deflate", b"\xff" + body),
    "deflate that is cut short": lambda body: packed("deflate", zlib.compress(body)[:-6]),
    "seven layers of gzip": lambda body: packed("gzip, " * 6 + "gzip", body),
}


@pytest.mark.parametrize("case", ODD)
def test_an_answer_whose_frame_is_ambiguous_is_an_error(case: str) -> None:
    assert error_of(ODD[case](BALANCE)).code is ErrorCode.BAD_RESPONSE


CUT_SHORT = {
    "no answer": b"",
    "a head without its end": OK + b"X: y\r\n",
    "a header without its end": OK + b"X: ",
    "a length that is too long": reply(length=len(BALANCE) + 1),
    "chunks that end early": CHUNKED + chunk(BALANCE),
    "a chunk that ends early": CHUNKED + b"fff\r\n" + BALANCE,
    "a chunk size that ends early": CHUNKED + b"2",
}


@pytest.mark.parametrize("case", CUT_SHORT)
def test_an_answer_that_is_cut_short_is_an_error(case: str) -> None:
    error = error_of(CUT_SHORT[case])

    assert error.code is ErrorCode.UNREACHABLE
    assert "the connection ended" in error.message


EVEN: dict[str, Callable[[bytes], bytes]] = {
    "chunks": lambda body: CHUNKED + chunk(body[:9]) + chunk(body[9:]) + END,
    "a chunk for each byte": lambda body: (
        CHUNKED + b"".join(chunk(body[at : at + 1]) for at in range(len(body))) + END
    ),
    "a chunk size in capitals": lambda body: CHUNKED + chunk(body, "{:X}") + END,
    "a chunk size with zeros": lambda body: CHUNKED + chunk(body, "0000{:x}") + b"000\r\n\r\n",
    "a chunk extension": lambda body: CHUNKED + chunk(body, '{:x} ;a="b;c"') + b"0;x\r\n\r\n",
    "trailers": lambda body: CHUNKED + chunk(body) + b"0\r\nX: y\r\nZ: 1\r\n\r\n",
    "chunks in capitals": lambda body: (
        OK + b"transfer-encoding: Chunked\r\n\r\n" + chunk(body) + END
    ),
    "chunks with a length beside": lambda body: (
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(body) + END
    ),
    "gzip in chunks": lambda body: (
        OK
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunk(gzip.compress(body))
        + END
    ),
    "the same length twice": lambda body: with_length(body, "{}", "{}"),
    "no length at all": lambda body: OK + b"\r\n" + body,
    "a status without words": lambda body: with_line(body, b"X: y", b"HTTP/1.1 200\r\n"),
    "a status with an empty word": lambda body: with_line(body, b"X: y", b"HTTP/1.1 200 \r\n"),
    "HTTP/1.0": lambda body: with_line(body, b"X: y", b"HTTP/1.0 200 OK\r\n"),
    "bare line feeds in the head": lambda body: (
        b"HTTP/1.1 200 OK\nContent-Length: %d\n\n" % len(body) + body
    ),
    "a header that goes on": lambda body: with_line(body, b"X: y\r\n and so on"),
    "a header without a value": lambda body: with_line(body, b"X:"),
    "a header in Latin-1": lambda body: with_line(body, b"X: \xe4"),
    "go on, and then": lambda body: b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + reply(body),
}


@pytest.mark.parametrize("case", EVEN)
def test_an_unusual_frame_that_the_standard_allows_is_read(case: str) -> None:
    assert body_of(EVEN[case](BALANCE)) == BALANCE


def test_a_repeated_header_has_both_values() -> None:
    head = OK + b"Age: 1\r\nX: y\r\n and\r\n\tso on \r\nage: 2\r\n\r\n"

    response = FramedResponse(BufferedReader(BytesIO(head)))

    assert response.headers == {"age": "1, 2", "x": "y and so on"}


@pytest.mark.parametrize(
    ("line", "connections"),
    [
        (b"", 1),
        (b"Connection: Keep-Alive\r\n", 1),
        (b"Connection: close\r\n", 3),
        (b"Connection: keep-alive, Close\r\n", 3),
    ],
)
@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_a_connection_is_used_again_unless_the_server_says_it_ends(
    version: bytes, line: bytes, connections: int
) -> None:
    def in_chunks(wire: Wire) -> None:
        while wire.request():
            head = version + b" 200 OK\r\n" + line + b"Transfer-Encoding: chunked\r\n\r\n"
            wire.send(head + chunk(BALANCE) + END)

    client = HttpClient()
    with RawServer(in_chunks) as server:
        bodies = [read(client, server.url).body for _ in range(3)]

    assert bodies == [BALANCE] * 3
    assert server.connections == (3 if version == b"HTTP/1.0" and not line else connections)


# Whatever else comes.


class SettableAnswer:
    """A server that says what it is told to, to whatever it is asked, and hangs up."""

    def __init__(self) -> None:
        self.content = b""

    def __call__(self, wire: Wire) -> None:
        wire.request()
        wire.send(self.content)


@pytest.fixture(scope="module")
def settable() -> Iterator[tuple[SettableAnswer, str]]:
    script = SettableAnswer()
    with RawServer(script) as server:
        yield script, server.url


def read(client: HttpClient, url: str) -> Answer:
    return client.read(profile_at(url), Request(("x",)), Deadline(5))


BASES = [
    *(make(BALANCE) for make in EVEN.values()),
    *(ODD[name](BALANCE) for name in ODD if "megabyte" not in name and "5000" not in name),
]
BITS = [*(b"%c" % sign for sign in b"-0f\n\0:; \xff"), b"\r\n", b"Content-Length: 1\r\n"]
CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 8), st.sampled_from(BITS) | st.binary(max_size=4)),
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    for place, gone, new in changes:
        at = int(place * len(content))
        content = content[:at] + new + content[at + gone :]
    return content


@given(content=st.sampled_from(BASES), changes=CHANGES)
@settings(max_examples=300)
def test_any_bytes_are_an_answer_or_an_error_and_a_debit_counts_as_sent(
    settable: tuple[SettableAnswer, str], content: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    script, url = settable
    script.content = changed(content, changes)

    with suppress(LoyaltyError):
        assert isinstance(read(HttpClient(sleep=lambda _: None), url), Answer)
    outcome: Answer | LoyaltyError
    try:
        outcome = HttpClient().send_once(profile_at(url), Request(("x",), json={}), lambda: None)
    except LoyaltyError as error:
        outcome = error
    assert not isinstance(outcome, NotSentError)


@pytest.mark.parametrize("kind", [ZeroDivisionError, MemoryError])
def test_any_exception_while_an_answer_is_read_is_a_bad_response(
    kind: type[Exception], loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise kind("hidden")

    monkeypatch.setattr("loyalty_cli.network.http_client._body", fault)
    with RawServer(Answering()) as server:
        card(server.url)
        done = loyalty("balance", "C-1", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (7, "bad_response")
    assert (
        f"sent an answer that cannot be read ({kind.__name__})." in done.record["error"]["message"]
    )
    assert "hidden" not in f"{done}"
    assert len(done.err.splitlines()) == 2


def test_a_defect_before_the_first_byte_is_not_blamed_on_the_platform(
    loyalty: Run, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("loyalty_cli.network.http_client._prepared", fault)
    with RawServer(lambda wire: wire.stall()) as server:
        card(server.url)
        done = loyalty("balance", "C-1", "-o", "json")

    assert done.code == 1
    assert "ZeroDivisionError" in done.err
    assert server.connections == 0
