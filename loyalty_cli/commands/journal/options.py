"""`loyalty journal`: shows debits, settles unknown ones, and maintains the journal."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.completion.suggestions import (
    complete_person,
    complete_reference,
    complete_state,
)
from loyalty_cli.commands.help_groups import DECISION, OUTPUT, SELECTION, WAITING
from loyalty_cli.commands.shared_options import OutputOption, complete_file, complete_profile
from loyalty_cli.model.errors import nearest, usage_error
from loyalty_cli.output.format import Format

app = Commands(help="Show debits, settle unknown ones, and maintain the journal.")

_WHEN = "7d, 12h, yesterday, or a date in UTC."
ReferenceArgument = Annotated[
    str,
    typer.Argument(
        metavar="REFERENCE", help="The debit's reference.", autocompletion=complete_reference
    ),
]
AccountOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        metavar="NAME",
        help="The debit's profile, if several have this reference.",
        autocompletion=complete_profile,
        rich_help_panel=SELECTION,
    ),
]
CopyOption = Annotated[
    bool,
    typer.Option(
        "--copy",
        help="Put the table on the clipboard, too, as Markdown.",
        rich_help_panel=OUTPUT,
    ),
]


def _checked_why(why: str, what: str) -> str:
    """The text of --why; raise LoyaltyError if it is none, or the word of a hint."""
    if not why.strip():
        usage_error(f"--why must say {what}.")
    if why.strip() == "TEXT":
        usage_error(f"--why must say {what}; TEXT stands for that.", "It is kept on record.")
    return why


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STATE",
            help="Only this state, such as unknown.",
            autocompletion=complete_state,
            rich_help_panel=SELECTION,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="Only debits of this profile.",
            autocompletion=complete_profile,
            rich_help_panel=SELECTION,
        ),
    ] = None,
    customer: Annotated[
        str | None,
        typer.Option(
            metavar="CUSTOMER",
            help="Only debits of this customer.",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(
            "--person",
            "-P",
            metavar="KEY",
            help="Only debits of this person of loyalty people.",
            autocompletion=complete_person,
            rich_help_panel=SELECTION,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help=f"Planned at or after: {_WHEN}",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help=f"Planned before: {_WHEN}",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    newest: Annotated[
        bool,
        typer.Option(
            "--newest",
            help="Show the newest first.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="How many to show.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    summary: Annotated[
        bool,
        typer.Option(
            "--summary",
            help="Count and add up, by profile, state and unit.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    copy: CopyOption = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """List debits, the oldest first, or count them."""
    from loyalty_cli.commands.journal.listing import note_none, print_debits, print_sums
    from loyalty_cli.commands.journal.time_options import moment
    from loyalty_cli.commands.named_people import NamedPeople, note_person
    from loyalty_cli.commands.open_journal import journal_there
    from loyalty_cli.debits.journal.entries import State
    from loyalty_cli.debits.journal.store import Filter
    from loyalty_cli.model.customer_id import check_typed
    from loyalty_cli.output.clipboard import require_clipboard

    if copy:
        require_clipboard()
    for name in state or ():
        if name not in list(State):
            usage_error(f"there is no state {name!r}.", nearest(name, map(str, State)))
    with (
        journal_there(context.obj) as (session, journal),
        closing(NamedPeople(session, context.obj)) as people,
    ):
        if profile and not any(journal.find(Filter(profile=profile))):
            session.config.profile(profile)  # a name in neither is a typing error
        chosen = Filter(
            states=tuple(map(State, state or ())),
            profile=profile,
            customer=customer and check_typed(customer),
            since=moment("--since", since, journal.now()),
            until=moment("--until", until, journal.now()),
            any_of=None if person is None else tuple(people.find(person).identifiers.items()),
        )
        print_them = print_sums if summary else print_debits
        if not print_them(journal, chosen, output, newest=newest, limit=limit, copy=copy):
            asked = [*(("--state", name) for name in state or ()), ("-p", profile)]
            asked += [("--customer", customer), ("-P", person)]
            asked += [("--since", since), ("--until", until)]
            note_none(journal, [(name, value) for name, value in asked if value])
            if customer and people.has(customer):
                note_person(customer)


@app.command()
def show(
    context: typer.Context,
    reference: ReferenceArgument,
    profile: AccountOption = None,
    copy: CopyOption = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show a debit, its history, and what can be done about it."""
    from loyalty_cli.commands.journal.manual_decision import account_name, the_one
    from loyalty_cli.commands.open_journal import journal_there
    from loyalty_cli.debits.records import history
    from loyalty_cli.output import clipboard
    from loyalty_cli.output.debit_history import history_markdown, print_history

    if copy:
        clipboard.require_clipboard()
    with journal_there(context.obj) as (_, journal):
        entry = the_one(journal, reference, profile)
        record = history(entry, journal.events(entry.key), account_name(journal, entry))
        now = journal.now()
    print_history(record, output, now)
    if copy:
        clipboard.copy(history_markdown(record, now))


