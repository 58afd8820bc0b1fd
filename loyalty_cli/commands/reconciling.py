"""What `loyalty journal reconcile` and `resolve` do."""

from typing import NoReturn

from msgspec import Struct

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.journals import open_to_settle
from loyalty_cli.commands.session import Session
from loyalty_cli.debits.accounts import adopt_debits
from loyalty_cli.debits.debit import Debits
from loyalty_cli.debits.reconcile import Reconciler
from loyalty_cli.debits.records import entry_record, settled_record
from loyalty_cli.errors import ErrorCode, ExitCode, LoyaltyError, usage_error
from loyalty_cli.http import Client
from loyalty_cli.journal.entries import OPEN, Change, Entry, State
from loyalty_cli.journal.store import Filter, Journal
from loyalty_cli.model import DebitRecord
from loyalty_cli.output import messages
from loyalty_cli.output.debits import DEBITS, say_errors
from loyalty_cli.output.document import kept, print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.stdout import require_stdout
from loyalty_cli.platforms import Platforms
from loyalty_cli.side_by_side import side_by_side
from loyalty_cli.tokens import Tokens


def run(session: Session, chosen: Globals, output: Format) -> int:
    """Go through what is open, print each with what came of it, and say whether all is settled."""
    with open_to_settle(session, chosen) as journal:
        return _reconcile(session, chosen, journal, output)


def _reconcile(session: Session, chosen: Globals, journal: Journal, output: Format) -> int:
    adopt_debits(journal, session.config.profiles.values())
    client = Client(trace=messages.trace if chosen.verbose else None)
    platforms = Platforms(client, session.credentials, Tokens(session.keyring))
    debits = Debits(journal, platforms)
    reconciler = Reconciler(journal, debits, session.config.profiles.values())
    settled = side_by_side(reconciler.reconcile, reconciler.open_entries())
    records = map(settled_record, settled)
    done = list[DebitRecord]()
    print_records(kept(records, done), output, DEBITS)
    say_errors(done)
    still_open = any(record.state in OPEN for record in done)
    return ExitCode.OUTCOME_UNKNOWN if still_open else ExitCode.OK


BY_HAND = {
    (State.UNKNOWN, State.CONFIRMED),
    (State.UNKNOWN, State.NOT_APPLIED),
    (State.REFUSED, State.NOT_APPLIED),
}
"""What a person may make of a debit; a refused one, to let the next run try it again."""


class Verdict(Struct, frozen=True):
    """What a person says of a debit, and how they know."""

    reference: str
    profile: str | None
    why: str
    confirmed: bool


def resolve(session: Session, chosen: Globals, verdict: Verdict, output: Format) -> None:
    """Settle a debit as a person says; raise LoyaltyError where it is not theirs to settle."""
    require_stdout()
    with open_to_settle(session, chosen) as journal:
        entry = the_one(journal, verdict.reference, verdict.profile)
        state = State.CONFIRMED if verdict.confirmed else State.NOT_APPLIED
        if (entry.state, state) not in BY_HAND:
            _refuse(entry)
        settled = journal.change(entry, state, Change(f"by hand: {verdict.why}"))
        if settled is None:  # somebody else was quicker
            _refuse(the_one(journal, verdict.reference, verdict.profile))
    print_records([entry_record(settled)], output, DEBITS)


def _refuse(entry: Entry) -> NoReturn:
    raise LoyaltyError(
        ErrorCode.REFUSED,
        f"the debit {entry.key.reference!r} is {entry.state}, not unknown.",
        hint="By hand only an unknown one is settled, and a refused one made --not-applied.",
    )


def the_one(journal: Journal, reference: str, profile: str | None) -> Entry:
    """The debit of that reference; raise LoyaltyError for none, or for one at several accounts."""
    found = [
        entry
        for entry in journal.find(Filter(reference=reference))
        if profile in (None, entry.profile, entry.key.platform)
    ]
    if not found:
        at = "" if profile is None else f" at {profile}"
        usage_error(
            f"the journal {journal.place} has no debit {reference!r}{at}.",
            "`loyalty journal list` shows what it has.",
        )
    if len(found) > 1:
        names = [entry.profile for entry in found]
        if len(set(names)) < len(names):  # one profile, which had another address before
            names = [f"'{entry.key.platform}'" for entry in found]
        usage_error(
            f"the reference {reference!r} is there at several accounts.",
            f"Say which: {' or '.join(f'-p {name}' for name in names)}.",
        )
    return found[0]
