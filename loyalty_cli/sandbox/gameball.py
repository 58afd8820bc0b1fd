"""The sandbox's Gameball: `GET …/customers/{customerId}/balance`, `…/transactions`, and redeem."""

from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import Amount, parse_as
from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError, RepeatedError
from loyalty_cli.sandbox.misbehaviour import behave, behave_on_debit
from loyalty_cli.sandbox.server import Received, Reply

API_KEY = "sandbox-gameball-key"
SECRET_KEY = "sandbox-gameball-secret"  # noqa: S105 - made up, and in the documentation
UNIT = "points"
USUAL_PAGE = 50
LONGEST_PAGE = 200


class Member(Struct, frozen=True):
    """A customer; without `points_per_unit` the points are worth no money.

    `expires` are the points that expire next, and the date. With `sparse`, the answer leaves out
    every optional property.
    """

    available: int
    pending: int = 0
    earned: int = 0
    points_per_unit: int | None = None
    currency: str = "USD"
    points_name: str = "Reward Points"
    expires: tuple[int, str] | None = None
    tier: str = "Bronze"
    referrals: int = 0
    sparse: bool = False


MEMBERS = {
    "C-1001": Member(
        1200, 300, 2500, 20, expires=(200, "2024-12-01T00:00:00"), tier="Silver", referrals=3
    ),
    "C-1002": Member(0, points_per_unit=20),
    "C-1003": Member(450, 750, 1200, 100, "EUR"),
    "C-1004": Member(
        5000, 20, 9020, 50, expires=(1000, "2026-12-01T00:00:00"), tier="Gold", referrals=12
    ),
    "C-1005": Member(640, 0, 640, 10, "AUD", "Stars", (640, "2031-06-30T23:59:59")),
    "C-1006": Member(9007199254740993, 1, 9007199254740995),
    "C-1007": Member(333, 67, 400, 100, "EUR", tier="Silver"),
    "C-1008": Member(75, 0, 900, sparse=True),
    "C-1009": Member(15000, 500, 40000, 100, tier="Platinum"),
    "C-1010": Member(1, 0, 1, 100, expires=(1, "2026-11-30T00:00:00")),
}


class RedeemRequest(Struct, rename="camel"):
    """The body of a request that redeems points, or the points for an amount of money."""

    customer_id: str
    transaction_id: str
    transaction_time: str
    points: int | None = None
    amount: Amount | None = None


def handle(received: Received, ledger: Ledger) -> Reply:
    """Answer getCustomerBalance and list-transactions, and redeem."""
    match received.path:
        case ("api", "v4.0" | "v4.1", "integrations", "customers", customer, "balance"):
            method, answer = "GET", partial(_balance, received, ledger, customer)
        case ("api", "v4.0" | "v4.1", "integrations", "transactions", "redeem"):
            method, answer = "POST", partial(_redeem, received, ledger)
        case ("api", "v4.0" | "v4.1", "integrations", "transactions"):
            method, answer = "GET", partial(_transactions, received, ledger)
        case _:
            return _error(404, 4004, "General Error", "There is no such resource")
    if received.method != method:
        return _error(405, 4000, "General Error", f"This resource takes only {method}")
    return _refused_sign_in(received) or answer()


def _refused_sign_in(received: Received) -> Reply | None:
    if received.headers.get("apikey") != API_KEY:
        return ERRORS[401]
    secret = received.headers.get("secretkey")
    if secret is None:
        return _error(401, 1001, "Authentication Error", "The secret key is missing")
    if secret != SECRET_KEY:
        return _error(403, 1002, "Authentication Error", "The secret key is wrong")
    return None


def _balance(received: Received, ledger: Ledger, customer: str) -> Reply:
    return behave(customer, MEMBERS, ERRORS, partial(_points, received, ledger, customer))


def _points(received: Received, ledger: Ledger, customer: str, member: Member) -> Reply:
    redeemed = ledger.redeemed(Account("gameball", customer, UNIT))
    available = Amount(member.available).minus(redeemed)
    if member.sparse:
        return Reply(body={"availablePointsBalance": available, "pendingPoints": None})
    total = available.plus(Decimal(member.pending))
    body: dict[str, Any] = {
        "totalPointsBalance": total,
        **_worth(member, "totalPointsValue", total),
        "availablePointsBalance": available,
        **_worth(member, "availablePointsValue", available),
        "pendingPoints": member.pending,
        **_worth(member, "pendingPointsValue", member.pending),
        **({"currency": member.currency} if member.points_per_unit else {}),
        "pointsName": member.points_name,
        "totalEarnedPoints": member.earned,
    }
    if member.expires:
        points, date = member.expires
        body |= {
            "nextExpiringPointsAmount": points,
            **_worth(member, "nextExpiringPointsValue", points),
            "nextExpiringPointsDate": date,
        }
    known = {"tier": {"name": member.tier}, "referrals": {"count": member.referrals}}
    wanted = received.query.get("expand", "").split(",")
    return Reply(body=body | {name: known[name] for name in wanted if name in known})


