"""The requested debits, checked against what the profiles allow."""

from collections.abc import Callable, Iterable, Iterator

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.debit_list import FileRow, Mistake, Row
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers import BUILT_IN, load
from loyalty_cli.providers.contract import DebitProvider, Query
from loyalty_cli.providers.ways import wrong_for

Fault = tuple[str, object, LoyaltyError]
"""A value that the profile does not allow: its column, the value, and the error."""


def keep_orders(
    rows: Iterable[FileRow],
    profile_of: Callable[[Row], Profile],
    unit: str | None,
    mistakes: Mistakes,
    into: OrderStore,
) -> None:
    """Store the orders of a file, and add all its mistakes to `mistakes`.

    Raises LoyaltyError if a row has no profile, and for errors of `rows` that are no usage errors.
    """
    try:
        for each in rows:
            for mistake in each.mistakes:
                mistakes.add(mistake)
            order = None
            if each.row is not None:
                profile = profile_of(each.row)
                for fault in faults_of(each.row, profile, unit):
                    mistakes.add_error(each.line, *fault)
                for fault in _needs_person(each.row, profile):
                    mistakes.add_error(each.line, *fault)
                # Stored even if it is not allowed, so that all its mistakes are found.
                order = None if each.mistakes else _order(each.row, profile, unit)
            if each.reference is not None:
                first = into.add(each.line, each.reference, order)
                if first != each.line:
                    why = f"is a duplicate of line {first}"
                    mistakes.add(Mistake(each.line, "reference", shorten(each.reference), why))
    except LoyaltyError as error:
        if error.code is not ErrorCode.USAGE:
            raise
        mistakes.add_whole(error)


def order_of(row: Row, profile: Profile, unit: str | None) -> DebitOrder:
    """Make an order of a row; raise LoyaltyError if the profile does not allow it."""
    for _, _, error in faults_of(row, profile, unit):
        raise error
    order = _order(row, profile, unit)
    assert order is not None  # or it would be a fault
    return order


def _order(row: Row, profile: Profile, unit: str | None) -> DebitOrder | None:
    """The order of a row; None if neither the row nor its profile has a unit."""
    chosen = row.unit or unit or profile.debit.unit
    return DebitOrder(profile, row.customer, chosen, row.amount, row.reference) if chosen else None


def faults_of(row: Row, profile: Profile, unit: str | None) -> Iterator[Fault]:
    """Why a row cannot be an order at a profile: all the reasons."""
    if not isinstance(profile.provider, DebitProvider):
        able = [name for name in BUILT_IN if isinstance(load(name), DebitProvider)]
        message = f"{profile.provider.title} (profile {profile.name!r}) cannot debit."
        yield "profile", profile.name, _refused(message, f"These can: {', '.join(able)}.")
        return
    if not profile.debit.allow:
        message = f"the profile {profile.name!r} does not allow debits."
        hint = "Add `debit: {allow: true}` to it in the profile file."
        yield "profile", profile.name, _refused(message, hint)
    auths = profile.provider.debit_auths
    if auths and profile.auth.name not in auths:
        yield (
            "profile",
            profile.name,
            LoyaltyError(
                ErrorCode.SETUP,
                f"{profile.provider.title} takes no debit with `auth: {profile.auth.name}`"
                f" (profile {profile.name!r}).",
                hint=f"Set `auth:` in the profile to {' or '.join(auths)}. Nothing was sent.",
            ),
        )
    ways = profile.provider.debit_ways
    if profile.by not in ways:
        yield (
            "profile",
            profile.name,
            LoyaltyError(
                ErrorCode.SETUP,
                f"{profile.provider.title} takes no debit of a customer by {profile.by}"
                f" (profile {profile.name!r}).",
                hint=f"Set `by:` in the profile to {' or '.join(ways)}. Nothing was sent.",
            ),
        )
    elif why := wrong_for(profile.provider, profile.by, row.customer):
        yield "customer", row.customer, LoyaltyError(ErrorCode.USAGE, why)
    elif why := profile.provider.why_not(_query(row, profile)):
        message = f"{why} (profile {profile.name!r})."
        hint = "Change `by:` or `options:` in the profile. Nothing was sent."
        yield "profile", profile.name, LoyaltyError(ErrorCode.SETUP, message, hint=hint)
    if _order(row, profile, unit) is None:
        message = f"no unit for the debit {row.reference!r}."
        hint = "Add --unit, or debit.unit to the profile: exactly as the balance shows it."
        yield "unit", "", LoyaltyError(ErrorCode.USAGE, message, hint=hint)
    limit = profile.debit.max_amount
    if limit is not None and row.amount > limit:
        message = (
            f"the debit {row.reference!r} of {row.amount} is more than the profile's"
            f" debit.max_amount {limit}."
        )
        hint = "Nothing was sent. The profile file sets that limit."
        yield "amount", row.amount, _refused(message, hint)


def _needs_person(row: Row, profile: Profile) -> Iterator[Fault]:
    """Why a row of a file cannot be debited: its customer gets a code that a person types."""
    provider = profile.provider
    if isinstance(provider, DebitProvider) and provider.needs_person(_query(row, profile)):
        why = f"a debit at {profile.name!r} needs a one-time code, so a file cannot have it."
        hint = "Debit its customers one by one, or change the options of the profile."
        yield "profile", profile.name, LoyaltyError(ErrorCode.USAGE, why, hint=hint)


def _query(row: Row, profile: Profile) -> Query:
    return DebitOrder(profile, row.customer, "", row.amount, row.reference).query


def _refused(message: str, hint: str = "Nothing was sent.") -> LoyaltyError:
    return LoyaltyError(ErrorCode.REFUSED, message, hint=hint)
