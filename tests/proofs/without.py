"""The rules that keep a debit from being made twice, and how to switch each of them off.

`python -m tests.proofs.kill --without RULE` must find a contradiction then. Rules whose loss kills
at random do not show within any useful time have a planted schedule in
`tests/proofs/test_planted_faults.py`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.structs import replace

from loyalty_cli.commands import open_journal as journals
from loyalty_cli.debits import abandoned, listed, reconcile, send_once
from loyalty_cli.debits.account_balance import read_account_balance
from loyalty_cli.debits.evidence import judge_list
from loyalty_cli.debits.journal import restore, store, tables
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.file import FileDatabase
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.errors import LoyaltyError, NotSentError
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.saasquatch import SaaSquatch
from tests.proofs.installation import TIMEOUT, Row
from tests.proofs.story import Keeping, Story, others_of, twins_of
from tests.proofs.truth_server import QUEUE_SECONDS, Mood, Reading

Put = Callable[[object, str, object], None]
"""How a rule is switched off: `setattr`, or pytest's own, which is undone after a test."""


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


def sent_is_planned(put: Put = setattr) -> None:
    send = HttpClient.send_once

    def as_not_sent(*arguments: Any) -> Any:
        try:
            return send(*arguments)
        except LoyaltyError as error:
            raise NotSentError.of(error) from None

    put(HttpClient, "send_once", as_not_sent)


def nothing_needs_to_settle(put: Put = setattr) -> None:
    seen_twice = reconcile.seen_twice

    def at_once(entry: Any, events: Any, looked_at: Any, _: float, look: str) -> Any:
        return seen_twice(entry, events, looked_at, 0.0, look)

    put(reconcile, "seen_twice", at_once)


def every_sender_is_gone(put: Put = setattr) -> None:
    put(abandoned, "is_gone", lambda _: True)


def the_claim_comes_later(put: Put = setattr) -> None:
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

    put(Journal, "claim", in_memory)
    put(Journal, "change", claim_at_last)


def _anybody_may_claim(put: Put = setattr) -> None:
    replaced = Journal._replace

    def whatever_it_is(journal: Journal, connection: Any, entry: Any, after: Any) -> bool:
        if after.state is State.SENDING:
            entry = store._by_key(connection, [entry.key])[entry.key]
        return replaced(journal, connection, entry, after)

    put(Journal, "_replace", whatever_it_is)


def _accounts_are_never_busy(put: Put = setattr) -> None:
    put(tables, "TABLES", tuple(each for each in tables.TABLES if each != tables.ONE_OPEN_DEBIT))


def unknown_is_sent_again(put: Put = setattr) -> None:
    put(SaaSquatch, "idempotent", True)


def any_balance_will_do(put: Put = setattr) -> None:
    claim = Journal.claim

    def whatever_it_had(journal: Journal, entry: Any, sender: Any, had: Any, *more: Any) -> Any:
        return claim(journal, entry, sender, replace(had, last_event=None), *more)

    put(Journal, "claim", whatever_it_had)


def no_other_debit_is_looked_for(put: Put = setattr) -> None:
    put(Journal, "others_since", lambda *_: [])


def caches_are_believed(put: Put = setattr) -> None:
    def uncached(*of: Any) -> Any:
        return replace(read_account_balance(*of), cache_age=None)

    put(send_once, "read_account_balance", uncached)


def lists_from_caches_are_believed(put: Put = setattr) -> None:
    evidence = PlatformClient.evidence

    def uncached(*of: Any) -> Any:
        found = evidence(*of)
        return found and (found[0], None)

    put(PlatformClient, "evidence", uncached)


def incomplete_lists_are_believed(put: Put = setattr) -> None:
    def whole(entry: Any, reference: str, evidence: Any, *more: Any) -> Any:
        return judge_list(entry, reference, replace(evidence, is_complete=True), *more)

    put(listed, "judge_list", whole)


def no_other_debit_explains_a_list(put: Put = setattr) -> None:
    put(Journal, "others_sent", lambda *_: [])
    put(reconcile, "contradicts", lambda *_: False)  # the totals would show it, too


def lists_are_searched_for_the_first_number(put: Put = setattr) -> None:
    debit = send_once.DebitSender.debit

    def first(sender: Any, order: Any, entry: Any, at: Any = None) -> Any:
        made = debit(sender, order, entry, at)
        return made if at is None else replace(made, failures=0)

    put(send_once.DebitSender, "debit", first)


def any_programme_will_do(put: Put = setattr) -> None:
    put(DebitOrder, "asked", property(lambda _: {}))


def _the_file_has_no_mark(put: Put = setattr) -> None:
    put(FileDatabase, "before_sending", lambda _: None)


def _gaps_are_not_looked_at(put: Put = setattr) -> None:
    put(journals, "open_gap", lambda _: None)


def _older_is_as_good(put: Put = setattr) -> None:
    put(restore, "_has_more", lambda *_: "")


RULES = {
    "sent-is-not-planned": Rule(
        "what was sent is never planned again",
        sent_is_planned,
        _with(jobs=(CROWD,), moods=(Mood.LOST_REPLY,)),
    ),
    "settle": Rule(
        "nothing is not_applied before the settle period is over",
        nothing_needs_to_settle,
        _with(jobs=(CROWD,), moods=(Mood.LATE,), impatient=1),
    ),
    "sender-gone": Rule(
        "no verdict while the sender may be there",
        every_sender_is_gone,
        _with(
            jobs=(CROWD, CROWD),
            moods=(Mood.QUEUED,),
            timeout=QUEUE_SECONDS + 2 * TIMEOUT,
            impatient=1,
        ),
    ),
    "durable-claim": Rule(
        "a claim is durable before the first byte", the_claim_comes_later, _with(jobs=(CROWD,))
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
        unknown_is_sent_again,
        _with(jobs=(CROWD,), moods=(Mood.LOST_REPLY,)),
    ),
    "credit-with-claim": Rule(
        "the balance is what it is at the claim",
        any_balance_will_do,
        _with(jobs=(FEW, others_of(FEW)), scarce=True),
    ),
    "others-since": Rule(
        "what another debit explains proves nothing",
        no_other_debit_is_looked_for,
        _with(jobs=(CROWD, twins_of(CROWD)), person=True, moods=(Mood.NEVER, Mood.LATE)),
    ),
    "cache-age": Rule(
        "what comes out of a cache proves nothing",
        caches_are_believed,
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
