"""Capillary: a customer's points in one programme or in all of them."""

import re
from collections.abc import Iterator, Mapping
from hashlib import md5
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.providers.contract import (
    ID,
    NOT_A_BALANCE,
    Amount,
    Auth,
    Balance,
    Debit,
    DebitProvider,
    DebitReceipt,
    DebitSteps,
    ErrorCode,
    Evidence,
    Exchange,
    Headers,
    NoCustomerError,
    Parameter,
    PlatformError,
    Query,
    Question,
    Reading,
    Redemption,
    Refusal,
    Request,
    Secrets,
    Steps,
    Token,
    WarningCode,
    WarningRecord,
    Way,
    WrongCustomerError,
    basic,
    boolean,
    integer,
    json_text,
    parse_as,
    parse_as_or_none,
    time_or_none,
)

JSON = {"Accept": "application/json"}
CODES = {
    "8015": ErrorCode.NOT_FOUND,
    "1212": ErrorCode.REFUSED,
    "1632": ErrorCode.REFUSED,
    "816": ErrorCode.NOT_FOUND,
}
PROGRAM = Parameter(
    "program_id",
    "the programme to ask about; without it, the default programme",
    integer,
    sent_as="programId",
)
REDEEMED = "800"
CODE_NOT_SENT = "876"
DEBIT_CODES = {
    Refusal.FOR_GOOD: (
        *("801", "802", "803", "804", "805", "806", "807", "808", "809", "813", "816"),
        *("818", "819", "820", "821", "822", "823", "824", "825", "826", "828", "859", "878"),
        *("881", "888", "895", "899", "686", "1632", "3045", "3316"),
    ),
    Refusal.NOT_NOW: ("521", "815", "886", "887", "889", "894", "896", "898"),
    Refusal.UNCLEAR: ("817", "903"),
}
"""What each code of a debit means, in the item's status."""
USUAL_PAGE = 10
GROUP = "Capillary took points of another member of the customer's group."
IDENTIFIERS = {
    "mobile": "mobile",
    "email": "email",
    "external_id": "externalId",
    "card_number": "cardNumber",
}
"""The ways besides the id, and the platform's names for them."""


CUSTOMER = "CUSTOMER"


class Entity(Struct, rename="camel"):
    """Whose balance it is."""

    entity_id: Any = None
    entity_type: Any = None


class PointsBalance(Entity, rename="camel"):
    """The 200 of get-points-balance."""

    total_points: Amount | None = None
    main_points: Amount | None = None
    promised_points: Amount | None = None
    promised_points_breakup: Any = None
    delayed_accrual_points: Any = None


class Status(Struct):
    """One item of `errors` or `warnings`; either may be missing."""

    message: str | None = None
    code: int | str | None = None


class FrameStatus(Status):
    """A status of the API v1.1, of a whole answer or of one item."""

    success: Any = None


class Statuses(Struct):
    """The lists that may come with the balance, or in place of it; their items may be anything."""

    errors: list[Any] | None = None
    warnings: list[Any] | None = None


class Redeemed(Struct):
    """The item of a debit: numbers may be text."""

    item_status: FrameStatus
    points_redeemed: Any
    external_reference_number: Any = None
    redemption_id: int | str | None = None
    balance: Any = None
    is_group_redemption: Any = None


class RedeemedItems(Struct):
    """The items of a debit; there is one."""

    points: Redeemed


class RedeemResponse(Struct):
    """The status of the whole answer, and the items."""

    status: FrameStatus
    responses: RedeemedItems


class RedeemAnswer(Struct):
    """The answer of points/redeem."""

    response: RedeemResponse


class Point(Struct):
    """One redemption of points; its time has no time zone."""

    points_redeemed: Amount
    external_reference_number: int | str | None = None
    redemption_id: int | str | None = None
    redeemed_time: Any = None
    reversals: Any = None


class Redeemer(Struct):
    """The customer, and how many redemptions of points there are; without any, shapes vary."""

    redemptions: Any = None
    points_count: Any = None
    id: Any = None
    user_id: Any = None
    mobile: Any = None
    email: Any = None
    external_id: Any = None


class RedemptionsResponse(Struct):
    """The customer inside the answer."""

    customer: Redeemer


