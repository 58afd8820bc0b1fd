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
def test_what_was_packed_comes_out_as_it_was(content: bytes, name: str, at: int) -> None:
    packed = PACKERS[name](content)

    assert unpack(name, packed[:at], b"", packed[at:]) == content


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE"])
@given(content=st.binary(min_size=1, max_size=100), at=st.floats(0, 1, exclude_max=True))
def test_what_is_not_all_there_is_not_taken(name: str, content: bytes, at: float) -> None:
    packed = PACKERS[name](content)
    there = packed[: max(int(at * len(packed)), 1)]

    with pytest.raises(NotPackedError):
        unpack(name, there)


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE"])
def test_what_goes_on_behind_its_end_is_not_taken(name: str) -> None:
    with pytest.raises(NotPackedError):
        unpack(name, PACKERS[name](b"{}") + b"x")
    with pytest.raises(NotPackedError):
        unpack(name, PACKERS[name](b"{}"), b"x")


def test_what_is_empty_is_not_packed() -> None:
    assert unpack("gzip") == unpack("gzip", b"") == b""


def test_layers_are_undone_from_the_last_one_on() -> None:
    assert unpack("deflate, gzip", gzip.compress(zlib.compress(b"{}"))) == b"{}"


def test_nobody_packs_as_often_as_that() -> None:
    with pytest.raises(NotPackedError):
        unpack(", ".join(["gzip"] * (MOST_LAYERS + 1)), b"")


@pytest.mark.parametrize("name", ["gzip", "deflate", "DEFLATE", ""])
def test_just_the_limit_is_unpacked_and_one_byte_more_is_not(name: str) -> None:
    assert unpack(name, PACKERS[name](bytes(LIMIT))) == bytes(LIMIT)
    with pytest.raises(TooLargeError):
        unpack(name, PACKERS[name](bytes(LIMIT + 1)))


def test_no_more_is_asked_for_once_it_is_too_large() -> None:
    def pieces() -> Iterator[bytes]:
        for number in range(100):
            asked.append(number)
            yield bytes(LIMIT // 2)

    asked: list[int] = []

    with pytest.raises(TooLargeError):
        list(unpacked(pieces(), "", LIMIT))

    assert len(asked) == 3
