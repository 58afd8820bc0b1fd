"""`loyalty balance`: customers' balances at one platform or several."""

from pathlib import Path
from typing import Annotated

import typer

from loyalty_cli.commands.completion.suggestions import complete_person
from loyalty_cli.commands.help_groups import LISTS, LOOK_UP, OUTPUT
from loyalty_cli.commands.shared_options import (
    complete_file,
    complete_option,
    complete_profile,
    complete_way,
    delimiter_option,
    fail_fast_option,
    max_failures_option,
)
from loyalty_cli.lists.list_file import InputFormat
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.output.format import Amounts, Format, TableLayout

MOST_JOBS = 256


def complete_field() -> list[str]:
    """The values that --field can print."""
    from loyalty_cli.output.balances import field_names

    return field_names()


def complete_columns(incomplete: str) -> list[str]:
    """The columns, each behind those that are typed already."""
    from loyalty_cli.output.arrangement import column_names
    from loyalty_cli.output.balances import BALANCES

    typed, comma, _ = incomplete.rpartition(",")
    names = (name for name in column_names(BALANCES) if name not in typed.split(","))
    return [f"{typed}{comma}{name}" for name in names]


def complete_sort(incomplete: str) -> list[str]:
    """The columns, with a minus if that is typed."""
    from loyalty_cli.output.arrangement import column_names
    from loyalty_cli.output.balances import BALANCES

    sign = "-" if incomplete.startswith("-") else ""
    return [f"{sign}{name}" for name in column_names(BALANCES)]


def balance(
    context: typer.Context,
    customers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CUSTOMER...", help="One or more customers, as the platform knows them."
        ),
    ] = None,
    person: Annotated[
        list[str] | None,
        typer.Option(
            "--person",
            "-P",
            metavar="KEY",
            help="A person of loyalty people, in place of CUSTOMER; repeatable.",
            autocompletion=complete_person,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--from",
            "-f",
            metavar="FILE",
            help="The customers: one a line, CSV or JSON Lines; - for stdin.",
            autocompletion=complete_file,
            rich_help_panel=LISTS,
        ),
    ] = None,
    input_format: Annotated[
        InputFormat | None,
        typer.Option(
            "--input-format",
            metavar="FORMAT",
            help="The format of the list, if it is not recognised.",
            rich_help_panel=LISTS,
        ),
    ] = None,
    delimiter: Annotated[str | None, delimiter_option(LISTS)] = None,
    column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The column of customers, if not customer.",
            rich_help_panel=LISTS,
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="The profile to ask; repeatable; see default_profile and LOYALTY_PROFILE.",
            autocompletion=complete_profile,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    all_profiles: Annotated[
        bool,
        typer.Option(
            "--all-profiles",
            help="Ask every profile in the file.",
            rich_help_panel=LOOK_UP,
        ),
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="WAY",
            help="How the customers are named, such as email; see loyalty providers NAME.",
            autocompletion=complete_way,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="KEY=VALUE",
            help="A query option of the provider; see loyalty providers NAME.",
            autocompletion=complete_option,
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw",
            help="Show the platform's answer unchanged.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help="Seconds for one look-up, with all its attempts.",
            rich_help_panel=LOOK_UP,
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=MOST_JOBS,
            help="How many look-ups run at a time.",
            rich_help_panel=LISTS,
        ),
    ] = JOBS,
    rate: Annotated[
        str | None,
        typer.Option(
            "--rate",
            metavar="N",
            help="At most N requests a second in the whole run.",
            rich_help_panel=LISTS,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/N",
            help="Look up only part I of N of the customers.",
            rich_help_panel=LISTS,
        ),
    ] = None,
    max_failures: Annotated[int | None, max_failures_option(LISTS)] = None,
    fail_fast: Annotated[bool, fail_fast_option(LISTS)] = False,
    output: Annotated[
        Format | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FORMAT",
            help="The format; without it a table, or what --output-file ends with.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    layout: Annotated[
        TableLayout,
        typer.Option(
            "--layout",
            metavar="NAME",
            help="The layout of a table; list is for screen readers.",
            rich_help_panel=OUTPUT,
        ),
    ] = TableLayout.AUTO,
    field: Annotated[
        str | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="Print only this value of each balance line.",
            rich_help_panel=OUTPUT,
            autocompletion=complete_field,
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            "--query",
            metavar="EXPR",
            help="Print what a JMESPath expression finds.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="The columns of a table or of CSV.",
            rich_help_panel=OUTPUT,
            autocompletion=complete_columns,
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="KEY",
            help="Sort rows by this column; -KEY: largest first.",
            rich_help_panel=OUTPUT,
            autocompletion=complete_sort,
        ),
    ] = None,
    amounts: Annotated[
        Amounts,
        typer.Option(
            "--amounts",
            metavar="FORMAT",
            help="Amounts in JSON: numbers, or text.",
            rich_help_panel=OUTPUT,
        ),
    ] = Amounts.NUMBER,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Put the table on the clipboard, as Markdown.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    output_file: Annotated[
        Path | None,
        typer.Option(
            "--output-file",
            metavar="FILE",
            help="Write the records to a new file.",
            autocompletion=complete_file,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue --output-file: ask only for customers without a record.",
            rich_help_panel=LISTS,
        ),
    ] = False,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Show totals; the records only in --output-file.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
) -> int:
    """Look up the balance of one or more customers, or of a list with --from."""
    from loyalty_cli.commands.balance.action import run
    from loyalty_cli.commands.balance.tasks import BalanceRequest
    from loyalty_cli.output.stdout import require_stdout

    require_stdout()
    request = BalanceRequest(
        customers=customers or [],
        file=file,
        input_format=input_format,
        profiles=profile or [],
        all_profiles=all_profiles,
        by=by,
        options=option or [],
        raw=raw,
        timeout=timeout,
        jobs=jobs,
        rate=rate,
        shard=shard,
        output=output,
        output_file=output_file,
        resume=resume,
        summary=summary,
        people=person or [],
        layout=layout,
        copy=copy,
        delimiter=delimiter,
        column=column,
        max_failures=max_failures,
        fail_fast=fail_fast,
        field=field,
        query=query,
        columns=columns,
        sort=sort,
        amounts=amounts,
    )
    return run(context.obj, request)