class RedemptionsAnswer(Struct):
    """The 200 of customer/redemptions."""

    response: RedemptionsResponse


class AccessToken(Struct, rename="camel"):
    """A token and its lifetime in seconds."""

    access_token: str
    ttl_seconds: Amount

    def __repr__(self) -> str:
        return f"AccessToken(ttl_seconds={self.ttl_seconds})"


class TokenAnswer(Struct):
    """The 200 of the token exchange."""

    data: AccessToken


def _till_sign_in(secrets: Secrets) -> Headers:
    # The platform requires the MD5 of the password; that protects nothing.
    digest = md5(secrets["password"].encode(), usedforsecurity=False).hexdigest()
    return {**JSON, **basic(secrets["username"], digest)}


def _token_request(secrets: Secrets) -> Request:
    credentials = {"key": secrets["client_key"], "secret": secrets["client_secret"]}
    return Request(("v3", "oauth", "token", "generate"), headers=JSON, json=credentials)


def _read_token(body: Any) -> Token:
    data = parse_as(body, TokenAnswer).data
    return Token(data.access_token, float(data.ttl_seconds))


class Capillary(DebitProvider):
    """`GET /v2/customers/{user id}/points/balance`, from the API reference; debits by v1.1."""

    name = "capillary"
    title = "Capillary"
    pages = (
        "https://docs.capillarytech.com/reference/get_points_balance",
        "https://docs.capillarytech.com/reference/redeem-points",
    )
    auths = (
        Auth("basic", ("username", "password"), _till_sign_in),
        Auth(
            "oauth",
            ("client_key", "client_secret"),
            lambda secrets: JSON | {"X-CAP-API-OAUTH-TOKEN": secrets["token"]},
            Exchange(_token_request, _read_token),
        ),
    )
    ways = (
        Way(ID, "the customer's user id at the platform"),
        Way("mobile", "the mobile number, as the platform has it"),
        Way("email", "the e-mail address"),
        Way("external_id", "the id in another system of the company"),
        Way("card_number", "the number of a card"),
    )
    impossible_customer = "2147483647"
    options = (
        PROGRAM,
        Parameter(
            "all_programs",
            "true for the balance across all programmes; program_id is then ignored",
            boolean,
            sent_as="fetchDataForAllPrograms",
        ),
    )
    numbers = {
        "available": "mainPoints",
        "pending": "promisedPoints",
        "total": "totalPoints, with the pending ones in it",
        "details": "promisedPointsBreakup, delayedAccrualPoints, programId",
        "warnings": "warnings",
        "platform_customer": "entityId, compared with the customer asked for",
    }
    busy_statuses = frozenset({461, 521})
    errors_at_200 = True
    debit_codes = {code: meaning for meaning, codes in DEBIT_CODES.items() for code in codes}
    other_codes = Refusal.UNCLEAR
    refusals_at_200 = True
    success_keys = frozenset({"redemption_id"})
    debit_ways = tuple(IDENTIFIERS)
    debit_auths = ("basic",)
    debit_options = (
        PROGRAM,
        Parameter(
            "skip_validation",
            "only for debits: true to debit without a one-time code of the customer, false to"
            " have one sent, and asked for",
            boolean,
        ),
    )

    def request(self, query: Query) -> Request:
        """Ask for the points balance, by the user id or by another identifier."""
        options = self.query_parameters(query)
        if query.by == ID:
            return Request(("v2", "customers", query.customer, "points", "balance"), options)
        named = {
            "source": "INSTORE",
            "identifierName": IDENTIFIERS[query.by],
            "identifierValue": query.customer,
        }
        return Request(("v2", "customers", "lookup", "points", "balance"), {**named, **options})

    def normalize(self, body: Any, query: Query) -> Reading:
        """One line of points, and the platform's own warnings.

        "Total promised & current points", says the page of totalPoints.
        """
        customer = self._customer(parse_as(body, Entity), query)
        answer = parse_as(body, PointsBalance)
        if answer == PointsBalance():
            raise ValueError(NOT_A_BALANCE)
        warnings = [
            WarningRecord(WarningCode.PLATFORM, _status(item).message or json_text(item))
            for item in parse_as(body, Statuses).warnings or ()
        ]
        if "program_id" in query.options and query.options.get("all_programs") == "true":
            ignored = "program_id was ignored because of all_programs."
            warnings.append(WarningRecord(WarningCode.OPTION_IGNORED, ignored))
        line = Balance(
            name="points",
            kind="points",
            unit="points",
            includes_pending=True,
            available=answer.main_points,
            pending=answer.promised_points,
            total=answer.total_points,
        )
        kept = ("promisedPointsBreakup", "delayedAccrualPoints", "programId")
        details = {key: body[key] for key in kept if body.get(key) is not None}
        return Reading(
            (line,),
            details or None,
            (*warnings, *self.not_stated(line)),
            platform_customer=customer,
        )

    def _customer(self, entity: Entity, query: Query) -> str | None:
        """Check whose balance it is, and return the id, which the reference has as a number."""
        sent, kind = entity.entity_id, entity.entity_type
        customer = None if sent is None else self.named_customer(sent, query, "entityId")
        if not isinstance(kind, str | None):
            raise NoCustomerError("expected text - at 'entityType'")
        if kind not in (None, CUSTOMER):
            raise WrongCustomerError(f"its entityType is not {CUSTOMER}")
        return customer

    def read_error(self, body: Any) -> PlatformError | None:
        """Read a non-empty `errors` or a frame without success, at any HTTP status, even 200.

        Of several errors, one with a known code decides; in a frame it is the item.
        """
        errors = _errors(body)
        if not errors:
            return None
        deciding = min(errors, key=_rank)
        others = [error.message or str(error.code) for error in errors if error is not deciding]
        message = "; ".join(filter(None, [deciding.message, *others]))
        if deciding.code is None:
            return PlatformError(message)
        code = str(deciding.code)
        return PlatformError(message, code, CODES.get(code))

    def needs_person(self, query: Query) -> bool:
        """The customer gets a one-time code."""
        return query.options.get("skip_validation") == "false"

    def why_not(self, query: Query) -> str | None:
        """A one-time code is sent to a mobile number: its request takes nothing else."""
        if self.needs_person(query) and query.by != "mobile":
            return f"Capillary sends a one-time code only by mobile, not by {query.by}"
        return None

    def sent_reference(self, debit: Debit) -> str:
        """The number of the attempt: a failed one needs another number, such as `REF.2`.

        A reference that itself ends so gets `.1`: two debits never have the same number.
        """
        if not debit.failures and not re.search(r"\.[0-9]+$", debit.reference):
            return debit.reference
        return f"{debit.reference}.{debit.failures + 1}"

    def debit_request(self, query: Query, debit: Debit) -> Request:
        """`POST /v1.1/points/redeem`; the reference is unique over all customers.

        What the platform answers to a reference that it had before is not documented.
        """
        return self._redeem(query, debit, {})

    def debit_steps(self, query: Query, debit: Debit) -> DebitSteps:
        """Have a one-time code sent to the customer, and ask for it, unless it is skipped."""
        if not self.needs_person(query):
            return self.debit_request(query, debit)
        asked = {**_named(query), "points": str(debit.amount), "issue_otp": "true"}
        yield Request(("v1.1", "points", "isredeemable"), {**asked, "format": "json"})
        code = ""
        while not code:
            code = yield Question(f"the one-time code that Capillary sent to {query.customer!r}")
        return self._redeem(query, debit, {"validation_code": code})

    def _redeem(self, query: Query, debit: Debit, more: Mapping[str, str]) -> Request:
        item = {
            "points_redeemed": debit.amount,
            "customer": {query.by: query.customer},
            "external_reference_number": self.sent_reference(debit),
            **more,
        }
        options = {
            "format": "json",
            "program_id": query.options.get("program_id"),
            "skip_validation": query.options.get("skip_validation"),
        }
        body = {"root": {"redeem": [item]}}
        return Request(("v1.1", "points", "redeem"), options, json=body)

    def debit_part(self, body: Any) -> Any:
        """The item of the debit."""
        for key in ("response", "responses", "points"):
            body = body.get(key) if isinstance(body, dict) else None
        return body

    def may_have_succeeded(self, body: Any) -> bool:
        """Unless there is one error, and nothing anywhere says that points were redeemed.

        An answer without items is judged by its own status, one with an item by that of the item.
        """
        response = body.get("response") if isinstance(body, dict) else None
        answer = response if isinstance(response, dict) else {}
        items, statuses = answer.get("responses"), list(_item_statuses(body))
        if len(statuses) + len(_other_errors(body)) > 1 or _has_several(items):
            return True
        if _has_any(items) and not statuses:
            return True
        frame = answer.get("status") if statuses else None
        return any(_says_success(part) for part in _objects(body) if part is not frame)

    def read_debit(self, body: Any, debit: Debit) -> DebitReceipt:
        """Confirm only exactly these points, with a success of the item and of the answer."""
        answer = parse_as(body, RedeemAnswer).response
        item = answer.responses.points
        status = item.item_status
        if (answer.status.success, status.success, str(status.code)) != ("true", "true", REDEEMED):
            raise ValueError(f"it redeemed nothing: {status.code} {status.message}")
        if Amount.convert(item.points_redeemed) != debit.amount:
            raise ValueError(f"it redeemed {item.points_redeemed!s:.40} points")
        named = _stated(item.external_reference_number)
        if named not in (None, self.sent_reference(debit)):
            raise ValueError(f"its external_reference_number is {named:.40}")
        number = item.redemption_id
        return DebitReceipt(
            balance_after=Amount.convert_or_none(item.balance),
            provider_reference=None if number is None else str(number),
            note=GROUP if str(item.is_group_redemption).lower() == "true" else None,
        )

    def evidence_steps(self, query: Query, debit: Debit) -> Steps[Evidence]:
        """`GET /v1.1/customer/redemptions`, of this reference, and then of all.

        The reference documents this filter, but its samples show an empty reference: then a list
        without our debit is no proof that it was not made. It knows no `card_number`.
        """
        if query.by == "card_number":
            answer = yield self.request(query)
            customer = self._customer(parse_as(answer.json(), Entity), query)
            if customer is None:
                raise ValueError("it has no entityId")
            query = replace(query, customer=customer, by=ID)
        reference = self.sent_reference(debit)
        answer = yield _redemptions(query, reference)
        filtered = _evidence(answer.json(), query)
        if any(each.reference == reference for each in filtered.redemptions):
            return filtered
        answer = yield _redemptions(query, None)
        found = _evidence(answer.json(), query)
        more = tuple(each for each in filtered.redemptions if each not in found.redemptions)
        return Evidence((*found.redemptions, *more), found.is_complete and not more)


