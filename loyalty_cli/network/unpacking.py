"""Decompress a body piece by piece, up to a size limit."""

import zlib
from collections.abc import Iterable, Iterator

from loyalty_cli.network.failures import NotPackedError, TooLargeError

MOST_LAYERS = 5
GZIP, ZLIB, DEFLATE = 31, 15, -15
"""zlib selects a format by the size of its window."""


def unpacked(pieces: Iterable[bytes], encodings: str, limit: int) -> Iterator[bytes]:
    """Undo the compression that Content-Encoding names; unknown encodings are ignored.

    Raises TooLargeError, or NotPackedError for a body that is incomplete or packed differently.
    """
    names = (each.strip().lower() for each in encodings.split(","))
    layers = [each for each in names if each in ("gzip", "x-gzip", "deflate")]
    if len(layers) > MOST_LAYERS:
        raise NotPackedError
    for layer in reversed(layers):
        pieces = _without_layer(pieces, layer, limit)
    return _limited(pieces, limit)


def _limited(pieces: Iterable[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise TooLargeError
        yield piece


def _without_layer(pieces: Iterable[bytes], layer: str, limit: int) -> Iterator[bytes]:
    packer = None
    for piece in filter(None, pieces):
        if packer is None:
            # Servers send deflate with a zlib header or without; the first byte shows which.
            deflate = ZLIB if piece[0] & 0x0F == zlib.DEFLATED else DEFLATE
            packer = zlib.decompressobj(deflate if layer == "deflate" else GZIP)
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
