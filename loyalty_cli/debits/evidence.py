"""What a platform's own list of debits proves about one debit of ours."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum, auto

from msgspec import Struct

from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.text import folded
from loyalty_cli.providers.contract import Evidence, Redemption

CLOCKS = timedelta(minutes=1)
"""How much two clocks that are right may differ."""
WRONG_CLOCK = timedelta(days=1)
"""How wrong a clock may be before a debit at another time cannot be ours."""
TIME_ZONES = timedelta(hours=14)
"""How much a time may differ that has no time zone."""


class Proof(Enum):
    """What a list proves.

    `MADE`: the debit is in the list. `NOT_THERE`: nothing in a complete list can be it. `DOUBTFUL`:
    something contradicts it, so that nothing else may settle it either. `NOTHING`: other evidence
    decides.
    """

    MADE = auto()
    NOT_THERE = auto()
    DOUBTFUL = auto()
    NOTHING = auto()


class ListFinding(Struct, frozen=True):
    """What a list proves about a debit, what was seen there, and the platform's id of it.

    `by_time` is the time of a debit that was found without our reference, by amount and time.
    `passes` if another look may show more a little later.
    """

    proof: Proof
    why: str
    provider_reference: str | None = None
    by_time: datetime | None = None
    passes: bool = False


def judge_list(
    entry: Entry,
    reference: str,
    evidence: Evidence,
    settle: float,
    others: Sequence[Entry] = (),
) -> ListFinding:
    """Judge an unknown debit by the debits that the platform lists.

    `reference` is what the platform got as ours. `others` are our other debits that were sent to
    this account, in any spelling, or have the platform's id of a listed one.
    """
    named = [each for each in evidence.redemptions if _is_named(each, reference)]
    if named:
        return _by_reference(entry, reference, named)
    known = {other.provider_reference for other in others} - {None}
    may_be_ours = [
        each
        for each in evidence.redemptions
        if not each.reference
        and each.provider_reference not in known
        and _is_amount(each, entry)
        and _is_near(each.at, entry, settle, WRONG_CLOCK)
    ]
    if not evidence.is_complete:
        return ListFinding(Proof.NOTHING, "the platform's list of debits is incomplete")
    if not may_be_ours:
        return ListFinding(Proof.NOT_THERE, "the platform's list of debits does not have it")
    seen = " and ".join(map(_shown, may_be_ours))
    rivals = [other for other in others if _may_have_made(other, entry, settle)]
    if rivals:
        names = " or ".join(repr(rival.key.reference) for rival in rivals)
        why = f"the platform lists {seen}, which may be the debit {names}"
        return ListFinding(Proof.NOTHING, why)
    in_time = [each for each in may_be_ours if _is_near(each.at, entry, settle, CLOCKS)]
    if len(in_time) > 1:
        return ListFinding(Proof.DOUBTFUL, f"each of these may be it: {seen}")
    only = in_time[0] if in_time else None
    if only is None or not _is_certain(only.at):
        return ListFinding(Proof.NOTHING, f"the platform lists {seen}, which may be it")
    if only.doubt:
        return ListFinding(Proof.DOUBTFUL, f"the platform lists {seen}, but {only.doubt}")
    why = f"the platform lists {_shown(only)}"
    return ListFinding(Proof.MADE, why, only.provider_reference, by_time=only.at)


def _by_reference(entry: Entry, reference: str, named: Sequence[Redemption]) -> ListFinding:
    seen = " and ".join(map(_shown, named))
    if len(named) > 1:
        return ListFinding(Proof.DOUBTFUL, f"the platform lists the reference twice: {seen}")
    (only,) = named
    why = f"the platform lists {seen} as {only.reference!r}"
    if only.reference != reference:
        return ListFinding(Proof.DOUBTFUL, f"{why}, not as {reference!r}")
    if not _is_amount(only, entry):
        return ListFinding(Proof.DOUBTFUL, f"{why}, not {entry.amount} {entry.unit}")
    if only.doubt:
        return ListFinding(Proof.DOUBTFUL, f"{why}, but {only.doubt}")
    return ListFinding(Proof.MADE, why, only.provider_reference)


def _is_named(redemption: Redemption, reference: str) -> bool:
    """Whether a listed debit has our reference, in any spelling."""
    return bool(redemption.reference) and folded(redemption.reference or "") == folded(reference)


def _is_amount(redemption: Redemption, entry: Entry) -> bool:
    return redemption.amount == entry.amount and redemption.unit in (None, entry.unit)


def _is_near(at: datetime | None, entry: Entry, settle: float, clocks: timedelta) -> bool:
    """Whether a debit of this time can be the one that the entry is about."""
    if at is None or entry.claimed_at is None:
        return True
    claimed = entry.claimed_at
    if at.tzinfo is None:
        claimed, clocks = claimed.replace(tzinfo=None), clocks + TIME_ZONES
    return claimed - clocks <= at <= claimed + timedelta(seconds=settle) + clocks


def _is_certain(at: datetime | None) -> bool:
    return at is not None and at.tzinfo is not None


def _may_have_made(other: Entry, entry: Entry, settle: float) -> bool:
    """Whether another debit of ours may be the one in the list: it has no id of the platform."""
    if other.provider_reference or other.claimed_at is None or entry.claimed_at is None:
        return False
    period = timedelta(seconds=settle)
    is_confirmed = other.state is State.CONFIRMED
    ended = other.changed_at if is_confirmed else other.claimed_at + period
    began_in_time = other.claimed_at <= entry.claimed_at + period + 2 * CLOCKS
    return began_in_time and ended >= entry.claimed_at - 2 * CLOCKS


def _shown(redemption: Redemption) -> str:
    words = [f"a debit of {redemption.amount}"]
    words += [redemption.unit] if redemption.unit else []
    words += [f"at {redemption.at.isoformat(timespec='seconds')}"] if redemption.at else []
    words += [f"({redemption.provider_reference})"] if redemption.provider_reference else []
    return " ".join(words)