def _redemptions(query: Query, reference: str | None) -> Request:
    asked = {**_named(query), "external_reference_number": reference, "format": "json"}
    return Request(("v1.1", "customer", "redemptions"), asked)


def _evidence(body: Any, query: Query) -> Evidence:
    """Read the redemptions of points: all there are, if there are as many as it says."""
    customer = parse_as(body, RedemptionsAnswer).response.customer
    _check_redeemer(customer, query)
    count = Amount.convert_or_none(customer.points_count)
    rows = _rows(customer.redemptions, count)
    points = [parse_as_or_none(row, Point) for row in rows]
    listed = list[Redemption]()
    for each in [_redemption(point) for point in points if point]:
        if each.provider_reference is None or each not in listed:
            listed.append(each)
    is_all = len(rows) < USUAL_PAGE if count is None else len(listed) >= count
    return Evidence(tuple(listed), is_all and None not in points)


def _check_redeemer(customer: Redeemer, query: Query) -> None:
    """Raise WrongCustomerError if the list states another customer than the one asked for."""
    stated = [customer.id, customer.user_id] if query.by == ID else [getattr(customer, query.by)]
    for named in filter(None, map(_stated, stated)):
        if _spelled(named, query.by) != _spelled(query.customer, query.by):
            raise WrongCustomerError(f"{named:.100}, not {query.customer!r}")


