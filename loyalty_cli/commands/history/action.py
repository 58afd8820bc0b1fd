"""The actions of `loyalty history`: show changes, read exports, delete what is old."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.journal.time_options import moment
from loyalty_cli.commands.named_people import NamedPeople, note_person
from loyalty_cli.commands.open_history import open_history, this_user
from loyalty_cli.commands.open_people import open_people
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.health import open_gap
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter
from loyalty_cli.debits.journal.text import shown as shown_time
from loyalty_cli.history.changes import OurDebit, changes
from loyalty_cli.history.exports import Found, read_export
from loyalty_cli.history.periods import Sighting, Whose
from loyalty_cli.history.store import BATCH, History
from loyalty_cli.lists.batches import batches
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.customer_id import check_typed
from loyalty_cli.model.errors import LoyaltyError, setup_error, usage_error
from loyalty_cli.model.records import DebitBetween, HistoryRecord
from loyalty_cli.output import messages
from loyalty_cli.output.document import collecting, print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.history import HISTORY, of_person
from loyalty_cli.people.find import the_one
from loyalty_cli.people.person import Person

TAKING = {State.SENDING, State.CONFIRMED, State.UNKNOWN}
"""The states of a debit that may have changed a balance."""


def show(
    chosen: Globals,
    customer: str | None,
    person: str | None,
    profile: str | None,
    days: int | None,
    output: Format,
) -> None:
    """Print the changes of the balance of one customer, or of one person at every profile."""
    if customer is not None:
        check_typed(customer)
    since = _text(datetime.now(UTC) - timedelta(days=days)) if days else ""
    with open_session(chosen) as session, open_history(session, chosen) as history:
        if not session.config.history and (history is None or history.is_empty()):
            _refuse_nothing(session)
        whose = _person(session, chosen, person) if person else None
        named = whose.identifiers if whose else {}
        found = [
            each
            for name in dict.fromkeys(named.values() if customer is None else [customer])
            for each in (history.of_customer(name) if history else ())
            if profile in (None, each[0].profile)
            and (not person or named.get(each[0].profile) == name)
        ]
        if profile and not found:
            session.config.profile(profile)  # a name in neither is a typing error
        debits = _our_debits(session, {each[0].customer for each in found})
        records = (
            record
            for line, provider, periods in found
            for record in changes(line, provider, periods, debits, sandbox=chosen.sandbox)
            if record.at >= since
        )
        shown = list[HistoryRecord]()
        view = of_person(str(whose)) if whose else HISTORY
        print_records(collecting(records, shown), output, view)
        if not found:
            messages.note(f"the history has no look-up of {person or customer!r}.")
            with closing(NamedPeople(session, chosen)) as people:
                if customer is not None and people.has(customer):
                    note_person(customer)
        elif not shown:
            who = person or customer
            messages.note(f"the balance of {who!r} did not change in the last {days} days.")


def _person(session: Session, chosen: Globals, key: str) -> Person:
    """The person with a key; raise LoyaltyError for nobody, or several."""
    with open_people(session, chosen) as people:
        return the_one(people, key)


def _refuse_nothing(session: Session) -> NoReturn:
    setup_error(
        "there is no history: look-ups are not kept.",
        f"Add `history: true` to {session.config.origin}, or read files of `loyalty balance` with"
        " `loyalty history import`.",
    )


def _our_debits(session: Session, customers: Collection[str]) -> list[OurDebit] | None:
    """The customers' debits in the journal; None if there is no journal that can be read."""
    place = session.config.journal_place
    if not customers or (isinstance(place, Path) and not place.exists()):
        return None
    try:
        with closing(open_journal(place)) as journal:
            if gap := open_gap(journal.database):
                messages.warning(f"debits of ours may be missing since {shown_time(gap.since)}.")
            return [
                _our_debit(customer, entry)
                for customer in customers
                for entry in journal.find(Filter(states=tuple(TAKING), customer=customer))
            ]
    except LoyaltyError as error:
        messages.warning(f"debits of ours are not shown: {error.message}")
        return None


def _our_debit(customer: str, entry: Entry) -> OurDebit:
    sent_at = entry.claimed_at or entry.changed_at
    is_settled = entry.state is State.CONFIRMED
    return OurDebit(
        entry.profile,
        customer,
        DebitBetween(
            reference=entry.key.reference,
            amount=entry.amount,
            unit=entry.unit,
            state=entry.state.value,
            at=_text(sent_at),
        ),
        _text(entry.changed_at) if is_settled else None,
    )


def import_files(chosen: Globals, files: Sequence[str]) -> None:
    """Read exports into the history, one after the other."""
    with open_session(chosen) as session, open_history(session, chosen, create=True) as history:
        assert history is not None
        for name in files:
            with open_input(name) as file:
                _import(history, name, read_export(name, file), sandbox=chosen.sandbox)


def _import(history: History, name: str, found: Iterator[Found], *, sandbox: bool) -> None:
    """Read one export, and say what was in it."""
    failed = new = 0
    by = f"{this_user()}, from {'stdin' if name == '-' else Path(name).name}"
    number = 0
    for batch in batches(found, BATCH):
        for place, each in batch:
            if each.sandbox is not sandbox:
                where = "the sandbox" if each.sandbox else "a real platform"
                usage_error(
                    f"{place} of the file {name!r} is from {where}.",
                    "The sandbox has a history of its own: add --sandbox, or leave it out.",
                )
        seen = [_sighting(name, each, by) for each in batch if not each[1].error]
        number += len(batch)
        failed += len(batch) - len(seen)
        new += history.add(seen)
    left_out = f", {failed} that failed were left out" if failed else ""
    messages.note(f"{name}: {number} look-ups{left_out}; balances new in the history: {new}.")


def _sighting(name: str, found: Found, by: str) -> Sighting:
    place, lookup = found
    try:
        at = datetime.fromisoformat(lookup.retrieved_at)
    except ValueError:
        usage_error(f"{place} of the file {name!r} has no time in retrieved_at.", "It must be UTC.")
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return Sighting(Whose(*lookup.key), lookup.provider, lookup.lines, _text(at), by)


def prune_before(chosen: Globals, date: str) -> None:
    """Delete balances that were last seen before a date."""
    before = moment("--before", date, datetime.now(UTC))
    assert before is not None
    with open_session(chosen) as session, open_history(session, chosen) as history:
        deleted = history.prune(_text(before)) if history else 0
    messages.note(f"deleted from the history: {deleted}, last seen before {_text(before)}.")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
