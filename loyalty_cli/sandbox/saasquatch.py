"""The sandbox's SaaSquatch: `GET …/reward/balance`, `POST …/credit/bulkredeem`, `…/graphql`."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from msgspec import Struct

from loyalty_cli.config.profile import DebitRules
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import parse_as
from loyalty_cli.sandbox.api import Api
from loyalty_cli.sandbox.ledger import Account, Ledger, NotEnoughError
from loyalty_cli.sandbox.misbehaviour import behave, behave_on_debit
from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.sandbox.sign_in import basic

TENANT = "sandbox"
KEY = "sandbox-saasquatch-key"
USER_TOKEN = "sandbox-saasquatch-user-token"  # noqa: S105 - made up, and in the documentation


class Reward(Struct, frozen=True):
    """One balance as it is sent; `user` is None if it belongs to the user with the account's id."""

    fields: Mapping[str, Any]
    user: str | None = None


def _credit(unit: str, count: int, **totals: int) -> Reward:
    kinds = ("assigned", "redeemed", "pending", "expired", "cancelled")
    amounts = {f"total{kind.title()}Credit": totals.get(kind, 0) for kind in kinds}
    return Reward({"type": "CREDIT", "unit": unit, "count": count, **amounts})


def _discount(count: int, referred: int, referrer: int, user: str | None = None) -> Reward:
    fields = {
        "type": "PCT_DISCOUNT",
        "unit": "%",
        "count": count,
        "totalDiscountPercent": referred + referrer,
        "referredDiscountPercent": referred,
        "referrerDiscountPercent": referrer,
    }
    return Reward(fields, user)


def _fuel_tank(unit: str, codes: int, user: str | None = None) -> Reward:
    return Reward({"type": "FUELTANK", "unit": unit, "totalFuelTankCodes": codes}, user)


Balances = list[dict[str, Any]]


def _wrapped_text(balances: Balances) -> Any:
    texts = [{key: str(value) for key, value in balance.items()} for balance in balances]
    return {"rewardBalances": texts}


def _bare(balances: Balances) -> Any:
    return balances[0] if len(balances) == 1 else balances


class Referrer(Struct, frozen=True):
    """An account; `shaped` is how an older server formats its balances."""

    rewards: tuple[Reward, ...] = ()
    shaped: Callable[[Balances], Any] = list


TYPES = ("CREDIT", "PCT_DISCOUNT", "FUELTANK")
REFERRERS = {
    "C-1001": Referrer((_credit("CENTS", count=5, assigned=12500, redeemed=2500),)),
    "C-1002": Referrer(),
    "C-1003": Referrer((_credit("points", count=2, assigned=600, pending=150),)),
    "C-1004": Referrer(
        (
            _credit("CENTS", count=3, assigned=7500, redeemed=500),
            _credit("points", count=8, assigned=2400, redeemed=400, pending=300),
            _discount(count=2, referred=10, referrer=15, user="U-2"),
            _fuel_tank("freemb", codes=4, user="U-2"),
        )
    ),
    "C-1005": Referrer(
        (_credit("cents", count=1, assigned=2000), _credit("CENTS", count=1, assigned=300))
    ),
    "C-1006": Referrer((_credit("CENTS", count=1, assigned=98765432109876543210),)),
    "C-1007": Referrer((_credit("EUR_CENTS", count=4, assigned=1995, redeemed=995),)),
    "C-1008": Referrer(
        (_credit("CENTS", count=6, assigned=5000, redeemed=1000, expired=700, cancelled=300),)
    ),
    "C-1009": Referrer((_discount(count=1, referred=0, referrer=20),), _bare),
    "C-1010": Referrer(
        (_credit("CENTS", count=2, assigned=4000, redeemed=1), _fuel_tank("GIFTCARD", codes=1)),
        _wrapped_text,
    ),
}


class RedeemRequest(Struct, rename="camel"):
    """The body of a request that redeems credit."""

    account_id: str
    unit: str
    amount: int


class Variables(Struct):
    """The variables of the only GraphQL query that the sandbox knows."""

    account: str
    user: str
    limit: int = 20


class GraphQLRequest(Struct):
    """The body of a GraphQL query."""

    query: str
    variables: Variables


def handle(received: Received, ledger: Ledger) -> Reply:
    """Answer listRewardBalances and debitRewardBalance, and the query of redemptions."""
    match received.path:
        case ("api", "v1", tenant, "reward", "balance"):
            method, answer = "GET", _balances
        case ("api", "v1", tenant, "credit", "bulkredeem"):
            method, answer = "POST", _redeem
        case ("api", "v1", tenant, "graphql"):
            method, answer = "POST", _query
        case _:
            return _error(404, "There is no such resource", "NOT_FOUND")
    if received.method != method:
        return _error(405, f"This resource takes only {method}", "METHOD_NOT_ALLOWED")
    if tenant != TENANT:
        return _error(404, "There is no such tenant", "TENANT_NOT_FOUND", "RS015")
    token = received.headers.get("x-saasquatch-user-token")
    is_signed_in = basic(received) == ("", KEY) if token is None else token == USER_TOKEN
    if not is_signed_in:
        return ERRORS[401]
    return answer(received, ledger)


