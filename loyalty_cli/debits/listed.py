"""Looks for an unknown debit in the platform's own list of debits."""

from datetime import timedelta

from loyalty_cli.debits.evidence import ListFinding, Proof, judge_list
from loyalty_cli.debits.journal.entries import Entry
from loyalty_cli.debits.journal.store import DAY, Journal
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Debit

PASSING = frozenset(
    {
        ErrorCode.UNREACHABLE,
        ErrorCode.TIMED_OUT,
        ErrorCode.RATE_LIMITED,
        ErrorCode.SERVER_ERROR,
    }
)
"""Errors with which the list may be read a little later."""


def find_listed(
    journal: Journal, platforms: PlatformClient, order: DebitOrder, entry: Entry, debit: Debit
) -> ListFinding:
    """What the platform's list of debits proves about a debit that was sent."""
    try:
        found = platforms.evidence(order.profile, order.query, debit)
    except Exception as error:  # noqa: BLE001 - without a list, other evidence may decide
        said = error.message if isinstance(error, LoyaltyError) else type(error).__name__
        why = f"the platform's list of debits cannot be read ({said.rstrip('.')})"
        passes = isinstance(error, LoyaltyError) and error.code in PASSING
        return ListFinding(Proof.NOTHING, why, passes=passes)
    if found is None:
        return ListFinding(Proof.NOTHING, "")
    evidence, age = found
    if age is not None:
        why = f"the platform's list of debits came from a cache (Age: {age[:20]})"
        return ListFinding(Proof.NOTHING, why, passes=True)
    ids = [
        each.provider_reference
        for each in evidence.redemptions
        if each.provider_reference and not each.reference
    ]
    settle = order.profile.debit.settle
    since = (entry.claimed_at or entry.created_at) - timedelta(seconds=2 * settle) - DAY
    others = journal.others_sent(entry, since, ids)
    reference = order.provider.sent_reference(debit)
    return judge_list(entry, reference, evidence, settle, others)
