"""Packed bodies: unpacked as they come, whole, and never beyond a limit."""

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.network.failures import NotPackedError, TooLargeError
from loyalty_cli.network.unpacking import MOST_LAYERS, unpacked

LIMIT = 1000


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "DEFLATE": raw_deflate,
    "identity": bytes,
    "": bytes,
    "utf-8": bytes,
}


def unpack(encodings: str, *pieces: bytes) -> bytes:
    return b"".join(unpacked(pieces, encodings, LIMIT))


@given(
    content=st.binary(max_size=LIMIT), name=st.sampled_from(sorted(PACKERS)), at=st.integers(0, 50)
)
def test_a_packed_body_is_unpacked_as_it_was(content: bytes, name: str, at: int) -> None:
    packed = PACKERS[name](content)

    assert unpack(name, packed[:at], b"", packed[at:]) == content


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE"])
@given(content=st.binary(min_size=1, max_size=100), at=st.floats(0, 1, exclude_max=True))
def test_a_packed_body_that_is_cut_short_is_an_error(name: str, content: bytes, at: float) -> None:
    packed = PACKERS[name](content)
    there = packed[: max(int(at * len(packed)), 1)]

    with pytest.raises(NotPackedError):
        unpack(name, there)


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE"])
def test_bytes_behind_the_end_of_a_packed_body_are_an_error(name: str) -> None:
    with pytest.raises(NotPackedError):
        unpack(name, PACKERS[name](b"{}") + b"x")
    with pytest.raises(NotPackedError):
        unpack(name, PACKERS[name](b"{}"), b"x")


def test_an_empty_body_needs_no_unpacking() -> None:
    assert unpack("gzip") == unpack("gzip", b"") == b""


def test_several_content_encodings_are_undone_from_the_last_one_on() -> None:
    assert unpack("deflate, gzip", gzip.compress(zlib.compress(b"{}"))) == b"{}"


def test_too_many_content_encodings_are_an_error() -> None:
    with pytest.raises(NotPackedError):
        unpack(", ".join(["gzip"] * (MOST_LAYERS + 1)), b"")


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE", ""])
def test_a_body_of_just_the_limit_is_unpacked_and_one_byte_more_is_an_error(name: str) -> None:
    assert unpack(name, PACKERS[name](bytes(LIMIT))) == bytes(LIMIT)
    with pytest.raises(TooLargeError):
        unpack(name, PACKERS[name](bytes(LIMIT + 1)))


def test_reading_stops_once_an_unpacked_body_is_too_large() -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield bytes(LIMIT // 2)

    asked: list[int] = []

    with pytest.raises(TooLargeError):
        list(unpacked(pieces(), "", LIMIT))

    assert len(asked) == 3