def _balances(received: Received, ledger: Ledger) -> Reply:
    account = received.query.get("accountId", "")
    kind = received.query.get("rewardTypeFilter")
    if not account:
        return _invalid("accountId is missing")
    if kind is not None and kind not in TYPES:
        return _invalid(f"rewardTypeFilter must be one of {', '.join(TYPES)}")
    user = received.query.get("userId")
    return behave(account, REFERRERS, ERRORS, partial(_rewards, ledger, account, user, kind))


def _rewards(
    ledger: Ledger, account: str, user: str | None, kind: str | None, referrer: Referrer
) -> Reply:
    owners = {account, *(reward.user or account for reward in referrer.rewards)}
    if user is not None and user not in owners:
        return _error(404, "The account has no such user", "USER_NOT_FOUND", "RS042")
    asked = [
        _now(reward, account, ledger)
        for reward in referrer.rewards
        if user in (None, reward.user or account) and kind in (None, reward.fields["type"])
    ]
    return Reply(body=referrer.shaped(asked))


def _now(reward: Reward, account: str, ledger: Ledger) -> dict[str, Any]:
    """A balance, less what was redeemed in the sandbox."""
    fields = dict(reward.fields)
    if fields["type"] == "CREDIT":
        here = ledger.redeemed(Account("saasquatch", account, fields["unit"]))
        fields["totalRedeemedCredit"] += int(here)
    return fields


def _query(received: Received, ledger: Ledger) -> Reply:
    try:
        asked = parse_as(decode(received.body), GraphQLRequest)
    except ValueError as wrong:
        return _invalid(f"The body is wrong: {wrong}")
    if "rewardRedemptionTransactions" not in asked.query:
        errors = [{"message": "The sandbox knows only rewardRedemptionTransactions of a user"}]
        return Reply(body={"errors": errors, "data": None})
    answer = partial(_redemptions, ledger, asked.variables)
    return behave(asked.variables.account, REFERRERS, ERRORS, answer)


def _redemptions(ledger: Ledger, asked: Variables, _: Referrer) -> Reply:
    """What was redeemed in the sandbox; all of it belongs to the user with the account's id."""
    if asked.user != asked.account:
        return Reply(body={"data": {"user": None}})
    found = [
        {
            "id": str(each.number),
            "creditRedeemed": int(each.amount),
            "unit": each.unit,
            "dateRedeemed": int(each.at.timestamp() * 1000) if each.at else 0,
        }
        for each in ledger.listed("saasquatch", asked.account)
    ]
    page = {"totalCount": len(found), "data": found[: asked.limit]}
    return Reply(body={"data": {"user": {"rewardRedemptionTransactions": page}}})


def _redeem(received: Received, ledger: Ledger) -> Reply:
    try:
        asked = parse_as(decode(received.body), RedeemRequest)
    except ValueError as wrong:
        return _invalid(f"The body is wrong: {wrong}")
    if asked.amount <= 0:
        return _invalid("amount must be more than 0")
    take = partial(_take, asked, ledger)
    return behave_on_debit(asked.account_id, REFERRERS, ERRORS, TOO_LITTLE, take)


def _take(asked: RedeemRequest, ledger: Ledger, referrer: Referrer, delay: float) -> Reply:
    credits_ = [each.fields for each in referrer.rewards if each.fields["type"] == "CREDIT"]
    credit = next((each for each in credits_ if each["unit"] == asked.unit), None)
    if credit is None:
        return _invalid("The account has no credit in this unit")
    account = Account("saasquatch", asked.account_id, asked.unit)
    limit = Decimal(credit["totalAssignedCredit"] - credit["totalRedeemedCredit"])
    try:
        done = ledger.redeem(account, Decimal(asked.amount), limit, delay=delay)
    except NotEnoughError:
        return TOO_LITTLE
    left = int(limit - done.total)
    body = {"creditRedeemed": asked.amount, "creditAvailable": left, "unit": asked.unit}
    return Reply(body=body)


def _error(status: int, message: str, code: str, rs_code: str | None = None) -> Reply:
    body = {"statusCode": status, "message": message, "apiErrorCode": code, "rsCode": rs_code}
    return Reply(status, body)


def _invalid(message: str) -> Reply:
    return _error(400, message, "INVALID_REQUEST")


TOO_LITTLE = _invalid("The account has less credit than that")
ERRORS = {
    401: _error(401, "The sign-in is missing or wrong", "UNAUTHORIZED", "RS032"),
    404: _error(404, "There is no such account", "ACCOUNT_NOT_FOUND", "RS041"),
    429: _error(429, "There were too many requests", "RATE_LIMITED", "RS033"),
    500: _error(500, "Something broke", "INTERNAL_ERROR"),
}
API = Api(
    {"api_key": KEY, "user_token": USER_TOKEN},
    handle,
    ERRORS,
    settings={"tenant": TENANT},
    debit=DebitRules(allow=True, unit="CENTS", max_amount=5000),
)
