"""A body as it was before it was packed: piece by piece, whole, and never beyond a limit."""

import zlib
from collections.abc import Iterable, Iterator

from loyalty_cli.network.failures import NotPackedError, TooLargeError

MOST_LAYERS = 5
GZIP, ZLIB, DEFLATE = 31, 15, -15
"""What zlib calls its formats: they are the sizes of windows."""


def unpacked(pieces: Iterable[bytes], encodings: str, limit: int) -> Iterator[bytes]:
    """Undo what Content-Encoding names; what is none of ours stays as it is.

    Raises TooLargeError where there are more than `limit` bytes in any layer, NotPackedError for
    what is not packed in that way, or not all there.
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
    """What deflate means to servers: with the header of zlib, or without."""
    if layer != "deflate":
        return GZIP
    return ZLIB if beginning[0] & 0x0F == zlib.DEFLATED else DEFLATE
