"""Single values of a description: places, templates, and sources of texts and amounts."""

import re
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from loyalty_cli.config.section import Section
from loyalty_cli.config.yaml_nodes import Map
from loyalty_cli.model.errors import nearest
from loyalty_cli.providers.description.records import (
    Amounts,
    AmountSource,
    Place,
    Template,
    TextSource,
)
from loyalty_cli.providers.parameters import boolean, one_of, text

TEXT_KEYS = ("from", "default", "required")
AMOUNT_KEYS = ("from", "required", "decimals")
MOST_STEPS = 20

Read = TypeVar("Read")
Word = TypeVar("Word", bound=str)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def name(value: str) -> str:
    """Accept the name of a setting, an option, a credential or a way."""
    if not _NAME.fullmatch(value):
        raise ValueError("must be lower-case letters, digits and _, and begin with a letter")
    return value


def check_name(section: Section, key: str) -> None:
    """Refuse a key that is not a name."""
    try:
        name(key)
    except ValueError as error:
        section.mistake(key, f"a name {error}")


def place(value: str) -> Place:
    """Read a place in an answer, such as `data.points`."""
    steps = tuple(text(value).split("."))
    if len(steps) > MOST_STEPS or not all(step.strip() for step in steps):
        raise ValueError("must be keys of the answer with dots between them, such as data.points")
    return steps


def flag(section: Section, key: str) -> bool:
    """Whether a key is true; it is not without a value."""
    return section.read(key, boolean) == "true"


def values(section: Section, key: str, check: Callable[[str], Read]) -> tuple[Read, ...]:
    """Read a list of values, or one value."""
    listed = section.listed(key)
    return tuple(required(listed, at, check) for at in listed.names)


def required(
    section: Section, key: str, check: Callable[[str], Read], example: str | None = None
) -> Read:
    """Read a value that must be there."""
    found = section.read(key, check)
    if found is None:
        section.mistake(key, "is missing", f"Such as {key}: {example}" if example else None)
    return found


def template(section: Section, key: str, known: Collection[str]) -> Template:
    """Read a text with `{name}` in the place of the values of `known`; it may be empty."""
    read = Template(section.read(key, lambda value: value and text(value)) or "")
    for each in read.names:
        if each not in known:
            section.mistake(key, f"there is no value {{{each}}} here", nearest(each, known))
    if "{" in (rest := read.around("")) or "}" in rest:
        section.mistake(key, "a value is written as {name}", nearest("", known))
    return read


def text_source(section: Section, key: str, *, is_place: bool = False) -> TextSource:
    """Read where a text comes from: a map with `from`, or itself (a place if it `is_place`)."""
    if not isinstance(section.node(key), Map):
        if is_place:
            return TextSource(values(section, key, place))
        return TextSource(default=section.read(key, text))
    inner = section.inner(key, TEXT_KEYS)
    source = TextSource(
        values(inner, "from", place), inner.read("default", text), flag(inner, "required")
    )
    if not source.places:
        inner.mistake("from", "is missing", "Such as from: data.name")
    if source.is_required and source.default is not None:
        inner.mistake("default", "a text that is required has no default", "Leave one out.")
    return source


def amount_sources(section: Section, keys: Iterable[str], settings: Collection[str]) -> Amounts:
    """Read where amounts come from: a place, or a map with `from`."""
    return {key: _amount(section, key, settings) for key in keys if section.node(key) is not None}


def _amount(section: Section, key: str, settings: Collection[str]) -> AmountSource:
    if not isinstance(section.node(key), Map):
        return AmountSource(required(section, key, place, "data.points"))
    inner = section.inner(key, AMOUNT_KEYS)
    decimals = inner.read("decimals", text)
    if decimals is not None and decimals not in (*settings, *"0123456789"):
        wrong = "must be a number from 0 to 9, or a setting of this description"
        inner.mistake("decimals", wrong, nearest(decimals, settings) if settings else None)
    return AmountSource(
        required(inner, "from", place, "data.points"),
        flag(inner, "required"),
        int(decimals) if decimals and decimals.isdigit() else decimals,
    )


def choice(*words: Word) -> Callable[[str], Word]:
    """Make a check that accepts one of some words."""
    check = one_of(*words)

    def chosen(value: str) -> Word:
        found = check(value)
        return next(word for word in words if word == found)

    return chosen
