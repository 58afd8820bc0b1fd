"""What an account has: the credit that a debit needs, and evidence of what was made."""

from collections.abc import Callable

from msgspec import Struct

from loyalty_cli.debits.journal.entries import Baseline
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Balance
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query


class AccountBalance(Struct, frozen=True):
    """What an account has in the unit of a debit.

    `read_at` is when it was asked for. `cache_age` is the Age header of an answer out of a cache;
    None where the platform itself answered.
    """

    balance: Balance
    read_at: Instant
    cache_age: str | None = None


def read_account_balance(
    platforms: PlatformClient, order: DebitOrder, clock: Callable[[], Instant]
) -> AccountBalance:
    """Ask for the balance that a debit is taken from; raise LoyaltyError where there is none."""
    profile = order.profile
    query = Query(order.customer, profile.settings)
    began = clock()
    reading, age = platforms.aged_reading(profile, query)
    for line in reading.balances:
        if line.kind in ("credit", "points") and line.unit == order.unit:
            return AccountBalance(line, began, age)
    units = sorted({line.unit for line in reading.balances if line.unit})
    raise LoyaltyError(
        ErrorCode.REFUSED,
        f"{order.customer!r} has no balance in {order.unit!r} at {profile.name}.",
        hint=f"It has: {', '.join(units) or 'none'}. Nothing was sent. For another unit the debit"
        " needs another reference.",
    )


def refusal(order: DebitOrder, account: AccountBalance) -> LoyaltyError | None:
    """The error where an account has too little, or it is not known how much it has now."""
    if account.cache_age not in (None, "0"):
        return LoyaltyError(
            ErrorCode.BAD_RESPONSE,
            f"the balance of {order.customer!r} at {order.profile.name} came out of a cache"
            f" (Age: {account.cache_age[:20]}), and may be out of date.",
            hint="Nothing was sent. Let the cache or proxy on the way pass these requests on.",
        )
    available = account.balance.available
    if available is not None and available >= order.amount:
        return None
    has = "an amount that is not stated" if available is None else f"{available}"
    return LoyaltyError(
        ErrorCode.REFUSED,
        f"{order.customer!r} has {has} {order.unit} available, less than {order.amount}.",
        hint="Nothing was sent. Run the same again once there is enough.",
    )


def baseline(account: AccountBalance, last_event: int) -> Baseline:
    """What the account had just before a debit, as the journal keeps it."""
    line = account.balance
    return Baseline(
        available=amount_text(line.available),
        earned=amount_text(line.earned),
        redeemed=amount_text(line.redeemed),
        expired=amount_text(line.expired),
        cancelled=amount_text(line.cancelled),
        last_event=last_event,
    )


def amount_text(amount: Amount | None) -> str | None:
    """An amount as the journal keeps it."""
    return None if amount is None else str(amount)
