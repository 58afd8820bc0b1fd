"""Decompress a body piece by piece, up to a size limit."""

import zlib
from collections.abc import Iterable, Iterator

from loyalty_cli.network.failures import NotPackedError, TooLargeError

MOST_LAYERS = 5
GZIP, ZLIB, DEFLATE = 31, 15, -15
"""zlib selects a format by the size of its window."""


def unpacked(pieces: Iterable[bytes], encodings: str, limit: int) -> Iterator[bytes]:
    """Undo the compression that Content-Encoding names; unknown encodings are ignored.

    Raises TooLargeError if any layer has more than `limit` bytes, NotPackedError if the body is
    not compressed in that way, or incomplete.
    """
    layers = [each for each in _names(encodings) if each in ("gzip", "x-gzip", "deflate")]
    if len(layers) > MOST_LAYERS:
        raise NotPackedError
    for layer in reversed(layers):
        pieces = _without_layer(pieces, layer, limit)
    return _limited(pieces, limit)


def _names(encodings: str) -> Iterator[str]:
    return (each.strip().lower() for each in encodings.split(","))


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLargeError
        yield piece


def _without_layer(pieces: Iterable[bytes], layer: str, limit: int) -> Iterator[bytes]:
    packer = None
    for piece in pieces:
        if not piece:
            continue
        packer = packer or zlib.decompressobj(_format(layer, piece))
        try:
            plain = packer.decompress(piece, limit + 1)
        except zlib.error:
            raise NotPackedError from None
        if len(plain) > limit:
            raise TooLargeError
        if packer.unused_data:
            raise NotPackedError
        yield plain
    if packer and not packer.eof:
        raise NotPackedError


def _format(layer: str, beginning: bytes) -> int:
    """Servers send deflate with a zlib header or without; the first byte shows which."""
    if layer != "deflate":
        return GZIP
    return ZLIB if beginning[0] & 0x0F == zlib.DEFLATED else DEFLATE
