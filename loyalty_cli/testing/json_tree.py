"""JSON trees of answers and records: change a place in one, compare two, show a value."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

CUSTOMER_HERE = "{}"
"""Stands for the customer, in an answer, a path or a query."""
LONGEST_SHOWN = 200


def changed(answer: Any, place: str, value: Any) -> Any:
    """The answer with another value in one place; `...` removes the key."""
    if not place:
        return value
    tree = deepcopy(answer)
    *way, last = _steps(place)
    node = tree
    for step in way:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return tree


def value_at(answer: Any, place: str) -> Any:
    """The value in a place of an answer; raise KeyError if there is no such place."""
    node = answer
    for step in _steps(place):
        try:
            node = node[step]
        except (IndexError, TypeError):
            raise KeyError(place) from None
    return node


def places(answer: Any, before: str = "") -> Iterator[str]:
    """Every place of an answer that has a key, from the top down."""
    for key, value in answer.items() if isinstance(answer, Mapping) else ():
        yield before + key
        yield from places(value, f"{before}{key}.")


def with_raw(answer: Any, raw: Mapping[str, str]) -> bytes:
    """The answer as JSON, with raw text in place of some of its values."""
    for place in raw:
        answer = changed(answer, place, f"@{place}@")
    text = json.dumps(answer)
    for place, value in raw.items():
        text = text.replace(f'"@{place}@"', value)
    return text.encode()


def about(body: Any, customer: str) -> bytes:
    """An answer as JSON, with the customer wherever a text is `{}`."""
    content: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    return content.replace(b'"{}"', json.dumps(customer).encode())


def for_customer(tree: Any, customer: str) -> Any:
    """A JSON tree with the customer wherever a text is `{}`."""
    match tree:
        case Mapping():
            return {key: for_customer(value, customer) for key, value in tree.items()}
        case list() | tuple():
            return [for_customer(each, customer) for each in tree]
        case _:
            return customer if tree == CUSTOMER_HERE else tree


def at(record: Any, place: str) -> Any:
    """The value in a place of a record, such as `points.available`; None without that line."""
    name, *way = place.split(".")
    node = next((line for line in record["balances"] if line["name"] == name), None)
    for step in way:
        node = None if node is None else node[step]
    return node


def exact(tree: Any) -> Any:
    """A JSON tree in which only numbers with the same digits are equal."""
    match tree:
        case Mapping():
            return {key: exact(value) for key, value in tree.items()}
        case list() | tuple():
            return [exact(value) for value in tree]
        case bool():
            return tree
        case int() | Decimal():
            return Digits(format(Decimal(tree), "f"))
        case float():
            return Digits(format(Decimal(repr(tree)), "f"))
        case _:
            return tree


class Digits(str):
    """A number as the text of its digits."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def difference(got: Any, expected: Any, place: str) -> str | None:
    """The first difference of two JSON trees in words; None if they are equal."""
    match got, expected:
        case Mapping(), Mapping():
            for key in dict.fromkeys([*expected, *got]):
                inner = f"{place}.{key}"
                if key not in got:
                    return f"{inner} is missing; expected {shown(expected[key])}"
                if key not in expected:
                    return f"{inner} is {shown(got[key])}; expected no such key"
                if found := difference(got[key], expected[key], inner):
                    return found
            return None
        case list() | tuple(), list() | tuple() if len(got) == len(expected):
            pairs = enumerate(zip(got, expected, strict=True))
            each = (difference(one, other, f"{place}.{index}") for index, (one, other) in pairs)
            return next(filter(None, each), None)
        case _ if got == expected and isinstance(got, bool) == isinstance(expected, bool):
            return None
        case _:
            return f"{place} is {shown(got)}; expected {shown(expected)}"


def shown(value: Any) -> str:
    """A value for a person, cut to one line."""
    match value:
        case None:
            return "null"
        case Decimal():
            return format(value, "f")
        case list() | tuple():
            text = f"[{', '.join(map(shown, value))}]"
        case Mapping():
            text = f"{{{', '.join(f'{key}: {shown(each)}' for key, each in value.items())}}}"
        case _:
            text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _steps(place: str) -> list[Any]:
    return [int(step) if step.isdigit() else step for step in filter(None, place.split("."))]
