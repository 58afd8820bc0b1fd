"""Letting msgspec learn a type before several threads use it: at once they can crash it."""

from threading import Lock
from typing import Any

_known: set[Any] = set()
_learning = Lock()


def learn(kind: Any) -> None:
    """See that msgspec knows a type."""
    if kind not in _known:
        import msgspec

        with _learning:
            msgspec.json.Decoder(kind)
            _known.add(kind)