@app.command()
def reconcile(
    context: typer.Context,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait",
            help="Look again until all are settled, or cannot be any more.",
            rich_help_panel=WAITING,
        ),
    ] = False,
    output: OutputOption = Format.TABLE,
) -> int:
    """Settle unknown debits by evidence; exit code 8 if some stay unknown."""
    from loyalty_cli.commands.journal.reconcile import run

    return run(context.obj, output, wait=wait)


@app.command()
def resolve(
    context: typer.Context,
    reference: ReferenceArgument,
    why: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="How you know; kept on record.", rich_help_panel=DECISION
        ),
    ],
    confirmed: Annotated[
        bool,
        typer.Option(
            "--confirmed",
            help="The platform made the debit.",
            rich_help_panel=DECISION,
        ),
    ] = False,
    not_applied: Annotated[
        bool,
        typer.Option(
            "--not-applied",
            help="The platform did not make it.",
            rich_help_panel=DECISION,
        ),
    ] = False,
    profile: AccountOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Settle an unknown debit by hand, or let a refused one be tried again."""
    from loyalty_cli.commands.journal.manual_decision import decide
    from loyalty_cli.debits.journal.entries import State

    if confirmed == not_applied:
        usage_error("add either --confirmed or --not-applied.")
    why = _checked_why(why, "how you know")
    state = State.CONFIRMED if confirmed else State.NOT_APPLIED
    decide(context.obj, reference, profile, state, why, output)


@app.command()
def drop(
    context: typer.Context,
    reference: ReferenceArgument,
    why: Annotated[
        str,
        typer.Option(metavar="TEXT", help="The reason; kept on record.", rich_help_panel=DECISION),
    ],
    profile: AccountOption = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Withdraw a debit that was not made; its reference cannot be used again."""
    from loyalty_cli.commands.journal.manual_decision import decide
    from loyalty_cli.debits.journal.entries import State

    why = _checked_why(why, "why the debit is not needed")
    decide(context.obj, reference, profile, State.DROPPED, why, output)


@app.command()
def init(context: typer.Context) -> None:
    """Make the journal, if there is none yet."""
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.debits.journal.open import make_journal
    from loyalty_cli.output import messages

    with open_session(context.obj, for_debits=True) as session:
        journal = make_journal(session.config.journal_place)
        journal.close()
    for warning in journal.database.warnings:
        messages.warning(warning)
    messages.note(f"the journal {journal.place} was made.")


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A new file.", autocompletion=complete_file)
    ],
) -> None:
    """Write the whole journal into a new file; other processes may use it meanwhile."""
    from loyalty_cli.commands.journal.upkeep import make_backup

    make_backup(context.obj, file)


@app.command()
def check(context: typer.Context, output: OutputOption = Format.TABLE) -> int:
    """Check the journal for damage, and count its debits by state."""
    from loyalty_cli.commands.journal import upkeep

    return upkeep.check(context.obj, output)


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="A backup of the journal.", autocompletion=complete_file
        ),
    ] = None,
    older: Annotated[
        bool,
        typer.Option(
            "--older",
            help="Restore even if the present journal has more entries.",
            rich_help_panel=DECISION,
        ),
    ] = False,
    reviewed: Annotated[
        bool,
        typer.Option(
            "--reviewed",
            help="Confirm that you checked what is missing.",
            rich_help_panel=DECISION,
        ),
    ] = False,
    why: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What you found; kept on record.", rich_help_panel=DECISION
        ),
    ] = None,
) -> None:
    """Replace the journal with a backup; the present journal is kept beside it."""
    from loyalty_cli.commands.journal.upkeep import note_review, put_back

    if (file is None) != reviewed or (older and reviewed):
        usage_error("add either FILE or --reviewed.")
    if reviewed != bool(why and why.strip()):
        usage_error("--reviewed needs --why, which says what you found.")
    if file is None:
        note_review(context.obj, _checked_why(why or "", "what you found"))
    else:
        put_back(context.obj, file, older=older)


@app.command("accept-failover")
def accept_failover(
    context: typer.Context,
    why: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What you checked; kept on record.", rich_help_panel=DECISION
        ),
    ],
) -> None:
    """Accept that the journal is at another PostgreSQL server than before."""
    from loyalty_cli.commands.journal import upkeep

    why = _checked_why(why, "what you checked")
    upkeep.accept_failover(context.obj, why)
