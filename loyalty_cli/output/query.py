"""`--query`: what a JMESPath expression makes of the array of all records."""

import json
from collections.abc import Iterable
from enum import Enum
from typing import Any, NoReturn

import msgspec
from jmespath.exceptions import (
    EmptyExpressionError,
    IncompleteExpressionError,
    JMESPathError,
    JMESPathTypeError,
    LexerError,
    ParseError,
)
from msgspec import Struct

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, nearest, usage_error
from loyalty_cli.output.escape import visible
from loyalty_cli.output.exact_jmespath import (
    ExactFunctions,
    MistakeError,
    UnknownFunctionError,
    parse,
    search,
    type_name,
)
from loyalty_cli.output.format import Amounts, Format
from loyalty_cli.output.json_text import json_document, json_line
from loyalty_cli.output.stderr import cells

_SHOWN = 30
"""How many characters of an expression are shown before and after a mistake."""
_EXPLAINED = "https://jmespath.org explains the expressions."


class Query:
    """An expression; raises LoyaltyError, which points at the place of a mistake in it."""

    def __init__(self, expression: str) -> None:
        try:
            self._tree = parse(expression)
        except EmptyExpressionError:
            usage_error("--query: the expression is empty.", _EXPLAINED)
        except ParseError as error:
            _refuse(expression, error)
        except RecursionError:
            usage_error("--query: the expression is nested too deeply.", _EXPLAINED)

    def value(self, records: Iterable[Any]) -> Any:
        """The value for some records; raises LoyaltyError if they do not fit the expression."""
        data = [_data(record) for record in records]
        try:
            return _without_expressions(search(self._tree, data))
        except JMESPathTypeError as error:
            expected = " or ".join(map(_words, error.expected_types))
            actual = _words(type_name(error.actual_type))
            usage_error(
                f"--query: {error.function_name}() takes {expected}, and was given {actual}.",
                "A filter leaves values out, such as [?available != null].",
            )
        except (JMESPathError, TypeError):
            usage_error("--query: a number and a text have no order.", _EXPLAINED)
        except RecursionError:
            usage_error("--query: the expression or an answer is nested too deeply.", _EXPLAINED)
        except MemoryError:
            _too_large()


def query_text(value: Any, output: Format, amounts: Amounts) -> bytes:
    """The value as JSON; as JSON Lines an array has each of its items on a line."""
    try:
        if output is Format.JSON:
            return json_document(value, amounts)
        lines = value if isinstance(value, list) else [value]
        return b"".join(json_line(each, amounts) for each in lines)
    except MemoryError:
        _too_large()


def _too_large() -> NoReturn:
    usage_error("--query: the memory is too small for the value.", "Ask for less at a time.")


def _refuse(expression: str, error: Any) -> NoReturn:
    """Raise the LoyaltyError of a mistake, with the place of it below the expression."""
    at = min(error.lex_position, len(expression))
    hint = _EXPLAINED
    match error:
        case UnknownFunctionError():
            what, hint = error.msg, nearest(error.token_value, ExactFunctions.FUNCTION_TABLE)
        case MistakeError():
            what = error.msg
        case _ if isinstance(error, IncompleteExpressionError) or at == len(expression):
            what = "the expression is incomplete"
        case LexerError():
            what = f"{error.message[0].lower()}{error.message[1:]}"
        case _:
            what = f"unexpected {error.token_value!r}"
    before = visible(expression[max(at - _SHOWN, 0) : at])
    after = visible(expression[at : at + _SHOWN])
    raise LoyaltyError(
        ErrorCode.USAGE,
        f"--query: {what}, at column {at + 1}.",
        hint=hint,
        details=(f"{before}{after}", f"{' ' * cells(before)}^"),
    )


def _words(kind: str) -> str:
    """A type of JMESPath in words: `array-number` is an array of numbers."""
    name, _, members = kind.partition("-")
    article = "an" if name[0] in "aeiou" else "a"
    whole = "null" if name == "null" else f"{article} {name}"
    return f"{whole} of {members}s" if members else whole


def _data(value: Any) -> Any:
    """A record as maps and lists; amounts stay what they are, and other numbers are exact."""
    match value:
        case msgspec.Raw():
            return json.loads(bytes(value), parse_float=Amount, parse_int=int)
        case Struct():
            return {name: _data(getattr(value, name)) for name in value.__struct_fields__}
        case dict():
            return {str(key): _data(each) for key, each in value.items()}
        case list() | tuple():
            return [_data(each) for each in value]
        case Enum():
            return value.value
        case float():
            return Amount(repr(value))
        case _:
            return value


def _without_expressions(value: Any) -> Any:
    """The value, if it is JSON; an expression (`&name`) by itself is not."""
    if isinstance(value, dict):
        return {key: _without_expressions(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_expressions(each) for each in value]
    if value is None or isinstance(value, str | int | Amount):
        return value
    raise LoyaltyError(
        ErrorCode.USAGE, "--query: an expression (&name) by itself has no value.", hint=_EXPLAINED
    )
