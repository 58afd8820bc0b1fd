"""What the answer to a debit proves: it was made, it was not made, or nothing."""

from collections.abc import Collection, Iterable, Sequence
from shlex import quote
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.redaction import redact
from loyalty_cli.debits.evidence import ListFinding, Proof
from loyalty_cli.debits.journal.entries import Event, State
from loyalty_cli.debits.result import BY_HAND, unknown_error
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.answers import error_in
from loyalty_cli.network.platform_client import DebitAnswer
from loyalty_cli.providers.contract import (
    Answer,
    Debit,
    DebitProvider,
    DebitReceipt,
    PlatformError,
    Refusal,
)

SUCCESSES = frozenset({200, 201})
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 411, 413, 414, 415, 422, 428, 431})
"""Statuses that mean "nothing was done", if the platform itself says so in its own JSON."""
PASSING = frozenset({ErrorCode.CREDENTIAL_REFUSED, ErrorCode.SETUP, ErrorCode.RATE_LIMITED})
"""Errors of the profile, or temporary ones: a later attempt may succeed."""
RUN_AGAIN = "Nothing was done; run the same command again to make the debit."
USED_BEFORE = "the reference was in use before this attempt"
"""What the journal records if the platform knew the id of a debit before it was sent."""
LONGEST_WHY = 2000
ANSWERED = "HTTP "
"""How the journal's evidence begins if it is an answer of the platform."""
SIGN_IN_REFUSED = (f"{ANSWERED}401:", f"{ANSWERED}403:")


class Outcome(Struct, frozen=True):
    """The state of a debit after an answer, and the evidence for it.

    `is_by_repeat` if the evidence is only that the platform knows the id.
    """

    state: State
    why: str
    applied: DebitReceipt = DebitReceipt()
    error: LoyaltyError | None = None
    is_by_repeat: bool = False


def classify(came: DebitAnswer, debit: Debit, profile: Profile, provider: DebitProvider) -> Outcome:
    """Judge the answer to a debit that was sent once.

    Only a success that confirms exactly this debit confirms it. Only the platform's own error, at
    a status that means "nothing was done", refuses it, for good or for now. Everything else, such
    as an answer that contradicts itself, leaves it unknown.
    """
    return _masked(_judged(came, debit, profile, provider), came)


def _judged(came: DebitAnswer, debit: Debit, profile: Profile, provider: DebitProvider) -> Outcome:
    answer = came.answer
    body = answer.json()
    platform_error = provider.read_error(body)
    if platform_error and provider.is_repeat(platform_error):
        error = in_use(debit.reference, provider.title, answer.status, platform_error.provider_code)
        return Outcome(State.UNKNOWN, f"{USED_BEFORE}: {_shown(answer)}", error=error)
    if answer.status in SUCCESSES and not (platform_error and provider.refusals_at_200):
        return _success(answer, debit, provider, platform_error)
    said = error_in(answer, profile, debit.customer)
    if platform_error is None or said is None:
        return _unclear(answer, provider)
    came.explain(said)
    if _looks_made(body, debit, provider):
        return _unclear(answer, provider, platform_error, ", with a field that only a success has")
    match _refusal(answer.status, platform_error, said.code, provider):
        case Refusal.FOR_GOOD:
            said.hint = " ".join(filter(None, (said.hint, allow_again(debit.reference))))
            return Outcome(State.REFUSED, _shown(answer), error=said)
        case Refusal.NOT_NOW:
            said.hint = " ".join(filter(None, (said.hint, RUN_AGAIN)))
            return Outcome(State.NOT_APPLIED, _shown(answer), error=said)
        case Refusal.UNCLEAR:
            return _unclear(answer, provider, platform_error)


def _refusal(
    status: int, platform_error: PlatformError, code: ErrorCode, provider: DebitProvider
) -> Refusal:
    """What the platform's own error means for a debit; `code` is our code for the error."""
    usual = Refusal.NOT_NOW if code in PASSING else provider.other_codes
    said = provider.debit_codes.get(platform_error.provider_code or "", usual)
    statuses = {status, status if platform_error.status is None else platform_error.status}
    refusals = REFUSALS | {200} if provider.refusals_at_200 else REFUSALS
    proven = statuses <= refusals
    if said is Refusal.NOT_NOW and platform_error.code is ErrorCode.RATE_LIMITED:
        # The platform's own code for a rate limit counts at any status; a 429 alone proves nothing.
        proven = statuses <= REFUSALS | {429} or (statuses == {status} and status >= 400)
    return said if proven else Refusal.UNCLEAR


def _looks_made(body: Any, debit: Debit, provider: DebitProvider) -> bool:
    """Whether an error has a field that only a success should have."""
    try:
        provider.read_debit(body, debit)
    except ValueError:
        return provider.may_have_succeeded(body)
    return True


def _has_any(body: Any, keys: Collection[str]) -> bool:
    """Whether one of these keys has a value."""
    return isinstance(body, dict) and any(body.get(key) for key in keys)


def classify_again(came: DebitAnswer, debit: Debit, provider: DebitProvider) -> Outcome:
    """Judge the answer to a debit that was sent again to a platform that makes it only once.

    A refusal of this attempt proves nothing about the first attempt.
    """
    answer = came.answer
    platform_error = provider.read_error(answer.json())
    if answer.status in SUCCESSES:
        outcome = _success(answer, debit, provider, platform_error)
    elif platform_error and provider.is_repeat(platform_error):
        why = f"the id was used before: {_shown(answer)}"
        outcome = Outcome(State.CONFIRMED, why, is_by_repeat=True)
    else:
        outcome = _unclear(answer, provider, platform_error)
    return _masked(outcome, came)


