"""`loyalty debit`: take an amount off a customer's credit, once."""

from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from loyalty_cli.commands.commands import Command
from loyalty_cli.commands.completion.suggestions import complete_person, complete_unit
from loyalty_cli.commands.help_groups import CHECKS, DEBIT, DEBIT_FILES
from loyalty_cli.commands.shared_options import (
    OutputOption,
    complete_file,
    complete_profile,
    delimiter_option,
    fail_fast_option,
    max_failures_option,
)
from loyalty_cli.output.format import Format


class Debit(Command):
    """The command: to an amount below zero it does not say that there is no such option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; raise LoyaltyError for such an amount."""
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            if getattr(error, "option_name", "")[1:2].isdigit():
                from loyalty_cli.model.errors import usage_error

                usage_error("AMOUNT must be a whole number above zero, in digits only.")
            raise


def debit(
    context: typer.Context,
    customer: Annotated[
        str | None,
        typer.Argument(metavar="CUSTOMER", help="The customer, as the platform knows it."),
    ] = None,
    amount: Annotated[
        str | None, typer.Argument(metavar="AMOUNT", help="How much, in whole units.")
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--from",
            "-f",
            metavar="FILE",
            help="The debits: CSV or JSON Lines; - for stdin.",
            autocompletion=complete_file,
            rich_help_panel=DEBIT_FILES,
        ),
    ] = None,
    delimiter: Annotated[str | None, delimiter_option(DEBIT_FILES)] = None,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="The unit; without it, the profile's debit.unit.",
            autocompletion=complete_unit,
            rich_help_panel=DEBIT,
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--person",
            "-P",
            metavar="KEY",
            help="A person of loyalty people, in place of CUSTOMER.",
            autocompletion=complete_person,
            rich_help_panel=DEBIT,
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Your name for the debit, which is made once for it.",
            rich_help_panel=DEBIT,
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="The profile; without it, LOYALTY_PROFILE, then default_profile.",
            autocompletion=complete_profile,
            rich_help_panel=DEBIT,
        ),
    ] = None,
    expect_total: Annotated[
        str | None,
        typer.Option(
            metavar="AMOUNT",
            help="Refuse the file if its amounts have another sum.",
            rich_help_panel=DEBIT_FILES,
        ),
    ] = None,
    max_failures: Annotated[int | None, max_failures_option(DEBIT_FILES)] = None,
    fail_fast: Annotated[bool, fail_fast_option(DEBIT_FILES)] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check everything, but send no debit.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask; required without a terminal.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
    output: OutputOption = Format.TABLE,
) -> int:
    """Debit a customer's credit, once for each reference; with --from, debit a whole file."""
    from functools import partial

    from loyalty_cli.commands.debit.action import run
    from loyalty_cli.commands.debit.person import of_person, telling_of_person
    from loyalty_cli.commands.debit.request import DebitRequest
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.model.errors import usage_error
    from loyalty_cli.output.stdout import require_stdout

    require_stdout()
    if profile and len(profile) > 1:
        usage_error("a debit has one profile.", "Name one; a file can name one in each row.")
    one = profile[0] if profile else None
    request = DebitRequest(
        customer,
        amount,
        file,
        unit,
        reference,
        one,
        expect_total,
        dry_run,
        yes,
        delimiter=delimiter,
        max_failures=max_failures,
        fail_fast=fail_fast,
    )
    with open_session(context.obj, for_debits=True) as session:
        if person is not None:
            request = of_person(session, context.obj, request, person)
        return telling_of_person(
            session, context.obj, request, partial(run, session, context.obj, request, output)
        )
