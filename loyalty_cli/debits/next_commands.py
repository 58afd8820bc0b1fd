"""What a person can do about a debit, by its state: the commands, ready to be pasted."""

from collections.abc import Sequence

from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.model.named_commands import command_line
from loyalty_cli.model.records import NextCommand

WHY = ("--why", "TEXT")


def next_commands(entry: Entry, account: str | None) -> tuple[NextCommand, ...]:
    """The commands that can be next; none if the state is final.

    `account` is what `-p` has to name, if several accounts have the reference.
    """
    named = () if account is None else ("-p", account)
    reference = entry.key.reference

    def decision(purpose: str, command: str, *verdict: str) -> NextCommand:
        return _next(purpose, ("journal", command), (reference,), (*named, *verdict, *WHY))

    same = ("--unit", entry.unit, "-p", entry.profile, "--reference", reference)
    again = (("debit",), (entry.customer, str(entry.amount)), same)
    drop = decision("Withdraw it; its reference stays taken", "drop")
    reconcile = (("journal", "reconcile"), (), ())
    match entry.state:
        case State.PLANNED:
            return _next("Make it", *again), drop
        case State.NOT_APPLIED:
            return _next("Make it, in a new attempt", *again), drop
        case State.SENDING:
            return (_next("Settle it, if its process has ended", *reconcile),)
        case State.UNKNOWN:
            return (
                _next("Look for evidence", *reconcile),
                decision("If you know that it was made", "resolve", "--confirmed"),
                decision("If you know that it was not made", "resolve", "--not-applied"),
            )
        case State.REFUSED:
            return (decision("Let it be tried again", "resolve", "--not-applied"),)
    return ()


def _next(
    purpose: str, command: Sequence[str], arguments: Sequence[str], options: Sequence[str]
) -> NextCommand:
    words = [*command, *arguments, *options]
    if any(each.startswith("-") for each in arguments):  # or they would be read as options
        words = [*command, *options, "--", *arguments]
    return NextCommand(purpose=purpose, command=command_line(words))
