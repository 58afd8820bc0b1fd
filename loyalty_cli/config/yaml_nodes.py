"""YAML for settings: only maps, lists and text, each with its line.

Every scalar is kept as text, so `0123`, `12:30:45` and `no` stay as they were written. The caller
reads numbers and booleans from the text. Anchors, aliases and tags are refused, and so are control
characters, line breaks in a value, and a duplicate key in a map. Reading stops at the first
mistake, so that the rest of a hostile file costs nothing.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 20

_NODES = (yaml.NodeEvent, yaml.CollectionEndEvent)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# YAML allows these in no file; a check here can report the line.
_NOT_IN_A_FILE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_NULLS = ("", "~", "null", "Null", "NULL")
# YAML reads these as text, where a person sees an indent.
_ODD_INDENT = re.compile(
    r"^[ \t]*([\xa0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff])", re.MULTILINE
)
_IN_QUOTES = "Put a value that begins with such a sign in quotes."
_BACKSLASH = "If it has a \\, as a path of Windows, put it in single quotes."
_NOT_IN_A_VALUE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class MistakeError(Exception):
    """A mistake in the text: its line (from 1) if known, its key, and what to do."""

    def __init__(
        self, message: str, line: int | None, key: str = "", hint: str | None = "Fix that line."
    ) -> None:
        super().__init__(message)
        self.line, self.key, self.hint = line, key, hint


class Text(NamedTuple):
    """A scalar, and whether it stands in quotes."""

    value: str
    line: int
    is_quoted: bool = False


class Items(NamedTuple):
    """A list."""

    items: tuple["Node", ...]
    line: int


class Map(NamedTuple):
    """A map; `keys` has the line of each key."""

    items: dict[str, "Node"]
    keys: dict[str, int]
    line: int


Node = Text | Items | Map | None


def parse(text: str) -> Node:
    """Parse one document; an empty document and each null are None. Raises MistakeError."""
    if found := _NOT_IN_A_FILE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise MistakeError(f"a control character (U+{ord(found[0]):04X}) is not allowed here", line)
    if found := _ODD_INDENT.search(text):
        line = text.count("\n", 0, found.start(1)) + 1
        message = f"this line begins with an unusual space (U+{ord(found[1]):04X})"
        raise MistakeError(message, line, hint="Indent with ordinary spaces.")
    events = yaml.parse(text, Loader=_LOADER)
    try:
        nodes = (event for event in events if isinstance(event, _NODES))
        first = next(nodes, None)
        root = _node(first, nodes, depth=0) if first else None
        if extra := next(nodes, None):
            raise MistakeError(
                "a second document begins here", _line(extra), hint="Take the line with --- out."
            )
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    return root


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> MistakeError:
    """Describe a mistake by the usual slip, or by the line where the parser gave up."""
    from loyalty_cli.config.syntax_slips import usual_slip

    place, began = error.problem_mark, error.context_mark
    problem = error.problem or ""
    if place and (slip := usual_slip(text, problem, place.line, (began or place).line)):
        return MistakeError(slip.message, slip.line, hint=slip.hint)
    if problem in _ESCAPES and place:
        message = "a \\ like this is not allowed inside double quotes"
        return MistakeError(message, place.line + 1, hint=_BACKSLASH)
    message = _IN_WORDS.get(problem, problem or "this is not YAML")
    # At the end of the text the parser counts one line too many.
    line = min(place.line + 1, len(text.rstrip().splitlines()) or 1) if place else None
    if error.context and began and line and began.line + 1 < line:
        message += f", {error.context} that begins on line {began.line + 1}"
    return MistakeError(message, line)


_ESCAPES = ("found unknown escape character", "did not find expected hexdecimal number")
_IN_WORDS = {
    "found character that cannot start any token": "this character cannot begin a value; put a"
    " value such as @x or `x` in quotes",
    "mapping values are not allowed in this context": "a colon is not allowed here",
    "found unexpected end of stream": "a quote is not closed",
}


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _node(event: Any, rest: Iterator[Any], depth: int) -> Node:
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        message = "anchors (&) and aliases (*) are not used here"
        raise MistakeError(message, _line(event), hint=_IN_QUOTES)
    if event.tag:
        # Without its text: a secret that begins with ! looks like a tag.
        raise MistakeError("tags (!) are not used here", _line(event), hint=_IN_QUOTES)
    if depth > MAX_DEPTH:
        raise MistakeError("this is nested too deep", _line(event))
    if isinstance(event, yaml.ScalarEvent):
        if _NOT_IN_A_VALUE.search(event.value):
            message = "a value has a line break or a control character in it"
            hint = _BACKSLASH if event.style == '"' else "Fix that line."
            raise MistakeError(message, _line(event), hint=hint)
        quoted = bool(event.style)
        is_null = not quoted and event.value in _NULLS
        return None if is_null else Text(event.value, _line(event), quoted)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(item := next(rest), yaml.SequenceEndEvent):
            items.append(_node(item, rest, depth + 1))
        return Items(tuple(items), _line(event))
    return _map(event, rest, depth)


def _map(start: Any, rest: Iterator[Any], depth: int) -> Map:
    items: dict[str, Node] = {}
    keys: dict[str, int] = {}
    while not isinstance(event := next(rest), yaml.MappingEndEvent):
        key = _node(event, rest, depth + 1)
        if not isinstance(key, Text):
            raise MistakeError("a key must be text", _line(event))
        if key.value in items:
            raise MistakeError(
                f"the key {key.value!r} is a duplicate (first on line {keys[key.value]})",
                key.line,
                hint="Take one out; or, if it belongs to the line above it, indent it.",
            )
        keys[key.value] = key.line
        items[key.value] = _node(next(rest), rest, depth + 1)
    return Map(items, keys, _line(start))
