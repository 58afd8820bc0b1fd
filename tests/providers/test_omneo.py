"""The cases of Omneo, which test_contract.py runs: it has no tests that are its alone."""

from decimal import Decimal
from typing import Any

from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import HTML, Cases, Fails, Reads, no_answer

CURRENCY = {"id": 3, "from": "AUD", "to": "NZD", "rate": 1, "is_system": False}
LOCALISED = {"reward_balance": "27.50", "combined_balance_dollars": "159.50"}
DATA = {
    "reward_balance": "25.00",
    "credit_balance": "0.00",
    "point_balance": "1200",
    "point_balance_dollars": "120.00",
    "benefit_balance": "0",
    "combined_balance_dollars": "145.00",
    "localised": LOCALISED,
    "currency": CURRENCY,
}
POINTS = {"name": "points", "kind": "points", "unit": "points"}
NOT_OBJECTS: tuple[Any, ...] = ([], "AUD", 5)


def lines(currency: str | None) -> list[dict[str, Any]]:
    """What becomes of DATA, its amounts as whole numbers."""
    return [
        {**POINTS, "available": 1200, "value": {"currency": currency, "available": 120}},
        {"name": "rewards", "kind": "money", "unit": currency, "available": 25},
        {"name": "credit", "kind": "credit", "unit": currency, "available": 0},
        {"name": "benefits", "kind": "other", "available": 0},
        {"name": "combined", "kind": "money", "unit": currency, "total": 145},
    ]


def in_whole_numbers(**more: Any) -> dict[str, Any]:
    amounts = {key: int(Decimal(value)) for key, value in DATA.items() if isinstance(value, str)}
    return {"data": {**amounts, **more}}


def invalid(body: Any, words: str) -> Fails:
    words = f"Omneo refused the request (HTTP 422, {words})."
    return Fails(422, body, 6, "refused", words=words)


CASES = Cases(
    provider="omneo",
    answer={"data": DATA},
    balances=lines("AUD"),
    details={"localised": LOCALISED, "currency": CURRENCY},
    amounts={
        "data.point_balance": "points.available",
        "data.point_balance_dollars": "points.value.available",
        "data.reward_balance": "rewards.available",
        "data.credit_balance": "credit.available",
        "data.benefit_balance": "benefits.available",
        "data.combined_balance_dollars": "combined.total",
    },
    texts=("data.currency.from",),
    required=("data",),
    home="data",
    not_answers=(None, "text", 5, True, [], {}, {"data": []}, {"data": "x"}),
    path=("api", "v3", "profiles", "{}", "balances"),
    options={"currency": ("NZD", {"currency": "NZD"})},
    credentials={"api_token": "omneo-t0ken"},
    signs_in={"bearer": {"authorization": "Bearer omneo-t0ken"}},
    not_found=Reply(404, {"message": "No query results for model [Profile]."}),
    refused=Reply(401, {"message": "Unauthenticated."}),
    throttled=Reply(429, {"message": "Too Many Attempts."}),
    foreign_404=5,
    reads={
        "numbers for strings": Reads(
            in_whole_numbers(currency=CURRENCY), {"balances": lines("AUD")}
        ),
        "some of the lines": Reads(
            {
                "data": {
                    "reward_balance": 25,
                    "point_balance": 1200,
                    "combined_balance_dollars": 145,
                }
            },
            {
                "balances": [
                    {**POINTS, "available": 1200},
                    {"name": "rewards", "kind": "money", "available": 25},
                    {"name": "combined", "kind": "money", "total": 145},
                ],
                "details": None,
            },
        ),
        "no line at all": Reads({"data": {}}, {"balances": []}),
        "the worth of points alone": Reads(
            {"data": {"point_balance_dollars": "1.20"}},
            {"balances": [{**POINTS, "value": {"available": Decimal("1.20")}}]},
        ),
        **{
            f"the currency {currency}": Reads(
                in_whole_numbers(currency=currency), {"balances": lines(None)}
            )
            for currency in (None, {}, {"from": None}, {"to": "NZD"})
        },
        "digits in the details": Reads(
            b'{"data": {"localised": {"reward_balance": "27.50", "x": 27.50},'
            b' "currency": {"rate": 1.10}}}',
            {
                "details": {
                    "localised": {"reward_balance": "27.50", "x": Decimal("27.50")},
                    "currency": {"rate": Decimal("1.10")},
                }
            },
        ),
        "a message beside a balance": Reads({"data": {}, "message": "OK"}, {"balances": []}),
    },
    fails={
        **{
            f"{place} that is {value!r}": no_answer({"data": {**DATA, place: value}})
            for place in ("localised", "currency")
            for value in NOT_OBJECTS
        },
        "an error with status 200": no_answer({"message": "Unauthenticated."}),
        "a field": invalid(
            {"errors": {"currency": ["is unknown.", "is odd."]}}, "currency: is unknown. is odd"
        ),
        "a message and fields": invalid(
            {"message": "The given data was invalid.", "errors": {"a": ["x"], "b": ["y"]}},
            "The given data was invalid.; a: x; b: y",
        ),
        "a message": invalid(
            {"message": "The given data was invalid."}, "The given data was invalid"
        ),
        "a message and no fields": invalid({"message": "Invalid.", "errors": []}, "Invalid"),
        "a field and a null message": invalid({"message": None, "errors": {"a": ["x"]}}, "a: x"),
        **{
            f"a 404 with {body!r}": Fails(
                404, body, 5, "not_found", words="Omneo has no customer 'C-1001' (HTTP 404)."
            )
            for body in (HTML, b"", b"null", b"\xff")
        },
        "a field whose mistakes are text": no_answer({"errors": {"a": "x"}}, 422),
        "mistakes without a field": no_answer({"errors": ["x"]}, 422),
        "a key that Omneo does not send": no_answer({"oops": 1}, 422),
    },
)