def _spelled(identifier: str, by: str) -> str:
    """An identifier as it is compared: mobile numbers may have a sign and spaces."""
    if by == "email":
        return identifier.strip().casefold()
    if by == "mobile":
        return re.sub(r"[+\s().-]", "", identifier)
    return identifier


def _rows(redemptions: Any, count: Amount | None) -> list[Any]:
    """The rows of the list; raise ValueError if it has another form than that of the pages."""
    if redemptions is None and count != 0:
        raise ValueError("it has no redemptions")
    rows: Any = redemptions
    for key in ("points", "point"):
        if not _has_any(rows):
            return []
        if isinstance(rows, list) and key == "point":
            return rows
        if not isinstance(rows, dict) or key not in rows:
            if isinstance(rows, dict) and count == 0:  # such as coupons alone
                return []
            raise ValueError(f"its redemptions have no {key!r}")
        rows = rows[key]
    if not _has_any(rows):
        return []
    if not isinstance(rows, (dict, list)):
        raise ValueError("its redemptions are no list")  # noqa: TRY004 - as all of these
    return [rows] if isinstance(rows, dict) else rows


def _named(query: Query) -> dict[str, str | None]:
    """The customer and the programme, as the API v1.1 has them."""
    return {query.by: query.customer, "program_id": query.options.get("program_id")}


