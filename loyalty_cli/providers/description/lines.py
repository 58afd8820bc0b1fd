"""Reads one balance line of a description from an answer."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loyalty_cli.providers.contract import (
    Amount,
    Balance,
    NextExpiry,
    Value,
    WarningCode,
    WarningRecord,
    is_currency,
)
from loyalty_cli.providers.description.places import Home
from loyalty_cli.providers.description.records import (
    Amounts,
    AmountSource,
    ExpirySource,
    Line,
    ValueSource,
)

Settings = Mapping[str, str]

_SCALE_UNKNOWN = (
    "{title} does not say whether {amount} {unit} is in whole or minor units"
    " (dollars or cents); set {setting} in the profile once you know."
)


class FoundLine(Struct, frozen=True):
    """A line that an answer has, what describes it, and what the user must know about it."""

    line: Line
    balance: Balance
    warnings: tuple[WarningRecord, ...] = ()

    @property
    def has_available(self) -> bool:
        """Whether the line is one with an available amount, be it missing in this answer."""
        return "available" in self.line.amounts


def read_line(line: Line, home: Home, settings: Settings, title: str) -> FoundLine | None:
    """Read a line; None if the answer has none of its amounts.

    Raises ValueError for an answer that the description does not allow.
    """
    unit = home.text(line.unit)
    kind = line.kind
    if kind == "money_or_points":
        kind = "money" if unit is not None and is_currency(unit) else "points"
    is_money = kind == "money"
    amounts = _amounts(home, line.amounts, settings, is_money=is_money)
    value = _worth(home, line.value, settings) if line.value else None
    expiry = _expiry(home, line.next_expiry) if line.next_expiry else None
    if not any(each is not None for each in (*amounts.values(), value, expiry)):
        return None
    warnings = [WarningRecord(WarningCode.MEANING_UNKNOWN, line.doubt)] if line.doubt else []
    unclear = _unclear_scale(line.amounts, amounts, settings) if is_money else None
    if unclear:
        amount, setting = unclear
        text = _SCALE_UNKNOWN.format(title=title, amount=amount, unit=unit, setting=setting)
        warnings.append(WarningRecord(WarningCode.SCALE_UNKNOWN, text))
    balance = Balance(
        name=home.text(line.name) or "",
        kind=kind,
        unit=unit,
        basis="scale_unknown" if unclear else "stated",
        includes_pending=line.includes_pending,
        sum_of=line.sum_of,
        value=value,
        next_expiry=expiry,
        **amounts,
    )
    return FoundLine(line, balance, tuple(warnings))


def unclear_currencies(found: Sequence[FoundLine], title: str) -> tuple[WarningRecord, ...]:
    """A warning for the lines of money of which the answer does not name the currency."""
    names = [each.balance.name for each in found if _lacks_currency(each)]
    names += [
        f"the worth of {each.balance.name}"
        for each in found
        if each.balance.value and each.balance.value.currency is None
    ]
    doubt = f"{title} does not say in which currency these are: {', '.join(names)}."
    return (WarningRecord(WarningCode.CURRENCY_UNKNOWN, doubt),) if names else ()


def _lacks_currency(found: FoundLine) -> bool:
    return found.balance.kind in ("money", "credit") and found.balance.unit is None


def _amounts(
    home: Home, sources: Amounts, settings: Settings, *, is_money: bool
) -> dict[str, Amount | None]:
    """Read amounts; those of money get their decimals."""
    read = {key: home.amount(source) for key, source in sources.items()}
    if not is_money:
        return read
    return {key: _scaled(found, sources[key], settings) for key, found in read.items()}


def _scaled(amount: Amount | None, source: AmountSource, settings: Settings) -> Amount | None:
    decimals = source.decimals
    if isinstance(decimals, str):
        decimals = int(settings.get(decimals, 0))
    return amount.shifted(-decimals) if amount is not None and decimals else amount


def _unclear_scale(
    sources: Amounts, amounts: Mapping[str, Amount | None], settings: Settings
) -> tuple[Amount, str] | None:
    """An amount whose decimals nobody has set, and the setting for them."""
    for key, amount in amounts.items():
        decimals = sources[key].decimals
        if amount is not None and isinstance(decimals, str) and decimals not in settings:
            return amount, decimals
    return None


def _worth(home: Home, source: ValueSource, settings: Settings) -> Value | None:
    amounts = _amounts(home, source.amounts, settings, is_money=True)
    if all(each is None for each in amounts.values()):
        return None
    return Value(currency=home.text(source.currency), **amounts)


def _expiry(home: Home, source: ExpirySource) -> NextExpiry | None:
    at = home.text(source.at)
    amounts = {key: home.amount(each) for key, each in source.amounts.items()}
    if at is None and amounts.get("amount") is None:
        return None
    return NextExpiry(at=at, **amounts)
