"""`loyalty diff`: what changed between two exports of balances."""

from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.help_groups import OUTPUT
from loyalty_cli.commands.shared_options import OutputOption, complete_file
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loyalty_cli.history.diff import Diff
    from loyalty_cli.model.amount import Amount
    from loyalty_cli.model.records import DiffRecord

MOST_SHOWN = 100
"""How many differences a table on a terminal shows."""


def diff(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="The older file of loyalty balance; - for stdin.",
            autocompletion=complete_file,
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="The newer file; - for stdin.", autocompletion=complete_file
        ),
    ],
    min_change: Annotated[
        str | None,
        typer.Option(
            "--min-change",
            metavar="N",
            help="Leave out changes smaller than N.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Show only the totals of each profile and unit.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Compare two exports of balances (JSON Lines, JSON or CSV): what changed, and the totals."""
    from loyalty_cli.history.diff import Diff
    from loyalty_cli.history.exports import read_export
    from loyalty_cli.history.sorted_lookups import sorted_lookups
    from loyalty_cli.lists.list_file import open_input
    from loyalty_cli.output.diff import DIFF
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.stdout import require_stdout

    require_stdout()
    compared = Diff(_min_change(min_change))
    if old == new == "-":
        usage_error("OLD and NEW cannot both be stdin.", "Name a file.")
    with sorted_lookups() as look_ups:
        for name in (old, new):
            with open_input(name) as file:
                look_ups.add(name, read_export(name, file))
        look_ups.check_once()
        found = compared.records(look_ups.sorted(0), look_ups.sorted(1))
        if summary or output.is_for_people:
            _print_whole(compared, found, output, summary=summary)
        else:
            print_records(found, output, DIFF)
    _report(compared, min_change)


def _print_whole(
    compared: "Diff", found: "Iterator[DiffRecord]", output: Format, *, summary: bool
) -> None:
    """Print the differences, unless in a summary, and then the totals."""
    from itertools import islice

    from loyalty_cli.output.diff import DIFF, DIFF_TOTALS
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.stdout import is_terminal, write_text

    total = 0

    def counted() -> "Iterator[DiffRecord]":
        nonlocal total
        for record in found:
            total += 1
            yield record

    records = counted()
    if not summary:
        is_long = output is Format.TABLE and is_terminal()
        print_records(islice(records, MOST_SHOWN if is_long else None), output, DIFF)
        if total:
            write_text("\n")
    shown = total
    for _ in records:
        pass
    print_records(compared.totals.records(), output, DIFF_TOTALS)
    if not total and not compared.left_out:
        messages.note("Nothing changed.")
    elif total > shown and not summary:
        messages.note(
            f"The first {shown} of {total} differences are shown;"
            " `| less`, -o jsonl, json or csv shows all."
        )


def _report(compared: "Diff", min_change: str | None) -> None:
    if compared.left_out:
        messages.note(f"Smaller changes than {min_change}, left out: {compared.left_out}.")
    if compared.asked_otherwise:
        old, new = compared.asked_otherwise
        messages.warning(
            f"{new.customer} at {new.profile}, perhaps others too, was asked with other options:"
            f" OLD {old.asked or 'none'}, NEW {new.asked or 'none'}."
        )


def _min_change(text: str | None) -> "Amount":
    """Read --min-change; raise LoyaltyError for anything but an amount from zero."""
    from loyalty_cli.model.amount import Amount

    try:
        smallest = Amount.parse("0" if text is None else text)
    except ValueError as error:
        usage_error(f"--min-change: {error}.", "Write it like 500 or 0.05.")
    if smallest < 0:
        usage_error("--min-change must not be negative.", "It is about changes up and down.")
    return smallest
