"""Prepares msgspec types before several threads use them, which could crash otherwise."""

from threading import Lock
from typing import Any

_known: set[Any] = set()
_learning = Lock()


def learn(kind: Any) -> None:
    """Let msgspec learn a type, in one thread."""
    if kind not in _known:
        import msgspec

        with _learning:
            msgspec.json.Decoder(kind)
            _known.add(kind)
