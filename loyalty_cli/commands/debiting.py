"""What `loyalty debit` does: read and check what is asked, ask back, make it, print it."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from datetime import datetime
from functools import cache
from typing import TypeVar

from msgspec import Struct

from loyalty_cli.amount import Amount
from loyalty_cli.commands.asking import confirmed, is_interactive
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.journals import open_for_debits
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.accounts import adopt_debits, check_accounts, check_accounts_on_record
from loyalty_cli.debits.debit import Debits
from loyalty_cli.debits.fingerprint import is_new_key
from loyalty_cli.debits.look import refusal
from loyalty_cli.debits.order import Order, request_of
from loyalty_cli.debits.records import settled_record
from loyalty_cli.debits.result import Settled, recorded_error
from loyalty_cli.debits.rows import Row, check_amount, check_reference, check_unit, read_rows
from loyalty_cli.debits.run import DebitStop, run_all
from loyalty_cli.debits.wanted import (
    check_day_limits,
    check_known,
    check_limits,
    check_sum,
    makes_once,
    orders_of,
    require_reference,
)
from loyalty_cli.errors import ExitCode, LoyaltyError, nearest, usage_error
from loyalty_cli.http import Client, url_of
from loyalty_cli.input_file import open_input
from loyalty_cli.journal.entries import OPEN, Entry, Key, State
from loyalty_cli.journal.store import Journal, new_entry
from loyalty_cli.lookup import check_customer
from loyalty_cli.model import DebitRecord, exit_code
from loyalty_cli.output import debits as views
from loyalty_cli.output import messages
from loyalty_cli.output.document import kept, print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import is_terminal
from loyalty_cli.platforms import Platforms
from loyalty_cli.profile import Profile
from loyalty_cli.side_by_side import JOBS, side_by_side
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
    dry_run: bool
    yes: bool


def run(session: Session, chosen: Globals, asked: Asked, output: Format) -> int:
    """Make the debits that are asked for; raise LoyaltyError where nothing may be sent."""
    interactive = is_interactive()
    orders = _orders(session, asked, interactive=interactive)
    if asked.expect_total is not None:
        check_sum(orders, _checked("--expect-total", check_amount, asked.expect_total))
    if not (asked.yes or asked.dry_run or interactive):
        usage_error("there is no terminal to ask on.", "Add --yes, once you are sure.")
    check_accounts(_profiles_of(orders), session.config.profiles.values())
    with open_for_debits(session, chosen, interactive=interactive) as journal:
        return _run(session, chosen, asked, output, journal, orders)


def _run(
    session: Session,
    chosen: Globals,
    asked: Asked,
    output: Format,
    journal: Journal,
    orders: list[Order],
) -> int:
    adopt_debits(journal, _profiles_of(orders))
    check_accounts_on_record(journal, orders, session.config.profiles.values())
    known = journal.known([order.key for order in orders])
    check_known(orders, known)
    to_send = [order for order in orders if _is_to_send(order, known.get(order.key))]
    check_limits(to_send)
    _check_day(journal, to_send, known)
    client = Client(trace=messages.trace if chosen.verbose else None)
    platforms = Platforms(client, session.credentials, Tokens(session.keyring))
    debits = Debits(journal, platforms)
    if asked.dry_run:
        return _dry_run(debits, orders, known, journal.now(), output)
    if to_send and not asked.yes and not confirmed(_question(debits, to_send)):
        messages.note("Nothing was sent.")
        return ExitCode.REFUSED
    _tell_new_keys(journal, platforms, _profiles_of(orders))
    entries = journal.plan([order.planned for order in orders])
    return _make(debits, orders, entries, output)


def _profiles_of(orders: Sequence[Order]) -> list[Profile]:
    return list({order.profile.name: order.profile for order in orders}.values())


def _check_day(journal: Journal, to_send: Sequence[Order], known: Mapping[Key, Entry]) -> None:
    """Hold what will be taken against the day's limits; what is open counts as taken already."""
    fresh = [order for order in to_send if not _is_open(known.get(order.key))]
    limited = {
        each.key.platform for each in fresh if each.profile.debit.max_total_per_day is not None
    }
    check_day_limits(fresh, {platform: journal.taken_in_a_day(platform) for platform in limited})


def _tell_new_keys(journal: Journal, platforms: Platforms, profiles: Sequence[Profile]) -> None:
    for profile in profiles:
        with suppress(LoyaltyError):  # without credentials the debits themselves say so
            if is_new_key(journal, platforms, profile):
                messages.warning(
                    f"the profile {profile.name!r} signs in with a key that its account was never"
                    " debited with before. If it is another shop's, give it an `account:` name."
                )


def _is_open(entry: Entry | None) -> bool:
    return entry is not None and entry.state in OPEN


