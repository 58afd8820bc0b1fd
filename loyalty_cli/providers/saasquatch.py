"""SaaSquatch (impact.com Advocate): an account's rewards, a balance for each type and unit."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, Literal

from msgspec import Struct

from loyalty_cli.providers.contract import (
    NOT_A_BALANCE,
    Amount,
    Answer,
    Auth,
    Balance,
    Debit,
    DebitProvider,
    DebitReceipt,
    ErrorCode,
    Evidence,
    Parameter,
    PlatformError,
    Query,
    Reading,
    Redemption,
    Refusal,
    Request,
    WarningCode,
    WarningRecord,
    basic,
    one_of,
    parse_as,
    parse_as_or_none,
    segment,
    time_or_none,
)

MAYBE_LESS = (
    "{name}: SaaSquatch does not say whether assigned still includes expired ({expired}) and"
    " cancelled ({cancelled}) credit, so less may be available."
)
REDEMPTIONS = """\
query ($account: String!, $user: String!, $limit: Int!) {
  user(accountId: $account, id: $user) {
    rewardRedemptionTransactions(limit: $limit) {
      totalCount
      data { id creditRedeemed unit dateRedeemed }
    }
  }
}"""
LONGEST_LIST = 1000
RATE_LIMITED = "RS033"
CODES = {
    "RS006": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
    "RS015": (ErrorCode.SETUP, Refusal.NOT_NOW),
    "RS032": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
    RATE_LIMITED: (ErrorCode.RATE_LIMITED, Refusal.NOT_NOW),
    "RS038": (ErrorCode.SETUP, Refusal.NOT_NOW),
    "RS041": (ErrorCode.NOT_FOUND, Refusal.FOR_GOOD),
    "RS042": (ErrorCode.NOT_FOUND, Refusal.FOR_GOOD),
    "RS045": (ErrorCode.CREDENTIAL_REFUSED, Refusal.NOT_NOW),
}
"""The meaning of each error code, and what it means for a debit."""

TYPES: Mapping[str, tuple[str, Literal["credit", "percent", "codes"]]] = {
    "PCT_DISCOUNT": ("discount", "percent"),
    "CREDIT": ("credit", "credit"),
    "FUELTANK": ("fuel tank", "codes"),
}
"""Our word for each type of reward, and its kind."""


class RewardBalance(Struct, rename="camel"):
    """One balance; its totals depend on its type, and nothing in it is required."""

    type: str | None = None
    unit: str | None = None
    count: Amount | None = None
    total_assigned_credit: Amount | None = None
    total_redeemed_credit: Amount | None = None
    total_pending_credit: Amount | None = None
    total_expired_credit: Amount | None = None
    total_cancelled_credit: Amount | None = None
    total_discount_percent: Amount | None = None
    referred_discount_percent: Amount | None = None
    referrer_discount_percent: Amount | None = None
    total_fuel_tank_codes: Amount | None = None


class WrappedBalances(Struct, rename="camel"):
    """The answer of older servers."""

    reward_balances: list[Any]


class DebitResponse(Struct, rename="camel"):
    """The 200 of debitRewardBalance."""

    credit_redeemed: Any
    unit: str
    credit_available: Any = None


class Transaction(Struct, rename="camel"):
    """One redemption; its date is in milliseconds since 1970, or text."""

    id: str
    credit_redeemed: Amount
    date_redeemed: int | str | None = None
    unit: str | None = None


class Transactions(Struct, rename="camel"):
    """A page of a user's redemptions."""

    data: list[Transaction]
    total_count: Amount | None = None


class User(Struct, rename="camel"):
    """A user of the account."""

    reward_redemption_transactions: Transactions


class Users(Struct):
    """The data of the GraphQL query; null if the account has no such user."""

    user: User | None = None


class GraphQLAnswer(Struct):
    """The 200 of a GraphQL query."""

    data: Users


class Error(Struct, rename="camel"):
    """An error; every field is optional, and codes may be numbers."""

    status_code: int | str | None = None
    message: str | None = None
    api_error_code: int | str | None = None
    rs_code: int | str | None = None


