"""Capillary: a customer's points in one programme or in all of them."""

from hashlib import md5
from typing import Any

from msgspec import Struct

from loyalty_cli.providers.contract import (
    ID,
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
    basic,
    boolean,
    integer,
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


class PointsBalance(Struct, rename="camel"):
    """The 200 of get-points-balance."""

    total_points: Amount | None = None
    main_points: Amount | None = None
    promised_points: Amount | None = None


class Status(Struct):
    """One item of `errors` or `warnings`."""

    message: str
    code: int | str | None = None


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
        "total": "totalPoints",
        "details": "promisedPointsBreakup, delayedAccrualPoints, programId",
        "warnings": "warnings",
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
        """One line of points, and the platform's own warnings."""
        answer = parse_as(body, PointsBalance)
        warnings = [
            WarningRecord(WarningCode.PLATFORM, _status(item).message)
            for item in parse_as(body, Statuses).warnings or ()
        ]
        if "program_id" in query.options and query.options.get("all_programs") == "true":
            ignored = "program_id was ignored because of all_programs."
            warnings.append(WarningRecord(WarningCode.OPTION_IGNORED, ignored))
        line = Balance(
            name="points",
            kind="points",
            unit="points",
            available=answer.main_points,
            pending=answer.promised_points,
            total=answer.total_points,
        )
        kept = ("promisedPointsBreakup", "delayedAccrualPoints", "programId")
        details = {key: body[key] for key in kept if body.get(key) is not None}
        return Reading((line,), details or None, tuple(warnings))

    def read_error(self, body: Any) -> PlatformError | None:
        """Read a non-empty `errors`, which may come with any HTTP status, 200 included."""
        found = parse_as_or_none(body, Statuses)
        if not found or not found.errors:
            return None
        errors = [_status(item) for item in found.errors]
        message = "; ".join(error.message for error in errors)
        if errors[0].code is None:
            return PlatformError(message)
        code = str(errors[0].code)
        return PlatformError(message, code, CODES.get(code))


def _status(item: Any) -> Status:
    return parse_as_or_none(item, Status) or Status(message=str(item))
