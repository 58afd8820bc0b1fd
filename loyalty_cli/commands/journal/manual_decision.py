"""A person's decision about a debit: `loyalty journal resolve` and `drop`."""

import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from itertools import islice
from typing import NoReturn

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import journal_to_settle
from loyalty_cli.debits.abandoned import mark_abandoned
from loyalty_cli.debits.journal.entries import Change, Entry, State
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.journal.uptime import instant_now
from loyalty_cli.debits.records import result_record
from loyalty_cli.debits.result import DebitResult, written_error
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, usage_error
from loyalty_cli.output.debits import DEBITS
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.stdout import require_stdout

MOST_COMPARED = 1000
"""How many debits are compared with a reference that does not exist."""
BY_HAND = {
    (State.UNKNOWN, State.CONFIRMED),
    (State.UNKNOWN, State.NOT_APPLIED),
    (State.REFUSED, State.NOT_APPLIED),
    (State.PLANNED, State.DROPPED),
    (State.NOT_APPLIED, State.DROPPED),
}
"""The changes of state that a person may make; a refused debit may be tried again."""


def decide(
    chosen: Globals, reference: str, profile: str | None, state: State, why: str, output: Format
) -> None:
    """Apply a person's decision; raise LoyaltyError if the debit's state does not allow it."""
    require_stdout()
    with journal_to_settle(chosen) as (session, journal):
        entry = the_one(journal, reference, profile)
        sender = session.config.profiles.get(entry.profile)
        entry = mark_abandoned(journal, entry, sender, instant_now())
        if (entry.state, state) not in BY_HAND:
            _refuse(entry, state)
        dropped = LoyaltyError(
            ErrorCode.REFUSED,
            f"the debit {reference!r} was dropped: {why}.",
            hint="Its reference cannot be used again; use a new one for another debit.",
        )
        error = written_error(dropped) if state is State.DROPPED else None
        settled = journal.change(entry, state, Change(f"by hand: {why}", error=error))
        if settled is None:  # another process was faster
            _refuse(the_one(journal, reference, profile), state)
    print_records([result_record(DebitResult(settled))], output, DEBITS)


def _refuse(entry: Entry, wanted: State) -> NoReturn:
    if entry.state is State.SENDING:
        hint = "It is being sent. Wait until that ends."
    elif wanted is State.DROPPED:
        hint = "Only a debit that was not made can be dropped: planned, or not applied."
    else:
        hint = "`resolve` accepts unknown debits, and refused ones with --not-applied."
        if entry.state in (State.PLANNED, State.NOT_APPLIED):
            hint += " To withdraw this one: `loyalty journal drop`."
    allowed = "planned" if wanted is State.DROPPED else "unknown"
    raise LoyaltyError(
        ErrorCode.REFUSED,
        f"the debit {entry.key.reference!r} is {entry.state}, not {allowed}.",
        hint=hint,
    )


def the_one(journal: Journal, reference: str, profile: str | None) -> Entry:
    """The debit with a reference; raise LoyaltyError if none or several accounts have it."""
    found = [
        entry
        for entry in journal.find(Filter(reference=reference))
        if profile in (None, entry.profile, entry.key.platform)
    ]
    if not found:
        at = "" if profile is None else f" at {profile}"
        usage_error(
            f"the journal {journal.place} has no debit {reference!r}{at}.",
            f"{_nearest(journal, reference)}`loyalty journal list` shows its debits.",
        )
    if len(found) > 1:
        names = map(shlex.quote, _account_names(found))
        usage_error(
            f"the reference {reference!r} exists at several accounts.",
            f"Choose one: {' or '.join(f'-p {name}' for name in names)}.",
        )
    return found[0]


def account_name(journal: Journal, entry: Entry) -> str | None:
    """What `-p` has to name, if several accounts have this reference."""
    found = [*journal.find(Filter(reference=entry.key.reference))]
    keys = [each.key for each in found]
    return _account_names(found)[keys.index(entry.key)] if len(found) > 1 else None


def _account_names(found: Sequence[Entry]) -> list[str]:
    names = [entry.profile for entry in found]
    if len(set(names)) < len(names):  # the same profile, with another address before
        names = [entry.key.platform for entry in found]
    return names


def _nearest(journal: Journal, wrong: str) -> str:
    """Which of the newest debits was probably meant, as the beginning of a hint."""
    if there := [*journal.find(Filter(reference=wrong))]:
        return f"It is at {' and '.join(_account_names(there))}. "
    newest = islice(journal.find(Filter(), newest=True), MOST_COMPARED)
    references = {entry.key.reference.casefold(): entry.key.reference for entry in newest}
    close = get_close_matches(wrong.casefold(), references, n=10)
    # Signs that changed places are the likeliest slip.
    close.sort(key=lambda each: sorted(each) != sorted(wrong.casefold()))
    return f"Did you mean {references[close[0]]!r}? " if close else ""
