"""Capillary: a customer's points in one programme or in all of them."""

from hashlib import md5
from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    ID,
    NOT_A_BALANCE,
    Amount,
    Auth,
    Balance,
    ErrorCode,
    Exchange,
    Headers,
    Parameter,
    PlatformError,
    Provider,
    Query,
    Reading,
    Request,
    Secrets,
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
)

JSON = {"Accept": "application/json"}
CODES = {
    "8015": ErrorCode.NOT_FOUND,
    "1212": ErrorCode.REFUSED,
    "1632": ErrorCode.REFUSED,
}
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
    entity_type: str | None = None


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
    """The status of a whole answer of the API v1.1."""

    success: Any = None


class Response(Struct):
    """What is inside an answer of the API v1.1."""

    status: FrameStatus


class Frame(Struct):
    """An answer of the API v1.1, which may come in place of any other."""

    response: Response


class Statuses(Struct):
    """The lists that may come with the balance, or in place of it; their items may be anything."""

    errors: list[Any] | None = None
    warnings: list[Any] | None = None


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


class Capillary(Provider):
    """`GET /v2/customers/{user id}/points/balance`, from the API reference."""

    name = "capillary"
    title = "Capillary"
    pages = ("https://docs.capillarytech.com/reference/get_points_balance",)
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
    options = (
        Parameter(
            "program_id",
            "the programme to ask about; without it, the default programme",
            integer,
            sent_as="programId",
        ),
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
        if entity.entity_type not in (None, CUSTOMER):
            raise WrongCustomerError(f"its entityType is not {CUSTOMER}")
        if entity.entity_id is None:
            return None
        customer = _id(entity.entity_id)
        self.check_customer(customer, query)
        return customer

    def read_error(self, body: Any) -> PlatformError | None:
        """Read a non-empty `errors` or a frame without success, at any HTTP status, even 200.

        Of several errors, one with a known code decides.
        """
        errors = _errors(body)
        if not errors:
            return None
        deciding = min(errors, key=_rank)
        words = [
            error.message or ("" if error is deciding else str(error.code)) for error in errors
        ]
        message = "; ".join(filter(None, words))
        if deciding.code is None:
            return PlatformError(message)
        code = str(deciding.code)
        return PlatformError(message, code, CODES.get(code))


def _id(sent: Any) -> str:
    """An id as the customer is asked for: a number is its digits."""
    if isinstance(sent, str):
        return sent
    try:
        number = Amount.convert(sent)
    except ValueError as error:
        raise ValueError(f"{error} - at 'entityId'") from None
    return str(int(number) if number == int(number) else number)


def _errors(body: Any) -> list[Status]:
    if isinstance(body, dict) and isinstance(body.get("errors"), list) and body["errors"]:
        return [_status(item) for item in body["errors"]]
    frame = parse_as_or_none(body, Frame)
    has_failed = frame is not None and str(frame.response.status.success).lower() == "false"
    return [frame.response.status] if frame and has_failed else []


def _status(item: Any) -> Status:
    """An item of a list; JSON that is no status is its own message."""
    status = parse_as_or_none(item, Status)
    return status if status and status != Status() else Status(message=json_text(item))


def _rank(error: Status) -> int:
    """The place of an error among those that decide: the order of CODES, other codes, no code."""
    known = [*CODES, str(error.code)]
    return len(known) if error.code is None else known.index(str(error.code))
