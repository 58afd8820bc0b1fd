"""The sandbox's SaaSquatch."""

from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import parse_as
from loyalty_cli.sandbox.api import Api, Trouble
from loyalty_cli.sandbox.customers import CUSTOMERS, Credit, Discount, FuelTank, Referrer, Shape
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError
from loyalty_cli.sandbox.misbehaviour import behave, behave_on_debit
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import basic

NAME = "saasquatch"
TENANT = "sandbox"
KEY = "sandbox-saasquatch-key"
USER_TOKEN = "sandbox-saasquatch-user-token"  # noqa: S105 - made up, and in the documentation

TYPES = {Credit: "CREDIT", Discount: "PCT_DISCOUNT", FuelTank: "FUELTANK"}


class RedeemRequest(Struct, rename="camel"):
    """What redeems credit."""

    account_id: str
    unit: str
    amount: int


def handle(received: Received, ledger: Ledger) -> Reply:
    """Answer listRewardBalances and debitRewardBalance."""
    match received.path:
        case ("api", "v1", tenant, "reward", "balance"):
            method, answer = "GET", _balances
        case ("api", "v1", tenant, "credit", "bulkredeem"):
            method, answer = "POST", _redeem
        case _:
            return _error(404, "There is no such resource", "NOT_FOUND")
    if received.method != method:
        return _error(405, f"This resource takes {method} alone", "METHOD_NOT_ALLOWED")
    if tenant != TENANT:
        return _error(404, "There is no such tenant", "TENANT_NOT_FOUND", "RS015")
    if not _is_signed_in(received):
        return error(Trouble.SIGN_IN)
    return answer(received, ledger)


def error(trouble: Trouble) -> Reply:
    """SaaSquatch's words for a trouble."""
    match trouble:
        case Trouble.SIGN_IN:
            return _error(401, "The sign-in is missing or wrong", "UNAUTHORIZED", "RS032")
        case Trouble.NO_CUSTOMER:
            return _error(404, "There is no such account", "ACCOUNT_NOT_FOUND", "RS041")
        case Trouble.TOO_OFTEN:
            return _error(429, "There were too many requests", "RATE_LIMITED", "RS033")
        case Trouble.BROKEN:
            return _error(500, "Something broke", "INTERNAL_ERROR")


def _error(status: int, message: str, code: str, rs_code: str | None = None) -> Reply:
    body = {"statusCode": status, "message": message, "apiErrorCode": code, "rsCode": rs_code}
    return Reply(status, body)


def _invalid(message: str) -> Reply:
    return _error(400, message, "INVALID_REQUEST")


def _is_signed_in(received: Received) -> bool:
    token = received.headers.get("x-saasquatch-user-token")
    return token == USER_TOKEN if token is not None else basic(received) == ("", KEY)


def _balances(received: Received, ledger: Ledger) -> Reply:
    account = received.query.get("accountId", "")
    kind = received.query.get("rewardTypeFilter")
    if not account:
        return _invalid("accountId is missing")
    if kind is not None and kind not in TYPES.values():
        return _invalid(f"rewardTypeFilter must be one of {', '.join(TYPES.values())}")
    user = received.query.get("userId")
    return behave(account, error, partial(_rewards, ledger, account, user, kind))


def _rewards(ledger: Ledger, account: str, user: str | None, kind: str | None) -> Reply:
    if account not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    referrer = CUSTOMERS[account].saasquatch
    owners = {account, *(reward.user or account for reward in referrer.rewards)}
    if user is not None and user not in owners:
        return _error(404, "The account has no such user", "USER_NOT_FOUND", "RS042")
    asked = [
        _fields(reward, account, ledger)
        for reward in referrer.rewards
        if user in (None, reward.user or account) and kind in (None, TYPES[type(reward)])
    ]
    return Reply(body=_shaped(asked, referrer.shape))


def _fields(reward: Credit | Discount | FuelTank, account: str, ledger: Ledger) -> dict[str, Any]:
    kind = {"type": TYPES[type(reward)]}
    match reward:
        case Credit():
            redeemed = reward.redeemed + _redeemed(reward, account, ledger)
            return kind | {
                "unit": reward.unit,
                "count": reward.count,
                "totalAssignedCredit": reward.assigned,
                "totalRedeemedCredit": redeemed,
                "totalPendingCredit": reward.pending,
                "totalExpiredCredit": reward.expired,
                "totalCancelledCredit": reward.cancelled,
            }
        case Discount():
            return kind | {
                "unit": "%",
                "count": reward.count,
                "totalDiscountPercent": reward.referred + reward.referrer,
                "referredDiscountPercent": reward.referred,
                "referrerDiscountPercent": reward.referrer,
            }
        case FuelTank():
            return kind | {"unit": reward.unit, "totalFuelTankCodes": reward.codes}


def _redeemed(credit: Credit, account: str, ledger: Ledger) -> int:
    return int(ledger.redeemed(Account(NAME, account, credit.unit)))


def _shaped(rewards: list[dict[str, Any]], shape: Shape) -> Any:
    match shape:
        case Shape.WRAPPED_TEXT:
            texts = [{key: str(value) for key, value in reward.items()} for reward in rewards]
            return {"rewardBalances": texts}
        case Shape.BARE if len(rewards) == 1:
            return rewards[0]
        case _:
            return rewards


def _redeem(received: Received, ledger: Ledger) -> Reply:
    try:
        order = parse_as(decode(received.body), RedeemRequest)
    except ValueError as wrong:
        return _invalid(f"The body is wrong: {wrong}")
    if order.amount <= 0:
        return _invalid("amount must be more than 0")
    return behave_on_debit(order.account_id, error, _too_little, partial(_take, order, ledger))


def _too_little() -> Reply:
    return _invalid("The account has less credit than that")


def _take(order: RedeemRequest, ledger: Ledger, delay: float) -> Reply:
    if order.account_id not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    credit = _credit(CUSTOMERS[order.account_id].saasquatch, order.unit)
    if credit is None:
        return _invalid("The account has no credit in this unit")
    account = Account(NAME, order.account_id, order.unit)
    limit = Decimal(credit.assigned - credit.redeemed)
    try:
        done = ledger.redeem(account, Decimal(order.amount), limit, delay=delay)
    except NotEnoughError:
        return _too_little()
    left = int(limit - done.total)
    body = {"creditRedeemed": order.amount, "creditAvailable": left, "unit": order.unit}
    return Reply(body=body)


def _credit(referrer: Referrer, unit: str) -> Credit | None:
    credits_ = (reward for reward in referrer.rewards if isinstance(reward, Credit))
    return next((credit for credit in credits_ if credit.unit == unit), None)


API = Api(
    NAME,
    {"api_key": KEY, "user_token": USER_TOKEN},
    handle,
    error,
    settings={"tenant": TENANT},
    debit=DebitRules(allow=True, unit="CENTS", max_amount=5000),
)
