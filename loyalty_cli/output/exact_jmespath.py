"""JMESPath with exact numbers: an integer is an `int`, any other number an `Amount`, none a float.

Where the library would fail with an error of Python's own (comparing a number with a text, looking
for a number in a text), the result is what the specification says: null, or false.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Any, NoReturn

from jmespath.exceptions import LexerError, ParseError
from jmespath.functions import REVERSE_TYPES_MAP, TYPES_MAP, Functions, signature
from jmespath.lexer import Lexer
from jmespath.parser import ParsedResult, Parser
from jmespath.visitor import Options, TreeInterpreter

from loyalty_cli.model.amount import MAX_DIGITS, Amount
from loyalty_cli.output.json_text import json_cell

AVERAGE_PLACES = 20
"""An average that has no end is rounded to so many decimal places."""

MOST_CALLS = 900
"""Python allows 1000 calls within each other, and some are made before a tree is evaluated."""

_AMOUNT = Amount.__name__
_NEEDLESS_ZERO = re.compile("-?0[0-9]")
"""Platforms may write it, as in 007; a number of JSON never begins with it."""
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class MistakeError(ParseError):
    """What the grammar allows, and can have no value: `msg` says what."""


class UnknownFunctionError(MistakeError):
    """A function that does not exist."""


def type_name(python_type: str) -> str:
    """The type of JMESPath that a type of Python is."""
    return "number" if python_type == _AMOUNT else str(TYPES_MAP.get(python_type, python_type))


def parse(expression: str) -> Any:
    """The tree of an expression; raises JMESPathError, with a place if it is a ParseError.

    Raises RecursionError for one that could not be evaluated.
    """
    tree = ExactParser().parse(expression).parsed
    if _calls(tree) > MOST_CALLS:
        raise RecursionError
    return tree


def _calls(tree: Any) -> int:
    """How many calls are within each other when a tree is evaluated."""
    most, left = 0, [(tree, 0)]
    while left:
        node, outside = left.pop()
        calls = outside + (3 if node["type"] == "comparator" else 2)
        most = max(most, calls)
        left += [(each, calls) for each in node["children"] if isinstance(each, dict)]
    return most


def search(tree: Any, data: Any) -> Any:
    """The value of an expression; raises JMESPathError, and TypeError for what has no order."""
    return ExactInterpreter(Options(custom_functions=ExactFunctions())).visit(tree, data)


class ExactLexer(Lexer):
    """Reads the JSON between backticks with all its digits."""

    def _consume_number(self) -> str:
        start = self._position
        digits = str(super()._consume_number())
        if len(digits) > MAX_DIGITS:
            raise LexerError(start, digits, f"a number of more than {MAX_DIGITS} digits")
        return digits

    def _consume_literal(self) -> dict[str, Any]:
        start = self._position
        text = self._consume_until("`").replace("\\`", "`")
        try:
            value = self._literal(text)
        except ValueError as error:
            raise LexerError(start, text, f"{error}") from None
        return {"type": "literal", "value": value, "start": start, "end": self._position - start}

    @staticmethod
    def _literal(text: str) -> Any:
        try:
            return _read(text)
        except json.JSONDecodeError:
            # Many write `running` for the text, as the first version of JMESPath allowed.
            try:
                return _read(f'"{text.lstrip()}"')
            except json.JSONDecodeError:
                raise ValueError("what is between backticks is not JSON") from None


def _read(text: str) -> Any:
    return json.loads(text, parse_float=Amount.parse, parse_int=_integer, parse_constant=_no_number)


def _integer(text: str) -> int:
    return int(Amount.parse(text))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"no number of JSON is {text}")


class ExactParser(Parser):
    """Checks functions while it reads them, where their place is known."""

    _CACHE: dict[str, ParsedResult] = {}  # the library's has trees with floats

    def _parse(self, expression: str) -> ParsedResult:
        self._tokens = list(ExactLexer().tokenize(expression))
        self._index = 0
        tree = self._expression(binding_power=0)
        if self._current_token() != "eof":
            self._error_led_token(self._tokens[self._index])
        return ParsedResult(expression, tree)

    def _token_led_lparen(self, left: dict[str, Any]) -> Any:
        name = self._tokens[self._index - 2]
        called = super()._token_led_lparen(left)
        spec = ExactFunctions.FUNCTION_TABLE.get(name["value"])
        if spec is None:
            what = f"there is no function {name['value']}()"
            raise UnknownFunctionError(name["start"], name["value"], name["type"], what)
        takes, given = spec["signature"], len(called["children"])
        is_open = bool(takes and takes[-1].get("variadic"))
        if given < len(takes) or (given > len(takes) and not is_open):
            least = "at least " if is_open else ""
            plural = "" if len(takes) == 1 else "s"
            raise MistakeError(
                *(name["start"], name["value"], name["type"]),
                f"{name['value']}() takes {least}{len(takes)} argument{plural}, not {given}",
            )
        for number, (argument, wanted) in enumerate(zip(called["children"], takes, strict=False)):
            is_reference, types = argument["type"] == "expref", wanted["types"]
            if types and is_reference != ("expref" in types):
                takes_it = "no expression" if is_reference else "an expression such as &name"
                raise MistakeError(
                    *(name["start"], name["value"], name["type"]),
                    f"{name['value']}() takes {takes_it} as argument {number + 1}",
                )
        return called

    def _parse_slice_expression(self) -> Any:
        first = self._tokens[self._index]
        made = super()._parse_slice_expression()
        if made["children"][2] == 0:
            what = "the step of a slice is 0"
            raise MistakeError(first["start"], first["value"], first["type"], what)
        return made


class ExactInterpreter(TreeInterpreter):
    """Compares numbers exactly, and never a boolean with a number."""

    def visit_comparator(self, node: dict[str, Any], value: Any) -> bool | None:
        """Whether a comparison holds; null for an order of what has none."""
        left, right = (self.visit(child, value) for child in node["children"])
        if node["value"] in ("eq", "ne"):
            return is_same(left, right) is (node["value"] == "eq")
        if not (_are(left, right, int | Decimal) or _are(left, right, str)):
            return None
        return _ORDERS[node["value"]](left, right)


def is_same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; 1 is not true."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(left[key], right[key]) for key in left)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _are(left: Any, right: Any, kind: Any) -> bool:
    return all(isinstance(each, kind) and not isinstance(each, bool) for each in (left, right))


class ExactFunctions(Functions):
    """The functions of the specification, for exact numbers."""

    def _get_allowed_pytypes(self, types: Sequence[str]) -> tuple[list[str], list[Sequence[str]]]:
        allowed, members = super()._get_allowed_pytypes(types)
        number = REVERSE_TYPES_MAP["number"]
        more = [_AMOUNT] if set(number) <= set(allowed) else []
        return [*allowed, *more], [(*each, _AMOUNT) if each == number else each for each in members]

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return type_name(pyobject)

    @signature({"types": ["number"]})
    def _func_abs(self, number: int | Amount) -> int | Amount:
        return abs(number) if isinstance(number, int) else Amount(number.copy_abs())

    @signature({"types": ["array-number"]})
    def _func_sum(self, numbers: list[int | Amount]) -> int | Amount:
        if all(isinstance(each, int) for each in numbers):
            return sum(numbers)
        total = Amount(0)
        for each in numbers:
            total = total.plus(Decimal(each))
        return total

    @signature({"types": ["array-number"]})
    def _func_avg(self, numbers: list[int | Amount]) -> Amount | None:
        if not numbers:
            return None
        exact = Context(prec=3 * MAX_DIGITS, rounding=ROUND_HALF_EVEN)
        average = exact.divide(Decimal(self._func_sum(numbers)), Decimal(len(numbers)))
        if exact.flags[Inexact]:
            average = exact.quantize(average, Decimal(1).scaleb(-AVERAGE_PLACES))
        return Amount(average)

    @signature({"types": ["number"]})
    def _func_ceil(self, number: int | Amount) -> int | Amount:
        return number if isinstance(number, int) else Amount(math.ceil(number))

    @signature({"types": ["number"]})
    def _func_floor(self, number: int | Amount) -> int | Amount:
        return number if isinstance(number, int) else Amount(math.floor(number))

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> int | Amount | None:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and _NEEDLESS_ZERO.match(value):
            return None
        return Amount.convert_or_none(value)

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else json_cell(value)

    @signature({"types": []})
    def _func_type(self, value: Any) -> str:
        return type_name(type(value).__name__)

    @signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, where: str | list[Any], wanted: Any) -> bool:
        if isinstance(where, str):
            return isinstance(wanted, str) and wanted in where
        return any(is_same(each, wanted) for each in where)