def with_list(repeat: Outcome, listed: ListFinding, title: str) -> Outcome:
    """The outcome of a repeat together with what the platform's list of debits says.

    The id may belong to a transaction of another kind, or of another customer.
    """
    if not repeat.is_by_repeat or listed.proof is Proof.NOTHING:
        return repeat
    why = f"{repeat.why}; {listed.why}"[:LONGEST_WHY]
    if listed.proof is Proof.MADE:
        applied = replace(repeat.applied, provider_reference=listed.provider_reference)
        return replace(repeat, why=why, applied=applied)
    outcome = unknown(why, f"{title} knows its id, but {listed.why}")
    assert outcome.error
    outcome.error.hint = BY_HAND
    return outcome


def allow_again(reference: str) -> str:
    """The hint for a refused debit, with the command for a shell."""
    named = quote(reference) if not reference.startswith("-") else f"-- {quote(reference)}"
    return (
        "No debit was made. If the cause is gone, allow a new attempt:"
        f" `loyalty journal resolve --not-applied --why TEXT {named}`."
    )


def was_in_use(events: Iterable[Event]) -> bool:
    """Whether the platform knew the id before our first attempt: then knowing it is no proof."""
    return any(USED_BEFORE in event.why for event in events)


def may_have_been_made(events: Sequence[Event], attempt: int) -> bool:
    """Whether an earlier attempt under this id may have been made after all."""
    sent = any(
        (event.before, event.after) == (State.SENDING, State.UNKNOWN) and event.attempt < attempt
        for event in events
    )
    return sent and not was_in_use(events)


def failed_attempts(events: Iterable[Event]) -> int:
    """How many attempts used up a number: they failed by the platform's own answer, even late.

    A refused sign-in uses up none. The count ends at an attempt that may have been made after all,
    whatever was concluded of it: its number is kept, so that the platform can tell the repeat.
    """
    attempts: dict[int, list[Event]] = {}
    for event in events:
        attempts.setdefault(event.attempt, []).append(event)
    failed = 0
    for _, these in sorted(attempts.items()):
        answers = [each.why for each in these if _is_failure(each)]
        if not answers and any(each.after is State.UNKNOWN for each in these):
            break
        failed += any(not why.startswith(SIGN_IN_REFUSED) for why in answers)
    return failed


def _is_failure(event: Event) -> bool:
    """Whether an attempt failed by the platform's own answer to it."""
    return (
        event.after in (State.REFUSED, State.NOT_APPLIED)
        and event.before in (State.SENDING, State.UNKNOWN)
        and event.why.startswith(ANSWERED)
    )


def in_use(
    reference: str, title: str, http_status: int | None = None, provider_code: str | None = None
) -> LoyaltyError:
    """The error if the platform has a transaction with this id that may not be this debit."""
    return LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"{title} had a transaction {reference!r} before this debit was sent. It is"
        " unknown whether that is this debit.",
        hint="Look at the platform. If its transaction is this debit, run `loyalty journal resolve"
        " --confirmed`; if not, use `--not-applied`, and debit under a new reference.",
        http_status=http_status,
        provider_code=provider_code,
    )


def unknown(
    why: str, what: str, http_status: int | None = None, provider_code: str | None = None
) -> Outcome:
    """An outcome without proof; `what` tells the user what happened."""
    return Outcome(State.UNKNOWN, why, error=unknown_error(what, http_status, provider_code))


def _unclear(
    answer: Answer,
    provider: DebitProvider,
    platform_error: PlatformError | None = None,
    more: str = "",
) -> Outcome:
    """The outcome of an answer that proves nothing."""
    code = platform_error.provider_code if platform_error else None
    own = platform_error.status if platform_error else None
    said = [f"HTTP {answer.status}"]
    if own is not None and own != answer.status:
        said.append(f"with HTTP {own} in the body")
    if code:
        said.append(code)
    what = f"{provider.title} answered {', '.join(said)}{more}"
    return unknown(_shown(answer), what, answer.status, code)


def _success(
    answer: Answer, debit: Debit, provider: DebitProvider, platform_error: PlatformError | None
) -> Outcome:
    try:
        body = answer.read_json()
        applied = provider.read_debit(body, debit)
    except ValueError as error:
        return _unclear(answer, provider, platform_error, f", which does not confirm it ({error})")
    if platform_error or _has_any(provider.debit_part(body), provider.error_keys):
        more = ", which confirms it but also has an error"
        return _unclear(answer, provider, platform_error, more)
    return Outcome(State.CONFIRMED, _shown(answer), applied)


def _shown(answer: Answer) -> str:
    body = answer.body.decode("utf-8", errors="backslashreplace")
    return f"{ANSWERED}{answer.status}: {body}"


def _masked(outcome: Outcome, came: DebitAnswer) -> Outcome:
    """An outcome with all secrets masked: judged with them, stored without them."""
    if outcome.error:
        redact(outcome.error, came.mask)
    reference = outcome.applied.provider_reference
    return replace(
        outcome,
        why=came.mask(outcome.why)[:LONGEST_WHY],
        applied=replace(outcome.applied, provider_reference=reference and came.mask(reference)),
    )
