"""What an answer to a debit proves: that it was made, that it was refused, or nothing."""

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.journal.entries import State
from loyalty_cli.platforms import DebitAnswer
from loyalty_cli.profile import Profile
from loyalty_cli.providers.redeeming import Applied, Debit, Redeems
from loyalty_cli.redaction import redact
from loyalty_cli.verdict import verdict

SUCCESSES = frozenset({200, 201})
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 428, 431})
"""Statuses that mean "nothing was done", if the platform itself says so in its own JSON."""
LONGEST_BODY = 2000


class Outcome(Struct, frozen=True):
    """The state a debit is in after an answer, and on what evidence."""

    state: State
    why: str
    applied: Applied = Applied()
    error: LoyaltyError | None = None


def classify(came: DebitAnswer, debit: Debit, profile: Profile, provider: Redeems) -> Outcome:
    """Judge the answer to a debit that was sent once.

    Only a success that confirms exactly this debit confirms it, and only the platform's own error
    at a status that means "nothing was done" refuses it; all else leaves the outcome unknown.
    """
    answer = came.answer
    if answer.status in SUCCESSES:
        return _success(came, debit, provider)
    refusal = provider.complaint(answer.json()) and verdict(answer, profile, debit.customer)
    if refusal and answer.status in REFUSALS:
        redact(refusal, came.mask)
        return Outcome(State.REFUSED, _shown(came), error=refusal)
    return unknown(_shown(came), f"{provider.title} answered HTTP {answer.status}")


def classify_again(came: DebitAnswer, debit: Debit, provider: Redeems) -> Outcome:
    """Judge the answer to a debit that was sent again under an id that the platform makes once.

    A refusal proves nothing here: it says why this one was not made, not whether the first one was.
    """
    answer = came.answer
    if answer.status in SUCCESSES:
        return _success(came, debit, provider)
    complaint = provider.complaint(answer.json())
    if complaint and provider.is_repeat(complaint):
        return Outcome(State.CONFIRMED, f"the id was used before: {_shown(came)}")
    return unknown(_shown(came), f"{provider.title} answered HTTP {answer.status}")


def unknown(why: str, what: str) -> Outcome:
    """Nothing is proven; `what` says to a user what happened instead of an answer."""
    error = LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"the debit was sent, and whether it was made is not known: {what}.",
        hint="Do not repeat it under another reference; `loyalty journal reconcile` settles it.",
    )
    return Outcome(State.UNKNOWN, why, error=error)


def _success(came: DebitAnswer, debit: Debit, provider: Redeems) -> Outcome:
    try:
        applied = provider.read_debit(came.answer.read_json(), debit)
    except ValueError as error:
        why = came.mask(str(error))
        return unknown(_shown(came), f"{provider.title}'s answer does not confirm it ({why})")
    reference = applied.provider_reference
    applied = replace(applied, provider_reference=reference and came.mask(reference))
    return Outcome(State.CONFIRMED, _shown(came), applied)


def _shown(came: DebitAnswer) -> str:
    body = came.mask(came.answer.body.decode("utf-8", errors="backslashreplace"))
    return f"HTTP {came.answer.status}: {body[:LONGEST_BODY]}"
