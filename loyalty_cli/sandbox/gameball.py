"""The sandbox's Gameball."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import parse_as
from loyalty_cli.sandbox.api import Api, Trouble
from loyalty_cli.sandbox.customers import CUSTOMERS, Member
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError, RepeatedError
from loyalty_cli.sandbox.misbehaviour import behave, behave_on_debit
from loyalty_cli.sandbox.server import Received, Reply

NAME = "gameball"
API_KEY = "sandbox-gameball-key"
SECRET_KEY = "sandbox-gameball-secret"  # noqa: S105 - made up, and in the documentation
UNIT = "points"


class RedeemRequest(Struct, rename="camel"):
    """What redeems points."""

    customer_id: str
    transaction_id: str
    transaction_time: str
    points: int | None = None
    amount: Amount | None = None


def handle(received: Received, ledger: Ledger) -> Reply:
    """Answer getCustomerBalance, and redeem."""
    match received.path:
        case ("api", "v4.0", "integrations", "customers", customer, "balance"):
            method, answer = "GET", partial(_balance, received, ledger, customer)
        case ("api", "v4.0", "integrations", "transactions", "redeem"):
            method, answer = "POST", partial(_redeem, received, ledger)
        case _:
            return _error(404, 4004, "General Error", "There is no such resource")
    if received.method != method:
        return _error(405, 4000, "General Error", f"This resource takes {method} alone")
    return _refused_sign_in(received) or answer()


def error(trouble: Trouble) -> Reply:
    """Gameball's words for a trouble."""
    match trouble:
        case Trouble.SIGN_IN:
            return _error(401, 1000, "Authentication Error", "The API key is missing or wrong")
        case Trouble.NO_CUSTOMER:
            return _error(404, 7000, "Customer Error", "No customer has this ID")
        case Trouble.TOO_OFTEN:
            return _error(429, 4000, "General Error", "There were too many requests")
        case Trouble.BROKEN:
            return _error(500, 5000, "Server Error", "Something broke")


def _error(status: int, code: int, kind: str, message: str) -> Reply:
    return Reply(status, {"code": code, "type": kind, "message": message})


def _refused_sign_in(received: Received) -> Reply | None:
    if received.headers.get("apikey") != API_KEY:
        return error(Trouble.SIGN_IN)
    secret = received.headers.get("secretkey")
    if secret is None:
        return _error(401, 1001, "Authentication Error", "The secret key is missing")
    if secret != SECRET_KEY:
        return _error(403, 1002, "Authentication Error", "The secret key is wrong")
    return None


def _balance(received: Received, ledger: Ledger, customer: str) -> Reply:
    return behave(customer, error, partial(_points, received, ledger, customer))


def _points(received: Received, ledger: Ledger, customer: str) -> Reply:
    if customer not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    member = CUSTOMERS[customer].gameball
    redeemed = ledger.redeemed(Account(NAME, customer, UNIT))
    available = Amount(member.available).minus(redeemed)
    if member.sparse:
        return Reply(body={"availablePointsBalance": available, "pendingPoints": None})
    total = Amount(available + member.pending)
    body = {
        "totalPointsBalance": total,
        **_worth(member, "totalPointsValue", total),
        "availablePointsBalance": available,
        **_worth(member, "availablePointsValue", available),
        "pendingPoints": member.pending,
        **_worth(member, "pendingPointsValue", member.pending),
        **({"currency": member.currency} if member.points_per_unit else {}),
        "pointsName": member.points_name,
        "totalEarnedPoints": member.earned,
        **_expiry(member),
        **_expanded(member, received.query.get("expand", "")),
    }
    return Reply(body=body)


def _worth(member: Member, key: str, points: Decimal | int) -> dict[str, Amount]:
    if member.points_per_unit is None:
        return {}
    return {key: Amount(Decimal(points) / member.points_per_unit)}


def _expiry(member: Member) -> dict[str, Any]:
    if member.expiry is None:
        return {}
    return {
        "nextExpiringPointsAmount": member.expiry.points,
        **_worth(member, "nextExpiringPointsValue", member.expiry.points),
        "nextExpiringPointsDate": member.expiry.date,
    }


def _expanded(member: Member, names: str) -> dict[str, Any]:
    known = {
        "tier": {"name": member.tier},
        "referrals": {"count": member.referrals},
    }
    return {name: known[name] for name in names.split(",") if name in known}


def _redeem(received: Received, ledger: Ledger) -> Reply:
    try:
        body = decode(received.body)
    except ValueError:
        return _error(400, 3016, "Payload Error", "The body is not JSON")
    try:
        order = parse_as(body, RedeemRequest)
        datetime.fromisoformat(order.transaction_time)
    except ValueError as wrong:
        return _error(422, 3003, "Payload Error", f"A value is missing or wrong: {wrong}")
    return behave_on_debit(order.customer_id, error, _too_little, partial(_take, order, ledger))


def _too_little() -> Reply:
    return _error(422, 9008, "Transaction Error", "The customer has too few points")


def _take(order: RedeemRequest, ledger: Ledger, delay: float) -> Reply:
    if order.customer_id not in CUSTOMERS:
        return error(Trouble.NO_CUSTOMER)
    member = CUSTOMERS[order.customer_id].gameball
    try:
        points = _asked(order, member)
        account = Account(NAME, order.customer_id, UNIT)
        done = ledger.redeem(
            account, points, Decimal(member.available), order.transaction_id, delay
        )
    except ValueError as wrong:
        return _error(422, 3003, "Payload Error", str(wrong))
    except RepeatedError:
        return _error(422, 9004, "Transaction Error", "There is such a transactionId already")
    except NotEnoughError:
        return _too_little()
    body = {
        "customerId": order.customer_id,
        "gameballTransactionId": str(done.number),
        "transactionId": order.transaction_id,
        **_worth(member, "redeemAmount", points),
        "redeemEquivalentPoints": points,
    }
    return Reply(body=body)


def _asked(order: RedeemRequest, member: Member) -> Amount:
    """How many points an order takes; raise ValueError where it does not say so."""
    given = order.points if order.amount is None else order.amount
    if given is None or (order.points is not None and order.amount is not None):
        raise ValueError("Either points or amount must be given, and not both")
    if given <= 0:
        raise ValueError("There must be something to redeem")
    if order.amount is None:
        return Amount(given)
    if member.points_per_unit is None:
        raise ValueError("The points of this customer are worth no money")
    cents = order.amount.shifted(2)
    if cents != cents.to_integral_value():
        raise ValueError("An amount has at most two decimals")
    return Amount(order.amount * member.points_per_unit)


API = Api(
    NAME,
    {"api_key": API_KEY, "secret_key": SECRET_KEY},
    handle,
    error,
    debit=DebitRules(allow=True, unit=UNIT, max_amount=5000),
)