class SaaSquatch(DebitProvider):
    """`GET /api/v1/{tenant_alias}/reward/balance`, from the API reference."""

    name = "saasquatch"
    title = "SaaSquatch"
    pages = (
        (
            "https://integrations.impact.com/brand-api-reference/advocate-api-reference-v1/"
            "reference/reward-balance-overview/reward-balance"
        ),
    )
    base_url = "https://app.referralsaasquatch.com"
    auths = (
        Auth("api_key", ("api_key",), lambda secrets: basic("", secrets["api_key"])),
        Auth(
            "user_token",
            ("user_token",),
            lambda secrets: {"X-SaaSquatch-User-Token": secrets["user_token"]},
            for_one_customer=True,
        ),
    )
    settings = (Parameter("tenant", "the tenant alias", segment, required=True),)
    options = (
        Parameter("user_id", "one user of the account; without it, all users", sent_as="userId"),
        Parameter(
            "reward_type",
            "one type of reward: PCT_DISCOUNT, CREDIT or FUELTANK",
            one_of(*TYPES),
            sent_as="rewardTypeFilter",
        ),
    )
    debit_codes = {code: refusal for code, (_, refusal) in CODES.items()}
    success_keys = frozenset({"creditAvailable", "creditRedeemed"})
    error_keys = DebitProvider.error_keys | {"apiErrorCode", "rsCode", "statusCode"}
    numbers = {
        "available": "CREDIT: totalAssignedCredit less totalRedeemedCredit;"
        " PCT_DISCOUNT: totalDiscountPercent; FUELTANK: totalFuelTankCodes",
        "pending": "totalPendingCredit, not part of assigned",
        "earned": "totalAssignedCredit",
        "redeemed": "totalRedeemedCredit",
        "expired": "totalExpiredCredit",
        "cancelled": "totalCancelledCredit",
        "count": "count",
        "details": "referredDiscountPercent, referrerDiscountPercent; items that cannot be read",
    }

    def request(self, query: Query) -> Request:
        """Ask for the balances of an account: the customer is the account's id."""
        path = ("api", "v1", query.settings["tenant"], "reward", "balance")
        return Request(path, {"accountId": query.customer, **self.query_parameters(query)})

    def normalize(self, body: Any, query: Query) -> Reading:  # noqa: ARG002 - the contract's
        """A list of balances, a list inside `rewardBalances`, or a single balance.

        A balance that cannot be read does not fail the others; alone, it is no answer.
        """
        sent = _sent(body)
        items, odd, fault = _read(sent)
        if odd and not items:
            raise ValueError(fault)
        warnings = [warning for item in items for warning in self._doubts(item)]
        details = _discounts(items)
        if odd:
            details["unreadable"] = odd
            share = f"{len(odd)} of {len(sent)} balances"
            told = f"SaaSquatch sent {share} that cannot be read ({fault}); they are in details."
            warnings.append(WarningRecord(WarningCode.UNREADABLE, told))
        return Reading(tuple(map(_line, items)), details or None, tuple(warnings))

    def _doubts(self, item: RewardBalance) -> Sequence[WarningRecord]:
        name = _name(item)
        if item.type not in TYPES:
            what = "document this type of reward" if item.type else "say of which type this is"
            unknown = f"{name}: SaaSquatch does not {what}; --raw shows it."
            return [WarningRecord(WarningCode.TYPE_UNKNOWN, unknown)]
        if item.type == "CREDIT" and (item.total_expired_credit or item.total_cancelled_credit):
            expired, cancelled = item.total_expired_credit or 0, item.total_cancelled_credit or 0
            less = MAYBE_LESS.format(name=name, expired=expired, cancelled=cancelled)
            return [WarningRecord(WarningCode.MAY_BE_LESS, less), *self.not_stated(_line(item))]
        return self.not_stated(_line(item))

    def read_error(self, body: Any) -> PlatformError | None:
        """Read an error by its rsCode; without a known code it needs a message and a statusCode."""
        error = parse_as_or_none(body, Error) or Error()
        rs_code = _rs_code(error)
        code, _ = CODES.get(rs_code or "", (None, None))
        if code is None and (error.message is None or error.status_code is None):
            return None
        named = rs_code or error.api_error_code
        status = Amount.convert_or_none(error.status_code)
        return PlatformError(
            error.message or "",
            None if named is None else str(named),
            code,
            None if status is None else int(status),
        )

    def debit_request(self, query: Query, debit: Debit) -> Request:
        """`POST /api/v1/{tenant_alias}/credit/bulkredeem`: permanent, and only for CREDIT."""
        path = ("api", "v1", query.settings["tenant"], "credit", "bulkredeem")
        body = {"accountId": debit.customer, "unit": debit.unit, "amount": debit.amount}
        return Request(path, json=body)

    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Confirm only exactly this amount, in exactly this unit."""
        answer = parse_as(body, DebitResponse)
        if not _is(answer.credit_redeemed, debit.amount) or answer.unit != debit.unit:
            raise ValueError(f"it redeemed {answer.credit_redeemed!s:.40} {answer.unit:.40}")
        return DebitReceipt(balance_after=Amount.convert_or_none(answer.credit_available))

    def evidence_request(self, query: Query, debit: Debit) -> Request:  # noqa: ARG002 - the contract's
        """`POST /api/v1/{tenant_alias}/graphql`: the redemptions of a user.

        A debit names an account, this query a user of it. The pages leave open with which user a
        debit of an account is listed. So it asks for the user with the account's id: if the account
        has none, or more users, the list may lack the debit, and proves only what is in it.
        """
        path = ("api", "v1", query.settings["tenant"], "graphql")
        asked = {"account": query.customer, "user": query.customer, "limit": LONGEST_LIST}
        return Request(path, json={"query": REDEMPTIONS, "variables": asked})

    def read_evidence(self, body: Any, debit: Debit) -> Evidence:  # noqa: ARG002 - the contract's
        """Read the redemptions, which have no reference of ours."""
        user = parse_as(body, GraphQLAnswer).data.user
        if user is None:
            return Evidence(())
        page = user.reward_redemption_transactions
        listed = tuple(
            Redemption(
                amount=each.credit_redeemed,
                unit=each.unit,
                at=time_or_none(each.date_redeemed),
                provider_reference=each.id,
            )
            for each in page.data
        )
        most = len(listed) if len(listed) < LONGEST_LIST else None
        total = most if page.total_count is None else page.total_count
        return Evidence(listed, total == len(listed))

    def is_busy(self, answer: Answer) -> bool:
        """Whether the answer has the platform's own code for a rate limit."""
        error = parse_as_or_none(answer.json(), Error)
        return error is not None and _rs_code(error) == RATE_LIMITED


