"""How look-ups are shown: as balance lines, or with `--raw` as the platform's fields."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import NO_ID, ErrorCode
from loyalty_cli.model.records import (
    Balance,
    Basis,
    Failure,
    LookedUp,
    Lookup,
    NextExpiry,
    RawLookup,
    Value,
    WarningCode,
)
from loyalty_cli.model.tally import MAX_REPORTED, Tally
from loyalty_cli.output import messages
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.json_text import json_cell
from loyalty_cli.output.stdout import is_terminal
from loyalty_cli.output.view import Cell, Column, Group, View

NOTHING_YET = "nothing yet"
NOT_STATED = "not stated"

MOST_LEAVES = 4
"""A detail with more values than this is shown as JSON."""
LONGEST_DETAILS = 2000
"""Characters of the details of one look-up in a table: with more, only -o json has them."""

_WHO = LookedUp.__struct_fields__
_AMOUNTS = ("available", "pending", "total", "earned", "redeemed", "expired", "cancelled", "count")
_LINE = ("name", "kind", "unit", "basis", "includes_pending", "sum_of", *_AMOUNTS)
_VALUE = Value.__struct_fields__
_EXPIRY = NextExpiry.__struct_fields__
_ERROR = Failure.__struct_fields__


def _csv_header(middle: Sequence[str]) -> list[str]:
    return [*_WHO, *middle, "warnings", *(f"error_{name}" for name in _ERROR)]


def _around(lookup: Lookup | RawLookup, middle: Sequence[CsvCell]) -> list[CsvCell]:
    warnings = " | ".join(f"{each.code}: {each.message}" for each in lookup.warnings)
    error = values(lookup.error, _ERROR)
    return [*values(lookup, _WHO), *middle, warnings, *error]


def _csv_lines(lookup: Lookup) -> Iterator[list[CsvCell]]:
    for line in lookup.balances or (None,):
        value, expiry = values(line, ("value", "next_expiry"))
        amounts = [*values(line, _LINE), *values(value, _VALUE), *values(expiry, _EXPIRY)]
        yield _around(lookup, [*amounts, lookup.details])


def _csv_fields(lookup: RawLookup) -> Iterator[list[CsvCell]]:
    for field in _fields(lookup) or ((None, None),):
        yield _around(lookup, field)


def _fields(lookup: RawLookup) -> list[tuple[str, CsvCell]]:
    """The leaves of the platform's JSON, each with its path."""
    if lookup.raw is None:
        return []
    tree = json.loads(bytes(lookup.raw), parse_float=Amount, parse_int=Amount)
    return list(_leaves("", tree))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, CsvCell]]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, member)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    else:
        yield path or "(all)", "{}" if value == {} else "[]" if value == [] else value


def _groups(lookups: Sequence[Lookup]) -> list[Group]:
    """A group for each look-up; none if every look-up failed, and stderr shows why."""
    if all(lookup.error for lookup in lookups):
        return []
    lines = [line for lookup in lookups for line in lookup.balances]
    # Totals are shown only if a line has nothing else; then those of all lines.
    totals = any(line.available is None and line.total is not None for line in lines)
    return [
        Group([*_rows(lookup, totals=totals)], _messages(lookup), _details(lookup))
        for lookup in lookups
    ]


def _rows(lookup: Lookup, *, totals: bool) -> Iterator[list[Cell]]:
    who = [Cell(lookup.customer), Cell(lookup.profile)]
    if lookup.error:
        yield [*who, _failed(lookup.error), *[Cell()] * 6]
    elif not lookup.balances:
        yield [*who, Cell(_why_empty(lookup), style="dim"), *[Cell()] * 6]
    for line in lookup.balances:
        expiry = line.next_expiry or NextExpiry()
        nothing = line.available is None and line.total is None
        unit = shown_unit(line.unit, line.basis)
        yield [
            *who,
            Cell(_name(line)),
            Cell(NOT_STATED, style="dim") if nothing else _amount(line.available, unit),
            _amount(line.pending, unit),
            _amount(line.total if totals else None, unit),
            _worth(line),
            _amount(expiry.amount, unit),
            Cell(expiry.at or ""),
        ]


def _why_empty(lookup: Lookup) -> str:
    """Why there is no line: the platform says that there is nothing, or it does not say."""
    is_stated = all(each.code is not WarningCode.NOT_STATED for each in lookup.warnings)
    return NOTHING_YET if is_stated else NOT_STATED


def _name(line: Balance) -> str:
    return f"{line.name} (sum of {', '.join(line.sum_of)})" if line.sum_of else line.name


def shown_unit(unit: str | None, basis: Basis | None) -> str:
    """The unit in a table: with a question mark if the amounts may be in minor units of it."""
    return f"{unit or ''}{'?' if basis == 'scale_unknown' else ''}"


