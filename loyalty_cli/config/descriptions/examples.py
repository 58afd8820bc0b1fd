"""The examples of a description: answers, and what must come of them."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from msgspec.json import Encoder

from loyalty_cli.config.descriptions.values import choice, required
from loyalty_cli.config.section import Section
from loyalty_cli.config.yaml_nodes import Items, Map, Node, Text
from loyalty_cli.model.amount import Amount, encode_amount
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import Parameter
from loyalty_cli.providers.description.records import Example
from loyalty_cli.providers.parameters import integer

EXAMPLE_KEYS = (*("customer", "by", "status", "body", "available", "error", "settings", "options"),)
_WORDS: Mapping[str, bool] = {"true": True, "false": False}
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)
_JSON = Encoder(enc_hook=encode_amount)


def read_examples(
    description: Section,
    ways: Collection[str],
    settings: tuple[Parameter, ...],
    options: tuple[Parameter, ...],
) -> tuple[Example, ...]:
    """Read `examples`."""
    listed = description.listed("examples")
    return tuple(_example(listed, at, ways, settings, options) for at in listed.names)


def _example(
    listed: Section,
    at: str,
    ways: Collection[str],
    settings: tuple[Parameter, ...],
    options: tuple[Parameter, ...],
) -> Example:
    section = listed.inner(at, EXAMPLE_KEYS)
    if ("available" in section) == ("error" in section):
        section.mistake("available", "an example has either available or error")
    error = section.read("error", _error_code)
    return Example(
        line=listed.line(at) or 0,
        customer=required(section, "customer", _customer, '"42"'),
        by=section.read("by", choice(*ways)) or "id",
        status=section.read("status", _status) or 200,
        body=_body(section),
        available=None if error else _amounts(section.listed("available")),
        error=error,
        settings=_parameters(section, "settings", settings),
        options=_parameters(section, "options", options),
    )


def _parameters(section: Section, key: str, known: tuple[Parameter, ...]) -> Mapping[str, str]:
    inner = section.inner(key, [each.name for each in known])
    read = {each.name: inner.read(each.name, each.check) for each in known}
    return {name: value for name, value in read.items() if value is not None}


def _customer(value: str) -> str:
    try:
        return check_customer(value)
    except LoyaltyError as error:
        raise ValueError(error.message) from None


def _error_code(value: str) -> ErrorCode:
    try:
        return ErrorCode(value.lower())
    except ValueError:
        from difflib import get_close_matches

        close = get_close_matches(value.lower(), list(ErrorCode), n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        wrong = (
            f"must be an error code{meant}, not {value[:40]!r}; `loyalty help output` lists them"
        )
        raise ValueError(wrong) from None


def _status(value: str) -> int:
    status = int(integer(value))
    if not 200 <= status <= 599:
        raise ValueError("must be an HTTP status")
    return status


def _amounts(listed: Section) -> tuple[str | None, ...]:
    """The amounts, as they are printed; null for a line that has none available."""
    return tuple(listed.read(at, lambda text: str(Amount.parse(text))) for at in listed.names)


def _body(section: Section) -> bytes:
    """The body as JSON; without one it is empty."""
    if "body" not in section:
        return b""
    try:
        return _JSON.encode(_tree(section.node("body")))
    except ValueError as error:
        section.mistake("body", str(error))


def _tree(node: Node) -> Any:
    """A node as JSON has it: a number, true or false without quotes is one, digit for digit."""
    match node:
        case Map(items):
            return {name: _tree(each) for name, each in items.items()}
        case Items(items):
            return [_tree(each) for each in items]
        case Text(value, _, is_quoted) if not is_quoted and value in _WORDS:
            return _WORDS[value]
        case Text(value, _, is_quoted) if not is_quoted and _NUMBER.fullmatch(value):
            return Amount.parse(value)
        case Text(value):
            return value
        case _:
            return None
