"""What an answer to a debit proves: that it was made, that it was not, or nothing."""

from msgspec import Struct

from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.journal.entries import State
from loyalty_cli.profile import Profile
from loyalty_cli.providers.contract import Answer, Complaint
from loyalty_cli.providers.redeeming import Applied, Debit, Redeems, Refusal
from loyalty_cli.strict_json import decode
from loyalty_cli.verdict import verdict

SUCCESSES = frozenset({200, 201})
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 428, 431})
"""Statuses that mean "nothing was done", if the platform itself says so in its own JSON."""
PASSING = frozenset({ErrorCode.CREDENTIAL_REFUSED, ErrorCode.SETUP, ErrorCode.RATE_LIMITED})
"""Errors of the profile or of the moment, and not of the debit."""
RUN_AGAIN = "Nothing was done; run the same again to make it."
LONGEST_BODY = 2000


class Outcome(Struct, frozen=True):
    """The state a debit is in after an answer, and on what evidence."""

    state: State
    why: str
    applied: Applied = Applied()
    error: LoyaltyError | None = None


def classify(answer: Answer, debit: Debit, profile: Profile, provider: Redeems) -> Outcome:
    """Judge the answer to a debit that was sent once.

    Only a success that confirms exactly this debit confirms it, and only the platform's own error
    at a status that means "nothing was done" refuses it, for good or for now; all else leaves the
    outcome unknown.
    """
    if answer.status in SUCCESSES:
        return _success(answer, debit, provider)
    complaint = provider.complaint(answer.json())
    error = complaint and verdict(answer, profile, debit.customer)
    if complaint and error:
        match _refusal(answer.status, complaint, error.code, provider):
            case Refusal.FOR_GOOD:
                return Outcome(State.REFUSED, _shown(answer), error=error)
            case Refusal.NOT_NOW:
                error.hint = " ".join(filter(None, (error.hint, RUN_AGAIN)))
                return Outcome(State.NOT_APPLIED, _shown(answer), error=error)
            case Refusal.UNCLEAR:
                pass
    return unknown(_shown(answer), f"{provider.title} answered HTTP {answer.status}")


def _refusal(status: int, complaint: Complaint, code: ErrorCode, provider: Redeems) -> Refusal:
    """What the platform's own error says of a debit; `code` is what it was taken for."""
    usual = Refusal.NOT_NOW if code in PASSING else Refusal.FOR_GOOD
    said = provider.debit_codes.get(complaint.provider_code or "", usual)
    # A limit in the platform's own words is one at any status; that a 429 is one is no more proof.
    is_limit = said is Refusal.NOT_NOW and complaint.code is ErrorCode.RATE_LIMITED
    return said if status in REFUSALS or (is_limit and status >= 400) else Refusal.UNCLEAR


def classify_again(answer: Answer, debit: Debit, provider: Redeems) -> Outcome:
    """Judge the answer to a debit that was sent again under an id that the platform makes once.

    A refusal proves nothing here: it says why this one was not made, not whether the first one was.
    """
    if answer.status in SUCCESSES:
        return _success(answer, debit, provider)
    complaint = provider.complaint(answer.json())
    if complaint and provider.is_repeat(complaint):
        return Outcome(State.CONFIRMED, f"the id was used before: {_shown(answer)}")
    return unknown(_shown(answer), f"{provider.title} answered HTTP {answer.status}")


def unknown(why: str, what: str) -> Outcome:
    """Nothing is proven; `what` says to a user what happened instead of an answer."""
    error = LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"the debit was sent, and whether it was made is not known: {what}.",
        hint="Do not repeat it under another reference; `loyalty journal reconcile` settles it.",
    )
    return Outcome(State.UNKNOWN, why, error=error)


def _success(answer: Answer, debit: Debit, provider: Redeems) -> Outcome:
    try:
        applied = provider.read_debit(decode(answer.body), debit)
    except ValueError as error:
        return unknown(_shown(answer), f"{provider.title}'s answer does not confirm it ({error})")
    return Outcome(State.CONFIRMED, _shown(answer), applied)


def _shown(answer: Answer) -> str:
    body = answer.body[:LONGEST_BODY].decode("utf-8", errors="backslashreplace")
    return f"HTTP {answer.status}: {body}"
