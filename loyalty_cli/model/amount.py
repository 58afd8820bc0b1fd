"""Amounts: decimal numbers with exactly the digits that the platform sent."""

import re
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Self

# More than any balance needs, and few enough that no number can fill the memory:
# 1e999999999 is eleven characters to send and a gigabyte to write out.
MAX_DIGITS = 400
LONGEST_SHOWN = 40

_JSON_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)

# The default context rounds every result to 28 digits.
_EXACT = Context(prec=3 * MAX_DIGITS)


class Amount(Decimal):
    """A decimal that is never rounded; `str` of it has no exponent and keeps trailing zeros."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a number as JSON writes it; raise ValueError for anything else."""
        if not _JSON_NUMBER.fullmatch(text):
            # Whole or not at all: `mask` does not recognise a part of a secret.
            shown = (
                repr(text) if len(text) <= LONGEST_SHOWN else f"a text of {len(text)} characters"
            )
            raise ValueError(f"{shown} is not a number")
        try:
            amount = cls(text)
        except InvalidOperation:  # an exponent that is too large for Decimal
            amount = None
        if amount is None or len(text) > MAX_DIGITS or abs(amount.adjusted()) > MAX_DIGITS:
            raise ValueError(f"a number of more than {MAX_DIGITS} digits")
        return amount

    @classmethod
    def convert(cls, value: object) -> Self:
        """Read an amount as a platform sends it: a JSON number, or its text as a string.

        Raises ValueError for anything else, including a boolean.
        """
        if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
            raise ValueError(f"expected a number, got {type(value).__name__}")  # noqa: TRY004 - msgspec names the path of a ValueError
        return cls.parse(value) if isinstance(value, str) else cls(value)

    @classmethod
    def convert_or_none(cls, value: object) -> Self | None:
        """Read an amount; None for anything else."""
        try:
            return cls.convert(value)
        except ValueError:
            return None

    def plus(self, other: Decimal) -> "Amount":
        """Add, keeping every digit."""
        return Amount(_EXACT.add(self, other))

    def minus(self, other: Decimal) -> "Amount":
        """Subtract, keeping every digit."""
        return Amount(_EXACT.subtract(self, other))

    def shifted(self, places: int) -> "Amount":
        """Move the decimal point: `shifted(-2)` turns 120000 into 1200.00."""
        return Amount(_EXACT.scaleb(self, places))

    def __str__(self) -> str:
        return format(self)

    def __format__(self, specifier: str, /) -> str:  # type: ignore[override] # no context: none rounds
        return super().__format__(specifier or "f")


def encode_amount(value: Any) -> Any:
    """Encode an amount as a JSON number with exactly its digits (an `enc_hook` of msgspec)."""
    from msgspec import Raw

    if isinstance(value, Amount):
        return Raw(str(value).encode())
    raise NotImplementedError(type(value))


def decode_amount(kind: type, value: Any) -> Any:
    """Decode an amount (a `dec_hook` of msgspec)."""
    if kind is Amount:
        return Amount.convert(value)
    raise NotImplementedError(kind)
