"""How look-ups are shown: as balance lines, or with `--raw` as the platform's fields."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import NO_ID, ErrorCode, nearest, usage_error
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
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.csv_text import CsvCell, cell_value, values
from loyalty_cli.output.document import Layout
from loyalty_cli.output.escape import visible
from loyalty_cli.output.json_text import json_cell
from loyalty_cli.output.view import Cell, Column, Group, Note, View

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


def _group(lookup: Lookup) -> Group:
    if lookup.error:
        return _failed(lookup, lookup.error, [_why(lookup.error)])
    nothing = [Cell(_why_empty(lookup), style="dim")]
    rows = [_row(line) for line in lookup.balances] or [nothing]
    return Group(_who(lookup), rows, _notes(lookup), _details(lookup))


def _row(line: Balance) -> list[Cell]:
    expiry = line.next_expiry or NextExpiry()
    nothing = line.available is None and line.total is None
    # A total is shown only if the line has nothing else.
    total = line.total if line.available is None else None
    unit = shown_unit(line.unit, line.basis)
    return [
        Cell(_name(line)),
        Cell(NOT_STATED, style="dim") if nothing else _amount(line.available, unit),
        _amount(line.pending, unit),
        _worth(line),
        replace(_amount(expiry.amount, unit), at=expiry.at or ""),
        _amount(total, unit),
    ]


def _who(lookup: LookedUp) -> list[Cell]:
    return [Cell(lookup.profile), Cell(lookup.customer)]


def _failed(lookup: Lookup | RawLookup, error: Failure, row: Sequence[str]) -> Group:
    """A look-up that failed: why, in short for its row, and in full for its note."""
    said = " ".join(filter(None, (error.message, error.hint)))
    if _is_no_id(error):
        said = (error.hint or "").strip("`")
    note = Note(f"{_why(error).upper()}: {said}", is_error=True)
    cells = [Cell(text, style="red") for text in row]
    return Group(_who(lookup), [cells], [note, *_notes(lookup)], is_failed=True)


def _why_empty(lookup: Lookup) -> str:
    """Why there is no line: the platform says that there is nothing, or it does not say."""
    is_stated = all(each.code is not WarningCode.NOT_STATED for each in lookup.warnings)
    return NOTHING_YET if is_stated else NOT_STATED


def _name(line: Balance) -> str:
    return f"{line.name} = {' + '.join(line.sum_of)}" if line.sum_of else line.name


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


def _details(lookup: Lookup) -> dict[str, str]:
    """The details, one text for each key; only where they are, if there are too many to read."""
    found = {key: _detail(key, value) for key, value in (lookup.details or {}).items()}
    is_short = sum(map(len, found.values())) <= LONGEST_DETAILS
    return found if is_short else {"details": "details: in -o json"}


def _detail(key: str, value: Any) -> str:
    """A few values with their paths, or else all of them as JSON."""
    leaves = list(_leaves(key, value))
    if len(leaves) > MOST_LEAVES:
        return f"{key}: {json_cell(value)}"
    return ", ".join(f"{path}: {_text(leaf)}" for path, leaf in leaves)


def _raw_group(lookup: RawLookup) -> Group:
    if lookup.error:
        return _failed(lookup, lookup.error, ["", _why(lookup.error)])
    rows = [[Cell(name), Cell(_text(value))] for name, value in _fields(lookup)]
    return Group(_who(lookup), rows)


def _why(error: Failure) -> str:
    return NO_ID if _is_no_id(error) else _words(error.code)


def _is_no_id(error: Failure) -> bool:
    """Whether nothing was asked; the message names the person and the profile."""
    return error.message.startswith(NO_ID)


def _text(value: CsvCell) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


_WHOSE = (Column("Customer", above=2), Column("Profile", above=1))

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
        *(Column(heading, numbers=True) for heading in ("Pending", "Worth")),
        Column("Next expiry", numbers=True, expires=True),
        Column("Total", numbers=True),
    ),
    _group,
    units={
        **dict.fromkeys(_AMOUNTS, "unit"),
        "count": "",
        **{f"value_{name}": "value_currency" for name in _VALUE if name != "currency"},
        "next_expiry_amount": "unit",
        "next_expiry_value": "value_currency",
    },
    sorted_as={"worth": "value_available", "next_expiry": "next_expiry_at"},
)
RAW = View[RawLookup](
    _csv_header(["field", "value"]),
    _csv_fields,
    (*_WHOSE, Column("Field"), Column("Value")),
    _raw_group,
)


def by_person(view: View[Any], people: Mapping[tuple[str, str], str]) -> View[Any]:
    """The same view, with look-ups under the people that these profiles and customers are."""

    def group(lookup: Lookup | RawLookup) -> Group:
        made = view.group(lookup)
        name = people.get((lookup.profile, lookup.customer), "")
        has_no_id = lookup.error is not None and _is_no_id(lookup.error)
        heading = [Cell(lookup.profile), Cell()] if has_no_id else made.heading
        return replace(made, heading=heading, section=Cell(name, at=lookup.retrieved_at))

    return replace(view, group=group, section="Person")


def field_names() -> list[str]:
    """The values that `--field` can print: those of a balance line, and of its look-up."""
    return [*BALANCES.csv_header]


def field_layout(name: str) -> Layout:
    """A document of one value of each balance line, a line each; raises LoyaltyError if unknown.

    null is an empty line. A look-up without balance lines has none.
    """
    if name not in field_names():
        usage_error(f"--field: a balance line has no {name!r}.", nearest(name, field_names()))
    at = field_names().index(name)

    def lines(lookup: Lookup) -> bytes:
        rows = _csv_lines(lookup) if lookup.balances else ()
        return "".join(f"{visible(cell_value(row[at]))}\n" for row in rows).encode()

    return Layout(lines)


def ending(
    lookups: Sequence[Lookup | RawLookup], people: Mapping[tuple[str, str], str] = {}
) -> list[str]:
    """What is missing in a table of several look-ups, and how many warnings it has, if any."""
    errors = [lookup.error for lookup in lookups if lookup.error]
    unknown = sum(each.code is ErrorCode.NOT_FOUND and not _is_no_id(each) for each in errors)
    warnings = sum(len(lookup.warnings) for lookup in lookups)
    if len(lookups) < 2 or not (errors or warnings):
        return []
    who = {people.get((each.profile, each.customer), each.customer) for each in lookups}
    asked = f"{len(lookups)} {'platforms' if len(who) == 1 else 'look-ups'}"
    parts = [
        f"{len(lookups) - len(errors)} of {asked} answered",
        *([f"{unknown} not found"] if unknown else []),
        *([f"{warnings} warning{'s' if warnings > 1 else ''}"] if warnings else []),
    ]
    hint = [] if stderr.is_quiet() else ["For a ticket: -o markdown or --copy"]
    return [f"{', '.join(parts)}.", *hint]


def report_warnings(lookups: Iterable[Lookup | RawLookup], left: int = 0) -> None:
    """Print warnings to stderr, and how many look-ups have others."""
    for lookup in lookups:
        for each in lookup.warnings:
            messages.warning(
                each.message, each.code, profile=lookup.profile, customer=lookup.customer
            )
    if left:
        messages.note(f"{left} more look-ups have warnings; -o csv and jsonl have them all.")


def teller() -> Callable[[Lookup | RawLookup], object] | None:
    """What prints a failed look-up at once, if programs read stderr: they count for themselves."""
    return _tell if stderr.is_json() else None


def _tell(lookup: Lookup | RawLookup) -> None:
    if lookup.error:
        messages.failures([_told(lookup, lookup.error, several=True)])


def _told(lookup: Lookup | RawLookup, error: Failure, *, several: bool) -> messages.Failed:
    is_named = several and not _is_no_id(error)
    about = f"{lookup.customer} at {lookup.profile}" if is_named else ""
    return messages.Failed(error, about, lookup.profile, lookup.customer)


def report_failures(
    tally: Tally, *, several: bool, told: Sequence[Lookup | RawLookup] = ()
) -> None:
    """Print to stderr why look-ups failed, each reason once, and how many failed.

    What was `told` in a table is not said again.
    """
    reported = [lookup for lookup in tally.reported if lookup not in told]
    messages.failures(
        _told(lookup, lookup.error, several=several) for lookup in reported if lookup.error
    )
    if several and tally.failed.total() > len(told):
        kinds = [f"{number:,} {_words(code)}" for code, number in tally.failed.most_common()]
        if len(tally.failed) == 1:
            kinds = [_words(code) for code in tally.failed]
        failed = tally.failed.total()
        shown = len(tally.reported)
        first = f"; the first {shown} are listed above" if failed > shown >= MAX_REPORTED else ""
        messages.note(f"{failed:,} of {tally.done:,} look-ups failed: {', '.join(kinds)}{first}.")


def report_first_warnings(tally: Tally) -> None:
    """Print each kind of warning to stderr once, and how many there are, if no record is shown."""
    for kind, (record, first) in tally.first_warned.items():
        who = f"{record.customer} at {record.profile}"
        which = f"{tally.warned[kind]} of {tally.done} look-ups have a warning, such as {who}"
        messages.warning(f"{which}: {first.message}", first.code)


def _notes(lookup: Lookup | RawLookup) -> list[Note]:
    return [Note(warning.message) for warning in lookup.warnings]


def _words(code: ErrorCode) -> str:
    return code.replace("_", " ")