def _redemption(point: Point) -> Redemption:
    return Redemption(
        amount=point.points_redeemed,
        reference=_stated(point.external_reference_number),
        at=time_or_none(point.redeemed_time),
        provider_reference=_stated(point.redemption_id),
        doubt="it was reversed" if _has_any(point.reversals) else None,
    )


def _has_any(tree: Any) -> bool:
    """Whether a list has an item, or a list inside it."""
    return any(map(_has_any, tree.values())) if isinstance(tree, dict) else bool(tree)


def _failed_status(body: Any) -> FrameStatus | None:
    """The status of a failed item, or else of a failed answer, of the API v1.1."""
    if not isinstance(body, dict) or not isinstance(body.get("response"), dict):
        return None
    for item in _item_statuses(body["response"]):
        if str(item.success).lower() != "true" or str(item.code) == CODE_NOT_SENT:
            return item
    status = parse_as_or_none(body["response"].get("status"), FrameStatus)
    return status if status and str(status.success).lower() == "false" else None


def _item_statuses(tree: Any) -> Iterator[FrameStatus]:
    """Every `item_status`; where it stands depends on the resource."""
    if isinstance(tree, list):
        for each in tree:
            yield from _item_statuses(each)
    if isinstance(tree, dict):
        for key, value in tree.items():
            status = parse_as_or_none(value, FrameStatus) if key == "item_status" else None
            yield from [status] if status else _item_statuses(value)


def _objects(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object inside an answer, and the answer itself."""
    if isinstance(tree, dict):
        yield tree
    for each in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _objects(each)


def _has_several(tree: Any) -> bool:
    """Whether there is a list with several items."""
    if isinstance(tree, list):
        return len(tree) > 1 or any(map(_has_several, tree))
    return isinstance(tree, dict) and any(map(_has_several, tree.values()))


def _says_success(part: Mapping[str, Any]) -> bool:
    """Whether something says that points were redeemed: a status, or the id of a redemption."""
    is_success = str(part.get("success")).strip().lower() == "true"
    is_redeemed = str(part.get("code")).strip() == REDEEMED
    return is_success or is_redeemed or bool(part.get("redemption_id"))


def _stated(value: Any) -> str | None:
    """A field as text; None if it is empty."""
    text = "" if value is None else str(value)
    return text if text.strip() else None


def _errors(body: Any) -> list[Status]:
    if errors := _other_errors(body):
        return [_status(item) for item in errors]
    failed = _failed_status(body)
    return [failed] if failed else []


def _other_errors(body: Any) -> list[Any]:
    """The `errors` of the API v2."""
    errors = body.get("errors") if isinstance(body, dict) else None
    return errors if isinstance(errors, list) else []


def _status(item: Any) -> Status:
    """An item of a list; JSON that is no status is its own message."""
    status = parse_as_or_none(item, Status)
    return status if status and status != Status() else Status(message=json_text(item))


def _rank(error: Status) -> int:
    """The place of an error among those that decide: the order of CODES, other codes, no code."""
    known = [*CODES, str(error.code)]
    return len(known) if error.code is None else known.index(str(error.code))
