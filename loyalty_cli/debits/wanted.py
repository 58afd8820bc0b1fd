"""What a command line or a file asks to be debited, checked against what the profiles allow."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from loyalty_cli.debits.order import Order
from loyalty_cli.debits.rows import Row
from loyalty_cli.errors import ErrorCode, LoyaltyError, usage_error
from loyalty_cli.journal.entries import Entry, Key
from loyalty_cli.journal.store import above_day_limit, reference_taken
from loyalty_cli.profile import Profile
from loyalty_cli.providers import BUILT_IN, load
from loyalty_cli.providers.redeeming import Redeems


def orders_of(
    rows: Sequence[Row], profile_of: Callable[[Row], Profile], unit: str | None
) -> list[Order]:
    """Make orders of rows; raise LoyaltyError that names all that the profiles do not allow."""
    orders: list[Order] = []
    errors: list[LoyaltyError] = []
    for row in rows:
        try:
            orders.append(order_of(row, profile_of(row), unit))
        except LoyaltyError as error:
            errors.append(error)
    _raise_all(errors)
    return orders


def order_of(row: Row, profile: Profile, unit: str | None) -> Order:
    """Make an order of a row; raise LoyaltyError where the profile does not allow it."""
    if not isinstance(profile.provider, Redeems):
        able = [name for name in BUILT_IN if isinstance(load(name), Redeems)]
        _refused(
            f"{profile.provider.title} (profile {profile.name!r}) cannot debit.",
            f"These can: {', '.join(able)}.",
        )
    if not profile.debit.allow:
        _refused(
            f"the profile {profile.name!r} does not allow debits.",
            "Add `debit: {allow: true}` to it in the profile file.",
        )
    chosen = row.unit or unit or profile.debit.unit
    if chosen is None:
        usage_error(
            f"no unit for the debit {row.reference!r}.",
            "Add --unit, or debit.unit to the profile: exactly as the balance shows it.",
        )
    limit = profile.debit.max_amount
    if limit is not None and row.amount > limit:
        _refused(
            f"the debit {row.reference!r} of {row.amount} is more than the profile's"
            f" debit.max_amount {limit}.",
        )
    return Order(profile, row.customer, chosen, row.amount, row.reference)


def makes_once(profile: Profile) -> bool:
    """Whether the platform itself makes a debit with the same reference but once."""
    return isinstance(profile.provider, Redeems) and profile.provider.idempotent


def check_known(orders: Sequence[Order], known: Mapping[Key, Entry]) -> None:
    """Raise LoyaltyError that names all references which are on record for another debit."""
    pairs = [(order.planned, known.get(order.key)) for order in orders]
    _raise_all(
        [
            reference_taken(planned, entry)
            for planned, entry in pairs
            if entry and not entry.asks_the_same(planned)
        ]
    )


def check_sum(orders: Sequence[Order], expected: int) -> None:
    """Raise LoyaltyError where a file's amounts do not add up to what was expected."""
    total = sum(order.amount for order in orders)
    if total != expected:
        usage_error(f"the amounts add up to {total}, not to {expected}.", "No debit was made.")


def check_limits(orders: Sequence[Order]) -> None:
    """Raise LoyaltyError where a run takes more than a profile's `max_total`."""
    sums: defaultdict[str, int] = defaultdict(int)
    for order in orders:
        sums[order.profile.name] += order.amount
        limit, total = order.profile.debit.max_total, sums[order.profile.name]
        if limit is not None and total > limit:
            _refused(
                f"the debits at the profile {order.profile.name!r} add up to {total} or more,"
                f" above its debit.max_total {limit}."
            )


def check_day_limits(orders: Sequence[Order], taken: Mapping[str, int]) -> None:
    """Raise LoyaltyError where a run would take more than a profile's `max_total_per_day`.

    `taken` is what each account of a platform was debited in 24 hours, by whatever run.
    """
    sums = defaultdict(int, taken)
    for order in orders:
        platform = order.key.platform
        sums[platform] += order.amount
        limit = order.profile.debit.max_total_per_day
        if limit is not None and sums[platform] > limit:
            raise above_day_limit(order.profile.name, sums[platform], limit)


def require_reference(reference: str | None, *, interactive: bool) -> str:
    """The caller's reference, or on a terminal a new one; raise LoyaltyError for none."""
    if reference is not None:
        return reference
    if not interactive:
        usage_error(
            "a debit without a terminal needs --reference.",
            "Name it so that a second run of the job names it the same.",
        )
    from uuid import uuid4

    return f"loyalty-{uuid4()}"


def _raise_all(errors: Sequence[LoyaltyError]) -> None:
    """Raise the one error there is, or one with all that they say, each thing once."""
    messages = tuple(dict.fromkeys(error.message for error in errors))
    if len(messages) > 1:
        raise LoyaltyError(
            errors[0].code,
            f"{len(errors)} debits cannot be made as they are asked for.",
            hint="Nothing was sent. Mend these, and run it again:",
            details=messages,
        )
    if errors:
        raise errors[0]


def _refused(message: str, hint: str = "Nothing was sent.") -> NoReturn:
    raise LoyaltyError(ErrorCode.REFUSED, message, hint=hint)
