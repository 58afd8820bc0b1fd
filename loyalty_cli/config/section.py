"""A map of the profile file: reads its values one by one, and reports mistakes with their line."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NoReturn, TypeVar

from loyalty_cli.config.yaml_nodes import Items, Map, MistakeError, Node, Text
from loyalty_cli.model.errors import nearest

_SECRET_WORDS = ("passw", "secret", "token", "api_key", "apikey", "credential", "authorization")

Read = TypeVar("Read")


def sounds_secret(name: str) -> bool:
    """Whether a name is one that secrets have."""
    plain = name.lower().replace("-", "_")
    return any(word in plain for word in _SECRET_WORDS)


def credential_in_file(line: int, key: str) -> MistakeError:
    """The mistake of a credential that stands in the file."""
    return MistakeError(
        "a credential does not belong in this file",
        line,
        key,
        "Take it out and run `loyalty login` for the profile, or set its environment variable.",
    )


class Section:
    """A map with known keys only; null counts as an empty map.

    Names in `credentials`, and names that sound like a secret, are refused. `inside` has the keys
    of maps in this map, for the hint if one of them stands beside its map.
    Every method raises MistakeError.
    """

    def __init__(
        self,
        node: Node,
        key: str,
        known: Iterable[str],
        credentials: Iterable[str] = (),
        inside: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        if node is not None and not isinstance(node, Map):
            raise MistakeError("must be a map of keys and values", node.line, key, hint=None)
        self._map = node or Map({}, {}, 0)
        self._key = key
        self._inside = inside or {}
        for name, line in self._map.keys.items():
            if name not in known:
                self._refuse(name, line, known, credentials)

    def __contains__(self, name: str) -> bool:
        return name in self._map.keys

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that are given, in their order."""
        return tuple(self._map.keys)

    def key(self, name: str) -> str:
        """The whole key of a value, from the top of the file."""
        return f"{self._key}.{name}" if self._key else name

    def line(self, name: str) -> int | None:
        """The line of a key, or of the map if it has no such key."""
        return self._map.keys.get(name) or self._map.line or None

    def mistake(self, name: str, message: str, hint: str | None = None) -> NoReturn:
        """Raise a mistake at a key."""
        raise MistakeError(message, self.line(name), self.key(name), hint)

    def node(self, name: str) -> Node:
        """The unchecked value of a key; None if it is not given."""
        return self._map.items.get(name)

    def read(self, name: str, check: Callable[[str], Read]) -> Read | None:
        """Read a single value and check it; None if it is not given."""
        node = self.node(name)
        if node is None:
            return None
        if not isinstance(node, Text):
            self.mistake(name, "must be a single value, not a list or a map")
        try:
            return check(node.value)
        except ValueError as error:
            self.mistake(name, str(error).rstrip("."))

    def inner(
        self,
        name: str,
        known: Iterable[str],
        credentials: Iterable[str] = (),
        inside: Mapping[str, Collection[str]] | None = None,
    ) -> "Section":
        """A map inside this map."""
        node = self.node(name) or Map({}, {}, self.line(name) or 0)
        return Section(node, self.key(name), known, credentials, inside)

    def free(self, name: str) -> "Section":
        """A map inside this map whose keys the file chooses; none may sound like a secret."""
        node = self.node(name)
        known = node.keys if isinstance(node, Map) else ()
        return self.inner(name, [each for each in known if not sounds_secret(each)])

    def listed(self, name: str) -> "Section":
        """A list inside this map, as a map whose keys are 0, 1, …; a value alone is a list."""
        node = self.node(name)
        items = node.items if isinstance(node, Items) else () if node is None else (node,)
        line = self.line(name) or 0
        keys = {str(at): each.line if each else line for at, each in enumerate(items)}
        found = Map(dict(zip(keys, items, strict=True)), keys, line)
        return Section(found, self.key(name), keys)

    def _refuse(
        self, name: str, line: int, known: Iterable[str], credentials: Iterable[str]
    ) -> NoReturn:
        # In `{api_key:abc}` YAML reads all of it as the key; the value must not be shown.
        shown = re.split("[:=]", name, maxsplit=1)[0]
        if shown.lower().replace("-", "_") in credentials or sounds_secret(shown):
            raise credential_in_file(line, self.key(shown))
        hint = nearest(shown, known)
        if shown != name and shown in known:
            hint = f"Write `{shown}: `, with a colon and a space."
        elif found := next((each for each, inner in self._inside.items() if name in inner), None):
            hint = f"It is a key of `{found}`: indent it further, below that."
        raise MistakeError("unknown key", line, self.key(shown), hint)
