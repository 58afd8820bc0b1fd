"""Whether an unknown debit may be sent again to a platform that makes it only once."""

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.abandoned import certain_seconds
from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.outcome import in_use, was_in_use
from loyalty_cli.debits.result import unknown_error
from loyalty_cli.model.errors import LoyaltyError


def refusal_to_resend(
    journal: Journal, profile: Profile, entry: Entry, now: Instant
) -> LoyaltyError | None:
    """The error if a debit must not be sent again: then a person decides."""
    if was_in_use(journal.events(entry.key)):
        return in_use(entry.key.reference, profile.provider.title)
    why = _reason(journal, profile, entry, now)
    return None if why is None else unknown_error(f"{why}, so it is not sent again")


def _reason(journal: Journal, profile: Profile, entry: Entry, now: Instant) -> str | None:
    rules = profile.debit
    if profile.name != entry.profile:
        return f"another profile, {entry.profile!r}, sent it"
    if not rules.allow:
        return f"the profile {profile.name!r} no longer allows debits"
    if rules.max_amount is not None and entry.amount > rules.max_amount:
        return f"it is above debit.max_amount {rules.max_amount}"
    if rules.max_total_per_day is not None:
        total = journal.taken_in_a_day(entry.key.platform)
        if total > rules.max_total_per_day:
            return f"{total} in 24 hours is above debit.max_total_per_day {rules.max_total_per_day}"
    claims = [each for each in journal.events(entry.key) if each.after is State.SENDING]
    by_wall_clock = (journal.now() - min(each.at for each in claims)).total_seconds()
    if max(by_wall_clock, certain_seconds(claims, now)) > rules.resend_for:
        return f"it was sent more than debit.resend_for {rules.resend_for:g} s ago"
    return None