def _is_to_send(order: Order, entry: Entry | None) -> bool:
    if entry is None or entry.state in (State.PLANNED, State.NOT_APPLIED):
        return True
    return _is_open(entry) and makes_once(order.profile)


def _orders(session: Session, asked: Asked, *, interactive: bool) -> list[Order]:
    unit = None if asked.unit is None else _checked("--unit", check_unit, asked.unit)
    named = [] if asked.profile is None else [asked.profile]
    default = cache(lambda: session.choose(named, everything=False)[0])
    if named:
        default()  # a wrong name is wrong, even where every row has a right one
    if asked.file is not None:
        if asked.customer is not None or asked.reference is not None:
            usage_error(
                "--from takes customers, amounts and references from the file.",
                "Leave CUSTOMER, AMOUNT and --reference out.",
            )
        with open_input(asked.file) as file, file.reading():
            content = file.from_start().read()
        rows = read_rows(content, lambda name: _known_profile(session, name))
    else:
        rows = [_row(asked, interactive=interactive)]
    profiles = session.config.profiles
    return orders_of(rows, lambda row: profiles[row.profile] if row.profile else default(), unit)


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


def _question(debits: Debits, orders: Sequence[Order]) -> str:
    """What a person must check; raise LoyaltyError where the platform would refuse it anyway."""
    first = orders[0]
    if len(orders) == 1:
        look = debits.look(first)
        if refused := refusal(first, look):
            raise refused
        has = look.line.available
        left = "" if has is None else f", which leaves {_left(has, first)}"
        return (
            f"Debit {first.amount} {first.unit} from {first.customer!r} at {first.profile.name}"
            f" as {first.reference!r}{left}?"
        )
    names = ", ".join(sorted({order.profile.name for order in orders}))
    sums: defaultdict[str, int] = defaultdict(int)
    for order in orders:
        sums[order.unit] += order.amount
    total = " and ".join(f"{amount} {unit}" for unit, amount in sorted(sums.items()))
    return f"Make {len(orders)} debits, {total} in all, at {names}?"


def _left(available: Amount, order: Order) -> str:
    return f"{available.minus(Amount(order.amount))} {order.unit}"


def _dry_run(
    debits: Debits,
    orders: Sequence[Order],
    known: Mapping[Key, Entry],
    now: datetime,
    output: Format,
) -> int:
    def try_out(order: Order) -> Settled:
        entry = known.get(order.key)
        if entry and entry.state not in (State.PLANNED, State.NOT_APPLIED):
            return Settled(entry, replayed=True, error=recorded_error(entry))
        return debits.try_out(order, entry or new_entry(order.planned, now))

    def records() -> Iterator[DebitRecord]:
        for order, settled in zip(orders, side_by_side(try_out, orders), strict=True):
            if settled.error is None and not settled.replayed:
                request = request_of(order)
                body = json_line(request.json).decode().rstrip()
                messages.note(f"would send POST {url_of(order.profile, request)} {body}")
            yield settled_record(settled)

    done: list[DebitRecord] = []
    _print(kept(records(), done), len(orders), output)
    views.say_errors(done)
    return exit_code(record.error for record in done)


def _make(debits: Debits, orders: Sequence[Order], entries: Sequence[Entry], output: Format) -> int:
    stop = DebitStop()
    done: list[DebitRecord] = []
    with stop.on_signals():
        settled = run_all(debits, orders, entries, stop, JOBS)
        records = kept(map(settled_record, settled), done)
        try:
            _print(records, len(orders), output)
        except BaseException:
            # Nobody can be told on stdout any more, but what is on its way is waited for.
            stop.set()
            done.extend(map(settled_record, settled))
            views.say_errors(done)
            raise
    if left := len(orders) - len(done):
        messages.warning(f"not begun or not settled: {left} of {len(orders)}; run the same again.")
    views.say_errors(done)
    return _ended(exit_code(record.error for record in done), stop)


def _print(records: Iterator[DebitRecord], total: int, output: Format) -> None:
    """Print records, with progress where it does not come between them on a terminal."""
    if output is not Format.TABLE and is_terminal():
        print_records(records, output, views.DEBITS)
        return
    with closing(progress(records, total, lambda each: each.error is not None)) as shown:
        print_records(shown, output, views.DEBITS)


def _ended(code: ExitCode, stop: DebitStop) -> int:
    """The exit code: an outcome that is not known goes before why the run was ended."""
    failed = stop.journal_failed
    if failed:
        messages.error(failed.message, failed.hint)
    if code is ExitCode.OUTCOME_UNKNOWN:
        return code
    if failed:
        return failed.code.exit_code
    return 128 + stop.signal if stop.signal else code
