"""The rules that keep a debit from being made twice, and how to switch each of them off.

`python -m tests.proofs.kill --without RULE` must find a contradiction then. Rules whose loss kills
at random do not show within any useful time have a planted schedule in
`tests/proofs/test_planted_faults.py`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from tests.proofs.shop import TIMEOUT, Row
from tests.proofs.story import Keeping, Story, others_of, twins_of
from tests.proofs.truth_server import QUEUE_SECONDS, Mood, Reading


class Rule(NamedTuple):
    """A rule, how it is switched off in this process, and stories in which it is needed."""

    says: str
    switch_off: Callable[[], None]
    story: Callable[[Story], Story]


CROWD = tuple(Row(f"order-{number}", f"C-{number}", 100 + number) for number in range(12))
FEW = tuple(Row(f"order-{number}", f"C-{number % 3}", 100 + number) for number in range(6))


def _with(**changed: Any) -> Callable[[Story], Story]:
    at_saasquatch = {"provider": "saasquatch", "keeping": Keeping.NOTHING}
    return lambda story: story._replace(**(at_saasquatch | changed))


def _put(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


def _sent_is_planned() -> None:
    from loyalty_cli.model.errors import LoyaltyError, NotSentError
    from loyalty_cli.network.http_client import HttpClient

    send_once = HttpClient.send_once

    def as_not_sent(*arguments: Any) -> Any:
        try:
            return send_once(*arguments)
        except LoyaltyError as error:
            raise NotSentError.of(error) from None

    _put(HttpClient, "send_once", as_not_sent)


def _nothing_needs_to_settle() -> None:
    from loyalty_cli.debits import reconcile

    judge = reconcile.judge
    _put(reconcile, "judge", lambda entry, look, events, _: judge(entry, look, events, 0.0))


def _every_sender_is_gone() -> None:
    from loyalty_cli.debits import abandoned

    _put(abandoned, "is_gone", lambda _: True)


def _the_claim_comes_later() -> None:
    from loyalty_cli.debits.journal.entries import State
    from loyalty_cli.debits.journal.store import Journal

    claim, change = Journal.claim, Journal.change
    put_off: dict[str, tuple[Any, ...]] = {}

    def in_memory(_: Any, entry: Any, *terms: Any) -> Any:
        put_off[entry.key.reference] = (entry, *terms)
        new = {"state": State.SENDING, "attempt": entry.attempt + 1}
        return replace(entry, **new, sender=terms[0], baseline=terms[1])

    def claim_at_last(journal: Any, entry: Any, *more: Any) -> Any:
        if entry.state is State.SENDING and entry.key.reference in put_off:
            entry = claim(journal, *put_off.pop(entry.key.reference))
        return change(journal, entry, *more)

    _put(Journal, "claim", in_memory)
    _put(Journal, "change", claim_at_last)


def _anybody_may_claim() -> None:
    from loyalty_cli.debits.journal import store
    from loyalty_cli.debits.journal.entries import State
    from loyalty_cli.debits.journal.store import Journal

    replaced = Journal._replace

    def whatever_it_is(journal: Journal, connection: Any, entry: Any, after: Any) -> bool:
        if after.state is State.SENDING:
            entry = store._by_key(connection, [entry.key])[entry.key]
        return replaced(journal, connection, entry, after)

    _put(Journal, "_replace", whatever_it_is)


def _accounts_are_never_busy() -> None:
    from loyalty_cli.debits.journal import tables

    _put(tables, "TABLES", tuple(each for each in tables.TABLES if each != tables.ONE_OPEN_DEBIT))


def _it_is_sent_again() -> None:
    from loyalty_cli.providers.saasquatch import SaaSquatch

    _put(SaaSquatch, "idempotent", True)


def _any_balance_will_do() -> None:
    from loyalty_cli.debits.journal.store import Journal

    claim = Journal.claim

    def whatever_it_had(journal: Journal, entry: Any, sender: Any, had: Any, terms: Any) -> Any:
        return claim(journal, entry, sender, had, replace(terms, last_event=None))

    _put(Journal, "claim", whatever_it_had)


def _nobody_else_is_looked_for() -> None:
    from loyalty_cli.debits.journal.store import Journal

    _put(Journal, "others_since", lambda *_: [])


def _caches_are_believed() -> None:
    from loyalty_cli.debits import send_once as debit
    from loyalty_cli.debits.account_balance import read_account_balance

    def uncached(*of: Any) -> Any:
        return replace(read_account_balance(*of), cache_age=None)

    _put(debit, "read_account_balance", uncached)


def _the_file_has_no_mark() -> None:
    from loyalty_cli.debits.journal.file import FileDatabase

    _put(FileDatabase, "before_sending", lambda _: None)


def _gaps_are_not_looked_at() -> None:
    from loyalty_cli.commands import open_journal as journals

    _put(journals, "open_gap", lambda _: None)


def _older_is_as_good() -> None:
    from loyalty_cli.debits.journal import restore

    _put(restore, "_has_more", lambda *_: "")


RULES = {
    "sent-is-not-planned": Rule(
        "what was sent is never planned again",
        _sent_is_planned,
        _with(jobs=(CROWD,), moods=(Mood.LOST_REPLY,)),
    ),
    "settle": Rule(
        "nothing is not_applied before the settle period is over",
        _nothing_needs_to_settle,
        _with(jobs=(CROWD,), moods=(Mood.LATE,), impatient=1),
    ),
    "sender-gone": Rule(
        "no verdict while the sender may be there",
        _every_sender_is_gone,
        _with(
            jobs=(CROWD, CROWD),
            moods=(Mood.QUEUED,),
            timeout=QUEUE_SECONDS + 2 * TIMEOUT,
            impatient=1,
        ),
    ),
    "durable-claim": Rule(
        "a claim is durable before the first byte", _the_claim_comes_later, _with(jobs=(CROWD,))
    ),
    "claimed-once": Rule(
        "a planned debit is claimed by one", _anybody_may_claim, _with(jobs=(CROWD, CROWD))
    ),
    "one-open-debit": Rule(
        "an account has one open debit at the most",
        _accounts_are_never_busy,
        _with(jobs=(FEW, others_of(FEW))),
    ),
    "never-again": Rule(
        "an unknown debit is not sent again",
        _it_is_sent_again,
        _with(jobs=(CROWD,), moods=(Mood.LOST_REPLY,)),
    ),
    "credit-with-claim": Rule(
        "the balance is what it is at the claim",
        _any_balance_will_do,
        _with(jobs=(FEW, others_of(FEW)), scarce=True),
    ),
    "others-since": Rule(
        "what another debit explains proves nothing",
        _nobody_else_is_looked_for,
        _with(jobs=(CROWD, twins_of(CROWD)), person=True, moods=(Mood.NEVER, Mood.LATE)),
    ),
    "cache-age": Rule(
        "what comes out of a cache proves nothing",
        _caches_are_believed,
        _with(
            jobs=(CROWD,),
            moods=(Mood.LOST_REPLY,),
            readings=(Reading.FRESH, Reading.CACHED),
        ),
    ),
    "mark": Rule(
        "a copy that misses its log is told",
        _the_file_has_no_mark,
        _with(jobs=(CROWD,), keeping=Keeping.LOG_LOST, impatient=0, person=True),
    ),
    "gap": Rule(
        "nothing is debited before a person looked what is missing",
        _gaps_are_not_looked_at,
        _with(jobs=(CROWD,), keeping=Keeping.OLDER, person=True),
    ),
    "older": Rule(
        "a backup that lacks something is told",
        _older_is_as_good,
        _with(jobs=(CROWD,), keeping=Keeping.MEANWHILE),
    ),
}

PLANTED = {
    "look-began": "a look counts from when it began",
    "young-claim": "a claim that is too old is not sent",
    "unchanged": "the journal that is written is the one that was opened",
    "wall-clock": "time is counted by a clock that nobody can set",
    "resend-rules": "sending again needs what the first sending needed",
    "in-use": "an id that was in use before the first attempt proves nothing",
}
"""Rules that `tests/proofs/test_planted_faults.py` alone shows to be needed."""
