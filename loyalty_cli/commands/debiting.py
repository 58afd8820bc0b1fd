"""What `loyalty debit` does: read and check what is asked, ask back, make it, print it."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import typer
from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.journals import open_for_debits
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.debit import Debits, Order, Settled, recorded_error, request_of
from loyalty_cli.debits.records import settled_record
from loyalty_cli.debits.rows import Row, check_amount, check_reference, check_unit, read_rows
from loyalty_cli.debits.run import Stop, run_all
from loyalty_cli.debits.wanted import check_limits, check_sum, order_of, require_reference
from loyalty_cli.errors import ExitCode, nearest, usage_error
from loyalty_cli.http import Client, url_of
from loyalty_cli.journal.entries import Entry, State
from loyalty_cli.journal.store import Journal, new_entry
from loyalty_cli.lookup import check_customer
from loyalty_cli.model import DebitRecord, exit_code
from loyalty_cli.output import debits as views
from loyalty_cli.output import messages
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from loyalty_cli.output.progress import progress
from loyalty_cli.output.visible import visible
from loyalty_cli.platforms import Platforms
from loyalty_cli.regular_file import reason
from loyalty_cli.side_by_side import JOBS
from loyalty_cli.tokens import Tokens

Value = TypeVar("Value")


class Asked(Struct, frozen=True):
    """What stands on the command line."""

    customer: str | None
    amount: str | None
    file: str | None
    unit: str | None
    reference: str | None
    profile: str | None
    expect_total: str | None


def run(
    session: Session, chosen: Globals, asked: Asked, output: Format, *, dry_run: bool, yes: bool
) -> int:
    """Make the debits that are asked for; raise LoyaltyError where nothing may be sent."""
    interactive = _interactive()
    orders = _orders(session, asked, interactive=interactive)
    if asked.expect_total is not None:
        check_sum(orders, _checked("--expect-total", check_amount, asked.expect_total))
    if not (yes or dry_run or interactive):
        usage_error("there is no terminal to ask on.", "Add --yes, once you are sure.")
    journal = open_for_debits(session, chosen, interactive=interactive)
    known = journal.known([order.key for order in orders])
    to_do = [order for order in orders if not _is_settled(known.get(order.key))]
    check_limits(to_do)
    client = Client(trace=messages.trace if chosen.verbose else None)
    platforms = Platforms(client, session.credentials, Tokens(session.keyring))
    debits = Debits(journal, platforms)
    if dry_run:
        return _dry_run(debits, journal, orders, output)
    if to_do and not yes and not _confirmed(debits, to_do):
        messages.note("Nothing was sent.")
        return ExitCode.REFUSED
    entries = journal.plan([order.planned for order in orders])
    return _make(debits, orders, entries, output)


def _interactive() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _is_settled(entry: Entry | None) -> bool:
    return entry is not None and entry.state in (State.CONFIRMED, State.REFUSED)


def _orders(session: Session, asked: Asked, *, interactive: bool) -> list[Order]:
    unit = None if asked.unit is None else _checked("--unit", check_unit, asked.unit)
    (default,) = session.choose([asked.profile] if asked.profile else [], everything=False)
    if asked.file is not None:
        if asked.customer is not None or asked.reference is not None:
            usage_error(
                "--from takes customers, amounts and references from the file.",
                "Leave CUSTOMER, AMOUNT and --reference out.",
            )
        rows = read_rows(_content(asked.file), lambda name: _known_profile(session, name))
    else:
        rows = [_row(asked, interactive=interactive)]
    profiles = session.config.profiles
    return [order_of(row, profiles[row.profile] if row.profile else default, unit) for row in rows]


def _row(asked: Asked, *, interactive: bool) -> Row:
    if asked.customer is None or asked.amount is None:
        usage_error("a debit needs CUSTOMER and AMOUNT, or --from FILE.")
    amount = _checked("AMOUNT", check_amount, asked.amount)
    reference = require_reference(asked.reference, interactive=interactive)
    reference = _checked("--reference", check_reference, reference)
    return Row(1, check_customer(asked.customer), amount, reference)


def _checked(name: str, check: Callable[[str], Value], text: str) -> Value:
    try:
        return check(text)
    except ValueError as error:
        usage_error(f"{name} {text[:80]!r} {error}.")


def _known_profile(session: Session, name: str) -> str:
    if name not in session.config.profiles:
        raise ValueError(f"there is no such profile. {nearest(name, session.config.profiles)}")
    return name


def _content(file: str) -> bytes:
    if file == "-":
        if sys.stdin is None:
            usage_error("stdin is closed.", "Send the debits to it, or name a file.")
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        usage_error(f"{file} cannot be read: {reason(error)}.")


def _confirmed(debits: Debits, orders: Sequence[Order]) -> bool:
    """Ask on the terminal, naming what a person must check."""
    first = orders[0]
    if len(orders) == 1:
        has = debits.account(first).available
        left = "" if has is None else f", which leaves {has.minus(Amount(first.amount))}"
        question = (
            f"Debit {first.amount} {first.unit} from {first.customer!r} at {first.profile.name}"
            f" as {first.reference!r}{left}?"
        )
    else:
        names = ", ".join(sorted({order.profile.name for order in orders}))
        total = sum(order.amount for order in orders)
        question = f"Make {len(orders)} debits, {total} in all, at {names}?"
    return typer.confirm(visible(question), err=True)


def _dry_run(debits: Debits, journal: Journal, orders: Sequence[Order], output: Format) -> int:
    known = journal.known([order.key for order in orders])
    now = journal.now()
    records = []
    for order in orders:
        entry = known.get(order.key)
        if entry is None or entry.state in (State.PLANNED, State.NOT_APPLIED):
            settled = debits.try_out(order, entry or new_entry(order.planned, now))
            if settled.error is None:
                request = request_of(order)
                body = json_line(request.json).decode().rstrip()
                messages.note(f"would send POST {url_of(order.profile, request)} {body}")
        else:
            settled = Settled(entry, replayed=True, error=recorded_error(entry))
        records.append(settled_record(settled))
    return _ended(print_records(records, output, views.DEBITS))


def _make(debits: Debits, orders: Sequence[Order], entries: Sequence[Entry], output: Format) -> int:
    stop = Stop()
    with stop.on_signals():
        settled = run_all(debits, orders, entries, stop, JOBS)
        records = (settled_record(each) for each in progress(settled, len(orders)))
        done = print_records(records, output, views.DEBITS)
    if len(done) < len(orders):
        left = len(orders) - len(done)
        messages.warning(f"{left} debits were not begun or not settled; run the same again.")
    code = _ended(done)
    if stop.journal_failed:
        raise stop.journal_failed
    return 128 + stop.signal if stop.signal else code


def _ended(done: Sequence[DebitRecord]) -> int:
    views.say_errors(done)
    return exit_code(record.error for record in done)
