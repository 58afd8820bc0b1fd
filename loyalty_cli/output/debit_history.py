"""How one debit is shown: what it is, what happened to it, and what can be next."""

from collections.abc import Iterator
from datetime import datetime

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import DebitHistory, EventRecord
from loyalty_cli.output.csv_text import CsvCell, values
from loyalty_cli.output.dates import duration
from loyalty_cli.output.debits import state_cell
from loyalty_cli.output.document import print_records, print_table
from loyalty_cli.output.escape import visible
from loyalty_cli.output.format import Format, TableLayout
from loyalty_cli.output.stdout import require_stdout, write_text
from loyalty_cli.output.view import Cell, Column, Group, Table, View

_EVENT = EventRecord.__struct_fields__
_EVENT_COLUMNS = (Column("At"), Column("State"), Column("By", above=1), Column("Why"))
FINAL = "Nothing is left to do."


def _csv_events(history: DebitHistory) -> Iterator[list[CsvCell]]:
    for event in history.events:
        yield [history.schema_version, history.debit.reference, *values(event, _EVENT)]


HISTORY = View[DebitHistory](
    ["schema_version", "reference", *_EVENT],
    _csv_events,
    (),
    lambda _: Group((), ()),  # its tables are those of `print_history`
)


def print_history(history: DebitHistory, output: Format, now: datetime) -> None:
    """Print a debit and its history; `now` is by the journal's clock."""
    if not output.is_for_people:
        print_records([history], output, HISTORY)
    elif output is Format.MARKDOWN:
        require_stdout()
        write_text(history_markdown(history, now))
    else:
        layout = TableLayout.AUTO.chosen
        is_list = layout is TableLayout.LIST
        print_table(_facts_in_a_row(history, now) if is_list else _facts_below(history, now))
        write_text("\n")
        print_table(_events_table(history))
        write_text("\n")
        write_text("".join(f"{line}\n" for line in _next_lines(history)))


def history_markdown(history: DebitHistory, now: datetime) -> str:
    """A debit and its history in Markdown."""
    from loyalty_cli.output.markdown import markdown

    tables = "".join(markdown(_facts_in_a_row(history, now), _events_table(history)))
    commands = "".join(f"{visible(each.command)}\n" for each in history.next)
    return f"{tables}\n```console\n{commands}```\n" if commands else tables


def _facts(history: DebitHistory, now: datetime) -> list[tuple[str, Cell]]:
    """What the debit is: who, how much, where, its state, how old, and what the balance was."""
    debit, first = history.debit, history.events[0].at
    facts = [
        ("Customer", Cell(debit.customer)),
        ("Amount", Cell(str(debit.amount), debit.unit, style="bold")),
        ("Profile", Cell(debit.profile)),
        ("State", state_cell(debit.state, f" for {_age(debit.at, now)}")),
        ("Planned", Cell(f"{_age(first, now)} ago", at=first)),
        ("Reference", Cell(debit.reference)),
        ("Before", _before(history)),
        ("After", _after(history)),
        ("Platform's id", Cell(debit.provider_reference or "")),
        ("Error", Cell(debit.error.message if debit.error else "")),
    ]
    return [(label, cell) for label, cell in facts if cell.text]


def _had(history: DebitHistory) -> Amount | None:
    return history.baseline.available if history.baseline else None


def _before(history: DebitHistory) -> Cell:
    """The balance before the last attempt."""
    had = _had(history)
    return Cell() if had is None else Cell(str(had), history.debit.unit)


def _after(history: DebitHistory) -> Cell:
    """What the balance became, as far as that is known."""
    debit, had = history.debit, _had(history)
    if debit.balance_after is not None:
        return Cell(str(debit.balance_after), debit.unit)
    if had is not None and debit.state in ("unknown", "sending"):
        left = had.minus(Amount(debit.amount))
        return Cell(f"{left!s} {debit.unit} if it was made")
    return Cell("not on record" if debit.state == "confirmed" else "")


def _age(at: str, now: datetime) -> str:
    return duration((now - datetime.fromisoformat(at)).total_seconds())


def _facts_below(history: DebitHistory, now: datetime) -> Table:
    """The facts one below the other, without headings."""
    rows = [[Cell(label, style="dim"), cell] for label, cell in _facts(history, now)]
    return Table((Column(""), Column("")), [Group((), rows)])


def _facts_in_a_row(history: DebitHistory, now: datetime) -> Table:
    """The facts side by side, each under its heading."""
    facts = _facts(history, now)
    columns = [Column(label, numbers=label == "Amount") for label, _ in facts]
    return Table(columns, [Group((), [[cell for _, cell in facts]])])


def _events_table(history: DebitHistory) -> Table:
    """The events, each below who was at work."""
    return Table(_EVENT_COLUMNS, map(_event_group, history.events))


def _event_group(event: EventRecord) -> Group:
    attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
    state = Cell() if event.before == event.after else state_cell(event.after, attempt)
    return Group([Cell(event.actor)], [[Cell(at=event.at), state, Cell(event.why)]])


def _next_lines(history: DebitHistory) -> Iterator[str]:
    """The commands that can be next, each on a line of its own, so that it can be copied."""
    for each in history.next:
        yield f"{each.purpose}:"
        yield f"  {visible(each.command)}"
    if not history.next:
        yield FINAL
