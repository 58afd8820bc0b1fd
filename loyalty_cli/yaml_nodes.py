"""YAML for settings: maps, lists and text, with the line each stands on, and nothing else.

Every scalar is kept as the text it is, so `0123`, `12:30:45` and `no` mean what they look like;
whoever needs a number or a truth value reads it from the text. Anchors, aliases and tags are
refused, and so is a key that stands twice in one map.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(Exception):
    """What is wrong with the text, and on which line (from 1) where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Text(NamedTuple):
    """A scalar."""

    value: str
    line: int


class Items(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    line: int


class Map(NamedTuple):
    """A map; `keys` holds the line each key stands on."""

    items: dict[str, "Node"]
    keys: dict[str, int]
    line: int


Node = Text | Items | Map | None


def parse(text: str) -> Node:
    """Read one document; None for an empty one and for each null in it. Raises YamlError."""
    try:
        events = yaml.parse(text, Loader=_LOADER)
        content = [event for event in events if not isinstance(event, _FRAME)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise YamlError(error.problem or str(error), mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:
        raise YamlError(str(error).splitlines()[0]) from None
    if not content:
        return None
    rest = iter(content)
    root = _node(next(rest), rest, depth=0)
    if extra := next(rest, None):
        raise YamlError("a second document begins here", _line(extra))
    return root


_FRAME = (
    yaml.StreamStartEvent,
    yaml.StreamEndEvent,
    yaml.DocumentStartEvent,
    yaml.DocumentEndEvent,
)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _node(event: Any, rest: Iterator[Any], depth: int) -> Node:
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise YamlError("anchors (&) and aliases (*) are not used here", _line(event))
    if event.tag:
        raise YamlError(f"the tag {event.tag} is not used here", _line(event))
    if depth > MAX_DEPTH:
        raise YamlError("this is nested too deep", _line(event))
    if isinstance(event, yaml.ScalarEvent):
        plain = not event.style
        return None if plain and event.value in _NULLS else Text(event.value, _line(event))
    if isinstance(event, yaml.SequenceStartEvent):
        return Items(tuple(_until(yaml.SequenceEndEvent, rest, depth)), _line(event))
    return _map(event, rest, depth)


_NULLS = ("", "~", "null", "Null", "NULL")


def _until(end: type, rest: Iterator[Any], depth: int) -> Iterator[Node]:
    while not isinstance(event := next(rest), end):
        yield _node(event, rest, depth + 1)


def _map(start: Any, rest: Iterator[Any], depth: int) -> Map:
    items: dict[str, Node] = {}
    keys: dict[str, int] = {}
    while not isinstance(event := next(rest), yaml.MappingEndEvent):
        key = _node(event, rest, depth + 1)
        if not isinstance(key, Text):
            raise YamlError("a key must be text", _line(event))
        if key.value in items:
            raise YamlError(
                f"the key {key.value!r} is there twice (first on line {keys[key.value]})", key.line
            )
        keys[key.value] = key.line
        items[key.value] = _node(next(rest), rest, depth + 1)
    return Map(items, keys, _line(start))
