"""Reads texts and amounts at places of an answer; every mistake names the place."""

from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import Amount, json_text
from loyalty_cli.providers.description.records import AmountSource, Place, TextSource

_JSON_NAMES = {dict: "an object", list: "a list", bool: "true or false", str: "text"}


def find(tree: Any, place: Place) -> Any:
    """What stands at a place; None if nothing does."""
    for step in place:
        if isinstance(tree, dict):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit():
            tree = tree[int(step)] if int(step) < len(tree) else None
        else:
            return None
    return tree


def dotted(place: Place) -> str:
    """A place as a description writes it."""
    return ".".join(place)


def at_place(place: Place) -> str:
    """A place in words for the user."""
    return repr(dotted(place)) if place else "the top"


class Home(Struct, frozen=True):
    """The part of an answer that is about the customer, and the place where it stands."""

    tree: Any
    place: Place = ()

    def find(self, place: Place) -> Any:
        """What stands at a place; raise ValueError if the way there does not lead on."""
        node = self.tree
        for at, step in enumerate(place):
            if node is not None and not (
                isinstance(node, dict) or (isinstance(node, list) and step.isdigit())
            ):
                raise self._wrong(place[:at], "an object", node)
            node = find(node, (step,))
        return node

    def text(self, source: TextSource) -> str | None:
        """Read a text; raise ValueError if it is none, or if it is required and missing."""
        for place in source.places:
            is_only = len(source.places) == 1
            found = self.find(place) if is_only else find(self.tree, place)
            if isinstance(found, str) and found.strip():
                return found
            if is_only and not (found is None or isinstance(found, str)):
                raise self._wrong(place, "text", found)
        if source.is_required:
            raise self._missing(*source.places)
        return source.default

    def amount(self, source: AmountSource) -> Amount | None:
        """Read an amount; raise ValueError if it is none, or if it is required and missing."""
        found = self.find(source.place)
        if found is None:
            if source.is_required:
                raise self._missing(source.place)
            return None
        if isinstance(found, bool | dict | list):
            raise self._wrong(source.place, "a number", found)
        try:
            return Amount.convert(found)
        except ValueError as error:
            raise ValueError(f"{self._shown(source.place)}: {error}") from None

    def _missing(self, *places: Place) -> ValueError:
        return ValueError(f"{' and '.join(map(self._shown, places))} is missing")

    def _wrong(self, place: Place, expected: str, found: object) -> ValueError:
        kind = _JSON_NAMES.get(type(found), "a number")
        return ValueError(f"expected {expected} at {self._shown(place)}, got {kind}")

    def _shown(self, place: Place) -> str:
        return at_place((*self.place, *place))


def words(node: Any) -> str:
    """The words of a message: a text, a list, or the mistakes in each field."""
    match node:
        case str():
            return node.strip()
        case list():
            return "; ".join(map(json_text, node))
        case dict() if all(isinstance(each, list) for each in node.values()):
            return "; ".join(
                f"{name}: {' '.join(map(json_text, each))}" for name, each in node.items()
            )
        case _:
            return ""