def _worth(line: Balance) -> Cell:
    """What the available amount is worth, or else the total; it says so unless the line is one."""
    value = line.value or Value()
    if value.available is not None or value.total is None:
        return _amount(value.available, value.currency or "")
    is_total = line.available is None
    return _amount(value.total, f"{value.currency or ''}{'' if is_total else ' total'}".strip())


def _amount(amount: Amount | None, unit: str) -> Cell:
    return Cell() if amount is None else Cell(str(amount), unit)


def _details(lookup: Lookup) -> list[str]:
    """The details, one text for each key; only where they are, if there are too many to read."""
    if not lookup.details:
        return []
    texts = [_detail(key, value) for key, value in lookup.details.items()]
    is_short = sum(map(len, texts)) <= LONGEST_DETAILS
    return texts if is_short else ["details: in -o json"]


def _detail(key: str, value: Any) -> str:
    """A few values with their paths, or else all of them as JSON."""
    leaves = list(_leaves(key, value))
    if len(leaves) > MOST_LEAVES:
        return f"{key}: {json_cell(value)}"
    return ", ".join(f"{path}: {_text(leaf)}" for path, leaf in leaves)


def _raw_groups(lookups: Sequence[RawLookup]) -> list[Group]:
    return [] if all(lookup.error for lookup in lookups) else [*map(_raw_group, lookups)]


def _raw_group(lookup: RawLookup) -> Group:
    who = [Cell(lookup.customer), Cell(lookup.profile)]
    rows = [[*who, Cell(name), Cell(_text(value))] for name, value in _fields(lookup)]
    failed = [[*who, Cell(), _failed(lookup.error)]] if lookup.error else []
    return Group(rows + failed)


def _failed(error: Failure) -> Cell:
    return Cell(NO_ID if _is_no_id(error) else _words(error.code), style="red")


def _is_no_id(error: Failure) -> bool:
    """Whether nothing was asked; the message names the person and the profile."""
    return error.message.startswith(NO_ID)


def _text(value: CsvCell) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


_WHOSE = (Column("Customer", once=True), Column("Profile", once=True))

BALANCES = View[Lookup](
    _csv_header(
        [
            *_LINE,
            *(f"value_{name}" for name in _VALUE),
            *(f"next_expiry_{name}" for name in _EXPIRY),
            "details",
        ]
    ),
    _csv_lines,
    (
        *_WHOSE,
        Column("Name"),
        Column("Available", numbers=True, style="bold"),
        *(Column(heading, numbers=True) for heading in ("Pending", "Total", "Worth")),
        Column("Next expiry", numbers=True, aside=True),
        Column("on", aside=True),
    ),
    _groups,
)
RAW = View[RawLookup](
    _csv_header(["field", "value"]),
    _csv_fields,
    (*_WHOSE, Column("Field"), Column("Value")),
    _raw_groups,
)


def report_warnings(lookups: Sequence[Lookup | RawLookup]) -> None:
    """Print warnings to stderr if the table goes to a pipe; in a terminal they are in the table."""
    if not is_terminal():
        for lookup in lookups:
            for text in _messages(lookup):
                messages.warning(f"{lookup.customer} at {lookup.profile}: {text}")


def report_failures(tally: Tally, *, several: bool) -> None:
    """Print to stderr why look-ups failed, each reason once, and how many failed."""
    messages.errors(
        (
            f"{lookup.customer} at {lookup.profile}: {error.message}"
            if several and not _is_no_id(error)
            else error.message,
            error.hint,
        )
        for lookup in tally.reported
        if (error := lookup.error)
    )
    if several and tally.failed:
        kinds = [f"{number} {_words(code)}" for code, number in tally.failed.most_common()]
        if len(tally.failed) == 1:
            kinds = [_words(code) for code in tally.failed]
        failed = tally.failed.total()
        shown = len(tally.reported)
        first = f"; the first {shown} are listed above" if failed > shown >= MAX_REPORTED else ""
        messages.note(f"{failed} of {tally.done} look-ups failed: {', '.join(kinds)}{first}.")


def report_first_warnings(tally: Tally) -> None:
    """Print each kind of warning to stderr once, and how many there are, if no record is shown."""
    for kind, (record, first) in tally.first_warned.items():
        who = f"{record.customer} at {record.profile}"
        which = f"{tally.warned[kind]} of {tally.done} look-ups have a warning, such as {who}"
        messages.warning(f"{which}: {first.message}")


def _messages(lookup: Lookup | RawLookup) -> list[str]:
    return [warning.message for warning in lookup.warnings]


def _words(code: ErrorCode) -> str:
    return code.replace("_", " ")
