"""The result of a debit after a run, and its errors as the journal keeps them."""

import msgspec
from msgspec import Struct

from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Failure

SETTLE = "Do not repeat it under another reference; `loyalty journal reconcile` settles it."
BY_HAND = "Find out at the platform, then run `loyalty journal resolve`."
_FAILURE = msgspec.json.Decoder(Failure)


class DebitResult(Struct, frozen=True):
    """A debit after a run; `replayed` if the outcome was on record and nothing was sent.

    `note` is what the platform said of a debit that it made, besides.
    """

    entry: Entry
    replayed: bool = False
    error: LoyaltyError | None = None
    note: str | None = None


def written_error(error: LoyaltyError | None) -> str | None:
    """An error as the journal keeps it: its commands are those of no particular run."""
    if error is None:
        return None
    fields = {name: getattr(error, name) for name in Failure.__struct_fields__}
    return msgspec.json.encode(Failure(**fields)).decode()


def recorded_error(entry: Entry) -> LoyaltyError | None:
    """The error of a debit in the journal."""
    if entry.error:
        return _FAILURE.decode(entry.error).as_error()
    if entry.state is State.SENDING:
        return unknown_error("another process has no result yet")
    return None


def unknown_error(
    what: str, http_status: int | None = None, provider_code: str | None = None
) -> LoyaltyError:
    """The error of an unknown debit; `what` is what happened."""
    return LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"the debit was sent, and it is unknown whether it was made: {what}.",
        hint=SETTLE,
        http_status=http_status,
        provider_code=provider_code,
    )