def _rs_code(error: Error) -> str | None:
    """The rsCode as the page of codes has it: the number 41 is RS041."""
    sent = str(error.rs_code or "")
    return f"RS{sent:0>3}" if sent.isdecimal() else sent or None


def _is(sent: Any, amount: int) -> bool:
    """Whether two amounts are equal: the same number, or the same digits as text."""
    if isinstance(sent, str):
        return sent == str(amount)
    return not isinstance(sent, bool) and Amount.convert_or_none(sent) == amount


def _sent(body: Any) -> list[Any]:
    if isinstance(body, dict) and "rewardBalances" in body:
        return parse_as(body, WrappedBalances).reward_balances
    return body if isinstance(body, list) else [body]


def _read(sent: list[Any]) -> tuple[list[RewardBalance], list[Any], str]:
    """The balances, what cannot be read, and why the first of that cannot."""
    items, odd, faults = [], [], []
    for each in sent:
        try:
            items.append(_balance(each))
        except ValueError as error:
            odd.append(each)
            faults.append(str(error))
    return items, odd, "".join(faults[:1])


def _balance(sent: Any) -> RewardBalance:
    item = parse_as(sent, RewardBalance)
    if item.type not in TYPES and item == RewardBalance(type=item.type):
        raise ValueError(NOT_A_BALANCE)
    return item


def _name(item: RewardBalance) -> str:
    word, _ = TYPES.get(item.type or "", (item.type or "reward", None))
    return " ".join(filter(None, (word, item.unit)))


def _line(item: RewardBalance) -> Balance:
    return Balance(
        name=_name(item),
        kind=TYPES[item.type][1] if item.type and item.type in TYPES else "other",
        unit="%" if item.type == "PCT_DISCOUNT" else item.unit,
        basis="computed" if item.type == "CREDIT" else "stated",
        available=_available(item),
        pending=item.total_pending_credit,
        earned=item.total_assigned_credit,
        redeemed=item.total_redeemed_credit,
        expired=item.total_expired_credit,
        cancelled=item.total_cancelled_credit,
        count=item.count,
    )


def _available(item: RewardBalance) -> Amount | None:
    match item.type:
        case "PCT_DISCOUNT":
            return item.total_discount_percent
        case "FUELTANK":
            return item.total_fuel_tank_codes
        case "CREDIT" if item.total_assigned_credit is not None:
            redeemed = item.total_redeemed_credit
            return None if redeemed is None else item.total_assigned_credit.minus(redeemed)
        case _:
            return None


def _discounts(items: Iterable[RewardBalance]) -> dict[str, Any]:
    """The parts of each discount, by its name; a second one of the same name has a number."""
    discounts: dict[str, Any] = {}
    for item in items:
        parts = {
            "referredDiscountPercent": item.referred_discount_percent,
            "referrerDiscountPercent": item.referrer_discount_percent,
        }
        stated = {key: amount for key, amount in parts.items() if amount is not None}
        if item.type == "PCT_DISCOUNT" and stated:
            name = key = _name(item)
            numbers = count(2)
            while key in discounts:
                key = f"{name} ({next(numbers)})"
            discounts[key] = stated
    return discounts
