"""A person's decision about a debit: `loyalty journal resolve` and `drop`."""

from typing import NoReturn

from msgspec import Struct

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_journal import open_to_settle
from loyalty_cli.commands.session import Session
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

BY_HAND = {
    (State.UNKNOWN, State.CONFIRMED),
    (State.UNKNOWN, State.NOT_APPLIED),
    (State.REFUSED, State.NOT_APPLIED),
    (State.PLANNED, State.DROPPED),
    (State.NOT_APPLIED, State.DROPPED),
}
"""The states a person may choose for a debit; a refused one may be tried again."""


class ManualDecision(Struct, frozen=True):
    """A person's decision about a debit, and the reason."""

    reference: str
    profile: str | None
    state: State
    why: str


def decide(session: Session, chosen: Globals, decision: ManualDecision, output: Format) -> None:
    """Apply a person's decision; raise LoyaltyError if the debit's state does not allow it."""
    require_stdout()
    with open_to_settle(session, chosen) as journal:
        entry = the_one(journal, decision.reference, decision.profile)
        profile = session.config.profiles.get(entry.profile)
        entry = mark_abandoned(journal, entry, profile, instant_now())
        if (entry.state, decision.state) not in BY_HAND:
            _refuse(entry, decision)
        settled = journal.change(entry, decision.state, _change(decision))
        if settled is None:  # another process was faster
            _refuse(the_one(journal, decision.reference, decision.profile), decision)
    print_records([result_record(DebitResult(settled))], output, DEBITS)


def _change(decision: ManualDecision) -> Change:
    dropped = LoyaltyError(
        ErrorCode.REFUSED,
        f"the debit {decision.reference!r} was dropped: {decision.why}.",
        hint="Its reference cannot be used again; use a new one for another debit.",
    )
    error = written_error(dropped) if decision.state is State.DROPPED else None
    return Change(f"by hand: {decision.why}", error=error)


def _refuse(entry: Entry, decision: ManualDecision) -> NoReturn:
    if entry.state is State.SENDING:
        hint = "It is being sent. Wait until that ends."
    elif decision.state is State.DROPPED:
        hint = "Only a debit that was not made can be dropped: planned, or not applied."
    else:
        hint = "`resolve` accepts unknown debits, and refused ones with --not-applied."
        if entry.state in (State.PLANNED, State.NOT_APPLIED):
            hint += " To withdraw this one: `loyalty journal drop`."
    wanted = "unknown" if decision.state is not State.DROPPED else "planned"
    raise LoyaltyError(
        ErrorCode.REFUSED,
        f"the debit {entry.key.reference!r} is {entry.state}, not {wanted}.",
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
            "`loyalty journal list` shows its debits.",
        )
    if len(found) > 1:
        names = [entry.profile for entry in found]
        if len(set(names)) < len(names):  # the same profile, with another address before
            names = [f"'{entry.key.platform}'" for entry in found]
        usage_error(
            f"the reference {reference!r} exists at several accounts.",
            f"Choose one: {' or '.join(f'-p {name}' for name in names)}.",
        )
    return found[0]