def _worth(member: Member, key: str, points: Decimal | int) -> dict[str, Amount]:
    if member.points_per_unit is None:
        return {}
    return {key: Amount(Decimal(points) / member.points_per_unit)}


def _transactions(received: Received, ledger: Ledger) -> Reply:
    customer = received.query.get("customerId", "")
    return behave(customer, MEMBERS, ERRORS, partial(_page, received, ledger, customer))


def _page(received: Received, ledger: Ledger, customer: str, member: Member) -> Reply:
    """A page of what was redeemed in the sandbox; there are no other transactions."""
    left, transactions = Amount(member.available), []
    for each in ledger.listed("gameball", customer):
        before, left = left, left.minus(each.amount)
        transactions.append(
            {
                "transactionId": each.reference,
                "gameballTransactionId": str(each.number),
                "type": "Redemption",
                "direction": "-",
                "customerId": customer,
                "points": each.amount,
                "transactionTime": each.at and each.at.replace(tzinfo=None).isoformat(),
                "status": "Active",
                "pointsBalanceBefore": before,
                "pointsBalanceAfter": left,
            }
        )
    after, limit = (received.query.get(name, "") for name in ("startAfter", "limit"))
    first, most = (int(given) if given.isdecimal() else None for given in (after, limit))
    asked = [
        each for each in transactions if int(str(each["gameballTransactionId"])) > (first or 0)
    ]
    if received.query.get("direction") == "+":
        asked = []
    page = asked[: min(most or USUAL_PAGE, LONGEST_PAGE)]
    more = len(page) < len(asked)
    return Reply(body={"transactions": page, "count": len(page), "hasMore": more})


def _redeem(received: Received, ledger: Ledger) -> Reply:
    try:
        body = decode(received.body)
    except ValueError:
        return _error(400, 3016, "Payload Error", "The body is not JSON")
    try:
        asked = parse_as(body, RedeemRequest)
        datetime.fromisoformat(asked.transaction_time)
    except ValueError as wrong:
        return _error(422, 3003, "Payload Error", f"A value is missing or wrong: {wrong}")
    take = partial(_take, asked, ledger)
    return behave_on_debit(asked.customer_id, MEMBERS, ERRORS, TOO_LITTLE, take)


def _take(asked: RedeemRequest, ledger: Ledger, member: Member, delay: float) -> Reply:
    account, limit = Account("gameball", asked.customer_id, UNIT), Decimal(member.available)
    try:
        points = _asked_points(asked, member)
        done = ledger.redeem(account, points, limit, asked.transaction_id, delay)
    except ValueError as wrong:
        return _error(422, 3003, "Payload Error", str(wrong))
    except RepeatedError:
        return _error(422, 9004, "Transaction Error", "There is such a transactionId already")
    except NotEnoughError:
        return TOO_LITTLE
    body = {
        "customerId": asked.customer_id,
        "gameballTransactionId": str(done.number),
        "transactionId": asked.transaction_id,
        **_worth(member, "redeemAmount", points),
        "redeemEquivalentPoints": points,
    }
    return Reply(body=body)


def _asked_points(asked: RedeemRequest, member: Member) -> Amount:
    """The number of points to redeem; raise ValueError if the request does not define it."""
    given = asked.points if asked.amount is None else asked.amount
    if given is None or (asked.points is not None and asked.amount is not None):
        raise ValueError("Either points or amount must be given, and not both")
    if given <= 0:
        raise ValueError("There must be something to redeem")
    if asked.amount is None:
        return Amount(given)
    if member.points_per_unit is None:
        raise ValueError("The points of this customer are worth no money")
    cents = asked.amount.shifted(2)
    if cents != cents.to_integral_value():
        raise ValueError("An amount has at most two decimals")
    return Amount(asked.amount * member.points_per_unit)


def _error(status: int, code: int, kind: str, message: str) -> Reply:
    return Reply(status, {"code": code, "type": kind, "message": message})


TOO_LITTLE = _error(422, 9008, "Transaction Error", "The customer has too few points")
ERRORS = {
    401: _error(401, 1000, "Authentication Error", "The API key is missing or wrong"),
    404: _error(404, 7000, "Customer Error", "No customer has this ID"),
    429: _error(429, 4000, "General Error", "There were too many requests"),
    500: _error(500, 5000, "Server Error", "Something broke"),
}
API = Api(
    {"api_key": API_KEY, "secret_key": SECRET_KEY},
    handle,
    ERRORS,
    debit=DebitRules(allow=True, unit=UNIT, max_amount=5000),
)
