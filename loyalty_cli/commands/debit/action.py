"""Runs `loyalty debit`: checks the request, asks the user, makes and prints the debits."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial

from loyalty_cli.commands.confirm import confirmed, is_interactive, terminal_as_stdin, typed
from loyalty_cli.commands.debit.request import DebitRequest, keep_request
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.named_people import NamedPeople
from loyalty_cli.commands.open_journal import open_existing, open_for_debits
from loyalty_cli.commands.platforms import platform_client
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.account_balance import refusal
from loyalty_cli.debits.accounts import accounts_that_debit, adopt_debits, check_accounts
from loyalty_cli.debits.dry_run import DryRun
from loyalty_cli.debits.fingerprint import UsedKeys
from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal_checks import ToSend, check_on_record, planned_entries
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order import request_of
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.debits.records import result_record
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.run import DebitStop, run_all
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.debits.tally import DebitTally
from loyalty_cli.lists.failure_limit import check_limit
from loyalty_cli.lists.list_file import shown_name
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.lists.stop import LastResort
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import LoyaltyError, usage_error
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of, exit_code_of_signal
from loyalty_cli.model.records import DebitRecord
from loyalty_cli.network.conversation import nobody
from loyalty_cli.network.http_client import url_of
from loyalty_cli.output import debits as views
from loyalty_cli.output import messages
from loyalty_cli.output.document import is_unprinted, print_records
from loyalty_cli.output.ending import report_end
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import is_terminal
from loyalty_cli.output.view import View

LAST_RESORT_SECONDS = 8.0
"""After a signal, a run ends within the timeout and these seconds."""


def run(session: Session, chosen: Globals, request: DebitRequest, output: Format) -> int:
    """Make the requested debits; raise LoyaltyError if nothing may be sent."""
    interactive = is_interactive()
    accounts = accounts_that_debit(session.config.profiles.values())
    if chosen.sandbox and not (chosen.is_sandbox_typed or interactive):
        usage_error(
            "LOYALTY_SANDBOX is set, so these debits would be made in the sandbox only.",
            "Unset it, or add --sandbox if you want that.",
        )
    limit = check_limit(request.max_failures, fail_fast=request.fail_fast)
    mistakes = Mistakes(None if request.file is None else shown_name(request.file))
    with (
        closing(OrderStore()) as orders,
        closing(NamedPeople(session, chosen)) as people,
        ExitStack() as answers,
    ):
        keep_request(session, people, request, orders, mistakes, interactive=interactive)
        if mistakes:
            # The mistakes that the journal shows, if there is a journal, are told with the others.
            with suppress(LoyaltyError), open_existing(session, chosen) as journal:
                check_on_record(journal, orders, accounts, mistakes)
            mistakes.check()
        if not (request.yes or request.dry_run or interactive):
            # The file itself came through stdin, and is read by now.
            interactive = request.file == "-" and answers.enter_context(terminal_as_stdin())
            if not interactive:
                usage_error("there is no terminal to ask on.", "Add --yes if you are sure.")
        check_accounts(orders.profiles, session.config.profiles.values())
        with open_for_debits(session, chosen, interactive=interactive) as journal:
            adopt_debits(journal, orders.profiles)
            to_send = check_on_record(journal, orders, accounts, mistakes)
            mistakes.check()
            platforms = platform_client(session, chosen)
            stop = DebitStop(limit)
            ask = partial(typed, is_stopped=stop.is_set) if interactive else nobody
            debits = DebitSender(journal, platforms, ask=ask)
            if request.dry_run:
                return _dry_run(debits, orders, journal, output)
            is_to_ask = to_send.first and not request.yes
            if is_to_ask and not confirmed(_question(debits, to_send, request.person)):
                messages.note("Nothing was sent.")
                return ExitCode.REFUSED
            keys = UsedKeys(journal, platforms, orders.profiles)
            for warning in keys.warnings():
                messages.warning(warning)
            journal.plan_all(order.planned for order in orders.by_reference())
            entries = planned_entries(journal, orders)
            is_named = request.file is not None or request.reference is not None
            return _make(debits, keys, orders, entries, stop, output, is_named=is_named)


def _question(debits: DebitSender, to_send: ToSend, person: str | None) -> str:
    """The question to the user; raise LoyaltyError if the platform would refuse the debit.

    The name of the reference comes last: it may be long, and says the least.
    """
    first = to_send.first
    assert first is not None
    if to_send.number == 1:
        account = debits.account_balance(first)
        if refused := refusal(first, account):
            raise refused
        has = account.balance.available
        assert has is not None  # or the debit would be refused
        customer = f"{first.customer!r} at {first.profile.name}"
        who = f"{person} ({customer})" if person else customer
        left = has.minus(Amount(first.amount))
        return (
            f"Debit {first.amount} {first.unit} from {who}, which leaves {left} {first.unit},"
            f" reference {first.reference!r}?"
        )
    names = ", ".join(sorted(to_send.profiles))
    total = " and ".join(f"{amount} {unit}" for unit, amount in sorted(to_send.sums.items()))
    return f"Make {to_send.number} debits, {total} in all, at {names}?"


def _dry_run(debits: DebitSender, orders: OrderStore, journal: Journal, output: Format) -> int:
    tally = DebitTally(views.teller())

    def records(run: DryRun) -> Iterator[DebitRecord]:
        for order, result in run.results(debits, journal, orders):
            if not (result.replayed or result.error):
                if debits.needs_person(order):
                    messages.note("would have a one-time code sent to the customer, and ask for it")
                request = request_of(order, debits.debit(order, result.entry))
                body = json_line(request.json).decode().rstrip()
                messages.note(f"would send POST {url_of(order.profile, request)} {body}")
            yield result_record(result)

    with closing(DryRun()) as run:
        _print(tally.counted(records(run)), len(orders), output, views.DRY_RUN)
        result = "would not be made"
        views.report_failures(tally.reported, tally.more, tally.done, result)
        for line in run.lines():
            messages.note(line)
    return tally.exit_code_of_failed


def _make(
    debits: DebitSender,
    keys: UsedKeys,
    orders: OrderStore,
    entries: Iterator[Entry],
    stop: DebitStop,
    output: Format,
    *,
    is_named: bool,
) -> int:
    """Make the debits and print the results; unless the user named it, a hint names the debit."""
    tally, begun = DebitTally(views.teller()), time.monotonic()

    def at_last(number: int) -> int:
        in_doubt = debits.is_sending() or tally.exit_code is ExitCode.OUTCOME_UNKNOWN
        return ExitCode.OUTCOME_UNKNOWN if in_doubt else exit_code_of_signal(number)

    longest = max((profile.timeout for profile in orders.profiles), default=0)
    with stop.on_signals(last_resort=LastResort(longest + LAST_RESORT_SECONDS, at_last)):
        settled = run_all(debits, orders, entries, stop, JOBS)
        results = settled if is_named else map(_naming, settled)
        records = map(result_record, _told(keys.noted(results)))
        try:
            _print(tally.counted(records), len(orders), output)
        except BaseException as error:
            # Nothing more can be printed, but the debits in flight are waited for.
            stop.set()
            for _ in tally.counted(records):
                pass
            views.report_failures(tally.reported, tally.more, tally.done)
            if tally.exit_code is ExitCode.OUTCOME_UNKNOWN and is_unprinted(error):
                return ExitCode.OUTCOME_UNKNOWN
            raise
    if left := len(orders) - tally.done:
        if stop.limit.ended_by:
            messages.note(f"The run was ended by {stop.limit.option}.")
        messages.warning(f"{left} of {len(orders)} debits unfinished; run the same command again.")
    views.report_failures(tally.reported, tally.more, tally.done)
    if len(orders) > 1 and not left:
        outcomes = {"confirmed": tally.done - tally.failed, "not confirmed": tally.failed}
        report_end("debits", outcomes, time.monotonic() - begun)
    return _ended(tally.exit_code, stop)


def _naming(result: DebitResult) -> DebitResult:
    """Let the hint of a debit that was not made say how to make it, and not another one."""
    named = f"--reference {result.entry.key.reference}"
    same = f"For the same debit add {named}; without it, it would be another one."
    again = {
        State.PLANNED: same,
        State.NOT_APPLIED: same,
        State.REFUSED: f"Then run the same command with {named}.",
    }.get(result.entry.state)
    if result.error and again:
        result.error.hint = " ".join(filter(None, (result.error.hint, again)))
    return result


def _told(settled: Iterator[DebitResult]) -> Iterator[DebitResult]:
    """Pass the results on, and print the notes of platforms about them."""
    for each in settled:
        if each.note:
            messages.note(f"{each.entry.key.reference}: {each.note}")
        yield each


def _print(
    records: Iterator[DebitRecord],
    total: int,
    output: Format,
    view: View[DebitRecord] = views.DEBITS,
) -> None:
    """Print records, with progress unless both would go to the same terminal."""
    if not output.is_for_people and is_terminal():
        print_records(records, output, view)
        return
    with closing(progress(records, total, lambda each: each.error is not None)) as shown:
        print_records(shown, output, view)


def _ended(code: ExitCode, stop: DebitStop) -> int:
    """The exit code: an unknown outcome goes before the reason why the run ended."""
    failed = stop.journal_failed
    if failed:
        messages.failure(failed)
    if code is ExitCode.OUTCOME_UNKNOWN:
        return code
    if failed:
        return exit_code_of(failed.code)
    if stop.limit.ended_by and not stop.signal:
        return exit_code_of(stop.limit.ended_by)
    return exit_code_of_signal(stop.signal) if stop.signal else code
