"""The balance of an account: credit for a debit, and evidence of debits that were made."""

from collections.abc import Callable
from shlex import quote

from msgspec import Struct

from loyalty_cli.debits.journal.entries import Baseline
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Balance
from loyalty_cli.network.platform_client import PlatformClient


class AccountBalance(Struct, frozen=True):
    """The balance of an account in the unit of a debit.

    `read_at` is when it was requested. `cache_age` is the Age header of an answer from a cache;
    None if the platform itself answered.
    """

    balance: Balance
    read_at: Instant
    cache_age: str | None = None


def read_account_balance(
    platforms: PlatformClient, order: DebitOrder, clock: Callable[[], Instant]
) -> AccountBalance:
    """Read the balance that a debit is taken from; raise LoyaltyError if there is none."""
    profile = order.profile
    began = clock()
    reading, age = platforms.aged_reading(profile, order.query)
    lines = [line for line in reading.balances if line.kind in ("credit", "points")]
    for line in lines:
        if line.unit == order.unit:
            return AccountBalance(line, began, age)
    units = " or ".join(
        f"`--unit {quote(unit)}`" for unit in sorted({each.unit or "" for each in lines} - {""})
    )
    wanted = f" Add {units}, and a new --reference if you gave one." if units else ""
    raise LoyaltyError(
        ErrorCode.REFUSED,
        f"{order.customer!r} has no balance in {order.unit!r} at {profile.name}.",
        hint=f"Nothing was sent.{wanted}",
    )


def refusal(order: DebitOrder, account: AccountBalance) -> LoyaltyError | None:
    """The error if an account has too little, or if its present balance is not known."""
    if account.cache_age not in (None, "0"):
        return LoyaltyError(
            ErrorCode.BAD_RESPONSE,
            f"the balance of {order.customer!r} at {order.profile.name} came from a cache"
            f" (Age: {account.cache_age[:20]}), and may be out of date.",
            hint="Nothing was sent. Configure that cache or proxy to forward these requests.",
        )
    available = account.balance.available
    if available is not None and available >= order.amount:
        return None
    less = f"{order.customer!r} has {available} {order.unit} available, less than {order.amount}."
    unknown = f"the platform does not say how many {order.unit} {order.customer!r} has available."
    return LoyaltyError(
        ErrorCode.REFUSED,
        unknown if available is None else less,
        hint="Nothing was sent. Run the same command again when there is enough.",
    )


def baseline(account: AccountBalance, last_event: int, asked: dict[str, str]) -> Baseline:
    """The balance just before a debit, as the journal keeps it."""
    line = account.balance
    return Baseline(
        available=amount_text(line.available),
        earned=amount_text(line.earned),
        redeemed=amount_text(line.redeemed),
        expired=amount_text(line.expired),
        cancelled=amount_text(line.cancelled),
        last_event=last_event,
        asked=asked,
    )


def amount_text(amount: Amount | None) -> str | None:
    """An amount as the journal keeps it."""
    return None if amount is None else str(amount)
