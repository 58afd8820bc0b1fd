"""Records the result of a debit that was sent; it is reported only after that."""

from loyalty_cli.debits.account_balance import amount_text
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Change, Entry, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.outcome import Outcome
from loyalty_cli.debits.result import DebitResult, written_error
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


def record_result(journal: Journal, sent: Entry, outcome: Outcome) -> DebitResult:
    """Record the result of a debit; raise JournalError if that fails."""
    change = Change(
        outcome.why,
        balance_after=amount_text(outcome.applied.balance_after),
        provider_reference=outcome.applied.provider_reference,
        error=written_error(outcome.error),
    )
    try:
        present = journal.change(sent, outcome.state, change)
        if present is None:  # another host took it for abandoned while it was being sent
            present = record_late(journal, sent, outcome.state, change)
        journal.database.insist(lambda _: journal.database.check_unchanged())
    except Exception as error:
        why = error.message if isinstance(error, LoyaltyError) else f"{type(error).__name__}."
        raise JournalError(
            ErrorCode.OUTCOME_UNKNOWN,
            f"the debit {sent.key.reference!r} was sent ({outcome.state}), but the journal"
            f" could not record that: {why}",
            hint="Nothing more was sent. Fix the journal, then run `loyalty journal reconcile`.",
        ) from error
    if outcome.error or (present.state, present.attempt) == (outcome.state, sent.attempt):
        return DebitResult(present, error=outcome.error, note=outcome.applied.note)
    contradicted = LoyaltyError(
        ErrorCode.OUTCOME_UNKNOWN,
        f"the debit {sent.key.reference!r} was made, but before the answer came it was settled"
        f" as {present.state}, or sent once more.",
        hint="`loyalty journal show` has the answer. Check whether the customer was debited twice.",
    )
    return DebitResult(present, error=contradicted)


def record_late(journal: Journal, sent: Entry, state: State, change: Change) -> Entry:
    """Record the result of an attempt that another process marked as unknown meanwhile.

    The late result is evidence. But if a later attempt or a decision followed, it proves nothing
    about that, and is only noted.
    """
    state = State.NOT_APPLIED if state in (State.REFUSED, State.PLANNED) else state
    present = journal.present(sent)
    is_open = present.state is State.UNKNOWN and present.attempt == sent.attempt
    if is_open and state is not State.UNKNOWN:
        settled = journal.change(present, state, change)
        if settled is not None:
            return settled
        present = journal.present(sent)
    journal.note(present, f"attempt {sent.attempt} turned out {state}: {change.why}")
    return present
