"""The cases of Omneo, which test_contract.py runs: it has no tests that are its alone."""

from decimal import Decimal
from typing import Any

from loyalty_cli.sandbox.server import Reply
from tests.providers.contract import HTML, Cases, Fails, Reads, no_answer, warned

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
SUM = {"sum_of": ["points", "rewards"]}
POINTS = {"name": "points", "kind": "points", "unit": "points"}
MONEY = ("rewards", "credit", "combined", "the worth of points")
SHAPES: tuple[Any, ...] = ([], [1], 5, True, {"reward_balance": []}, {"from": ["AUD"], "to": 5})
"""What may stand where Omneo's reference has an object."""
IN_USD = "Omneo converted to USD, and not to NZD."
IN_NZD = ("-O", "currency=NZD")


def doubt(currency: str | None, *names: str) -> list[dict[str, str]]:
    unclear = (
        f"names {currency}, but does not say that these are in it"
        if currency
        else "does not say in which currency these are"
    )
    return warned("currency_unknown", f"Omneo {unclear}: {', '.join(names or MONEY)}.")


def lines(currency: str | None) -> list[dict[str, Any]]:
    """What becomes of DATA, its amounts as whole numbers."""
    return [
        {**POINTS, "available": 1200, "value": {"currency": currency, "available": 120}},
        {"name": "rewards", "kind": "money", "unit": currency, "available": 25},
        {"name": "credit", "kind": "credit", "unit": currency, "available": 0},
        {"name": "benefits", "kind": "other", "available": 0},
        {"name": "combined", "kind": "money", "unit": currency, "total": 145, **SUM},
    ]


def in_whole_numbers(**more: Any) -> dict[str, Any]:
    amounts = {key: int(Decimal(value)) for key, value in DATA.items() if isinstance(value, str)}
    return {"data": {**amounts, **more}}


def localised(own: str | None, currency: Any, shown: str, asked: str = "NZD") -> Reads:
    """What becomes of an answer for which a currency was asked."""
    figures = {
        "reward_balance": "27.50",
        "point_balance_dollars": 132,
        "combined_balance_dollars": "159.50",
    }
    points, rewards, credit, benefits, combined = lines(own)
    sent = {"localised": figures, "currency": currency}
    return Reads(
        in_whole_numbers(**sent),
        {
            "balances": [
                {**points, "value": {"currency": shown, "available": 132}},
                {**rewards, "value": {"currency": shown, "available": Decimal("27.50")}},
                credit,
                benefits,
                {**combined, "value": {"currency": shown, "total": Decimal("159.50")}},
            ],
            "details": {
                "localised": figures,
                **({} if currency is None else {"currency": currency}),
            },
            "warnings": [
                *(warned("option_ignored", IN_USD) if shown == "USD" else ()),
                *doubt(own, *MONEY[:3]),
            ],
        },
        ("-O", f"currency={asked}"),
    )


def invalid(body: Any, words: str) -> Fails:
    words = f"Omneo refused the request (HTTP 422, {words})."
    return Fails(422, body, 6, "refused", words=words)


CASES = Cases(
    provider="omneo",
    answer={"data": DATA},
    balances=lines("AUD"),
    details={"localised": LOCALISED, "currency": CURRENCY},
    warnings=doubt("AUD"),
    amounts={
        "data.point_balance": "points.available",
        "data.point_balance_dollars": "points.value.available",
        "data.reward_balance": "rewards.available",
        "data.credit_balance": "credit.available",
        "data.benefit_balance": "benefits.available",
        "data.combined_balance_dollars": "combined.total",
    },
    required=("data",),
    home="data",
    not_answers=(None, "text", 5, True, [], {}, {"data": []}, {"data": "x"}, {"data": {}}),
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
                    {"name": "combined", "kind": "money", "total": 145, **SUM},
                ],
                "details": None,
                "warnings": doubt(None, "rewards", "combined"),
            },
        ),
        "points alone": Reads(
            {"data": {"point_balance": 5, "benefit_balance": "1"}},
            {
                "balances": [
                    {**POINTS, "available": 5},
                    {"name": "benefits", "kind": "other", "available": 1},
                ],
                "warnings": [],
            },
        ),
        "the worth of points alone": Reads(
            {"data": {"point_balance_dollars": "1.20"}},
            {
                "balances": [{**POINTS, "value": {"available": Decimal("1.20")}}],
                "warnings": [
                    *doubt(None, "the worth of points"),
                    *warned("not_stated", "points: Omneo does not say how much is available."),
                ],
            },
        ),
        **{
            f"the currency {currency!r}": Reads(
                in_whole_numbers(currency=currency),
                {
                    "balances": lines(None),
                    "details": None if currency is None else {"currency": currency},
                    "warnings": doubt(None),
                },
            )
            for currency in (None, "", {}, {"from": None}, {"to": "NZD"}, *SHAPES)
        },
        "a currency of text": Reads(
            in_whole_numbers(currency="AUD", localised=[]),
            {
                "balances": lines("AUD"),
                "details": {"localised": [], "currency": "AUD"},
                "warnings": doubt("AUD"),
            },
        ),
        **{
            f"localised {localised!r}": Reads(
                in_whole_numbers(currency=CURRENCY, localised=localised),
                {
                    "balances": lines("AUD"),
                    "details": {"localised": localised, "currency": CURRENCY},
                    "warnings": [
                        *warned("option_ignored", "Omneo converted no amount to NZD."),
                        *doubt("AUD"),
                    ],
                },
                IN_NZD,
            )
            for localised in ("NZD", *SHAPES)
        },
        "a currency that was asked for": localised("AUD", CURRENCY, "NZD"),
        "a currency that was asked for, and text": localised("AUD", "AUD", "NZD"),
        "a currency that was asked for, and none": localised(None, None, "NZD"),
        "a currency that was asked for, and another": localised(
            "AUD", {"from": "AUD", "to": "USD"}, "USD"
        ),
        "a currency of text that is what was asked for": localised(None, "NZD", "NZD"),
        "a currency in another case": localised("AUD", CURRENCY, "NZD", "nzd"),
        "a currency of text in another case": localised(None, "NZD", "NZD", "nzd"),
        "a currency in another case, and none": localised(None, None, "nzd", "nzd"),
        "a currency that was asked for, and is the same": Reads(
            {
                "data": {
                    "reward_balance": "25.0",
                    "localised": {"reward_balance": 25},
                    "currency": "NZD",
                }
            },
            {
                "balances": [
                    {
                        "name": "rewards",
                        "kind": "money",
                        "unit": "NZD",
                        "available": Decimal("25.0"),
                        "value": {"currency": "NZD", "available": 25},
                    }
                ],
                "warnings": doubt("NZD", "rewards"),
            },
            IN_NZD,
        ),
        "digits in the details": Reads(
            b'{"data": {"point_balance": 1, "localised": {"reward_balance": "27.50", "x": 27.50},'
            b' "currency": {"rate": 1.10}}}',
            {
                "details": {
                    "localised": {"reward_balance": "27.50", "x": Decimal("27.50")},
                    "currency": {"rate": Decimal("1.10")},
                }
            },
        ),
        "a message beside a balance": Reads(
            {"data": {"point_balance": 0}, "message": "OK"},
            {"balances": [{**POINTS, "available": 0}]},
        ),
    },
    fails={
        "nothing but nulls": no_answer({"data": dict.fromkeys(DATA)}),
        "nothing but a currency": no_answer({"data": {"localised": {}, "currency": CURRENCY}}),
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
                404,
                body,
                5,
                "not_found",
                words="Omneo has no customer 'C-1001', or base_url is wrong (HTTP 404).",
            )
            for body in (HTML, b"", b"null", b"\xff")
        },
        "a field whose mistakes are text": no_answer({"errors": {"a": "x"}}, 422),
        "mistakes without a field": no_answer({"errors": ["x"]}, 422),
        "a key that Omneo does not send": no_answer({"oops": 1}, 422),
    },
)
