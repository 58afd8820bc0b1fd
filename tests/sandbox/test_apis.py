"""The five platforms of the sandbox, asked over a socket."""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest

from loyalty_cli import providers
from loyalty_cli.model.amount import Amount
from loyalty_cli.providers.contract import Query
from loyalty_cli.sandbox import APIS, capillary
from loyalty_cli.sandbox.app import sandbox
from loyalty_cli.sandbox.customers import CUSTOMERS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Server

if TYPE_CHECKING:
    from tests.sandbox.conftest import Answer, Ask, Sandbox

Basic = Callable[[str, str], Mapping[str, str]]

PROVIDERS = sorted(APIS)
ORDINARY = [name for name in CUSTOMERS if name.startswith("C-")]
BALANCES = {
    "imprint": "/imprint/v2/customers/C-1001/rewards_balance",
    "gameball": "/gameball/api/v4.0/integrations/customers/C-1001/balance",
    "capillary": "/capillary/v2/customers/C-1001/points/balance",
    "omneo": "/omneo/api/v3/profiles/C-1001/balances",
    "saasquatch": "/saasquatch/api/v1/sandbox/reward/balance?accountId=C-1001",
}
TOKEN_URL = "/capillary/v3/oauth/token/generate"
REDEEM_POINTS = "/gameball/api/v4.0/integrations/transactions/redeem"
REDEEM_CREDIT = "/saasquatch/api/v1/sandbox/credit/bulkredeem"


# All of them


def test_the_index_names_the_providers(ask: "Ask") -> None:
    assert set(ask("GET", "/").json["providers"]) == set(APIS)


def test_there_is_nothing_beside_the_providers(ask: "Ask") -> None:
    answer = ask("GET", "/smile/v1/customers/1")

    assert answer.status == 404
    assert "imprint" in answer.json["message"]


@pytest.mark.parametrize("customer", ORDINARY)
@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider_can_read_every_customer(
    platforms: "Sandbox", name: str, customer: str
) -> None:
    answer = platforms.balance(name, customer)

    assert answer.status == 200
    provider = providers.load(name)
    assert provider.read_error(answer.json) is None
    reading = provider.normalize(answer.json, Query(customer, APIS[name].settings))
    assert all(line.available is not None or line.total is not None for line in reading.balances)
    assert bool(reading.balances) != ((name, customer) == ("saasquatch", "C-1002"))


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_customer_nobody_knows_is_not_found(platforms: "Sandbox", name: str) -> None:
    answer = platforms.balance(name, "C-9999")

    assert answer.status == 404
    platform_error = providers.load(name).read_error(parsed(answer))
    assert (platform_error and platform_error.code) == (None if name == "omneo" else "not_found")


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_identifier_with_a_slash_is_one_customer(platforms: "Sandbox", name: str) -> None:
    assert platforms.balance(name, "C-1001/x").status == 404
    assert platforms.balance(name, "../C-1001").status == 404


@pytest.mark.parametrize("name", PROVIDERS)
def test_without_a_sign_in_there_is_nothing(ask: "Ask", name: str) -> None:
    answer = ask("GET", BALANCES[name])

    assert answer.status == 401
    assert providers.load(name).read_error(answer.json)


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_address_that_is_wrong_is_not_found(platforms: "Sandbox", name: str) -> None:
    assert platforms.ask("GET", f"/{name}/nowhere", platforms.signed(name)).status == 404


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_method_that_is_wrong_is_refused(platforms: "Sandbox", name: str) -> None:
    answer = platforms.ask("DELETE", BALANCES[name], platforms.signed(name))

    assert answer.status == 405


@pytest.mark.parametrize(
    ("name", "auth"),
    [
        (name, auth.name)
        for name in PROVIDERS
        for auth in providers.load(name).auths
        if auth.exchange is None
    ],
)
def test_every_way_to_sign_in_is_taken(ask: "Ask", name: str, auth: str) -> None:
    way = providers.load(name).auth(auth)
    assert way

    good = way.headers(APIS[name].credentials)
    bad = way.headers({field: f"{value}x" for field, value in APIS[name].credentials.items()})

    assert ask("GET", BALANCES[name], good).status == 200
    assert ask("GET", BALANCES[name], bad).status == 401


def parsed(answer: "Answer") -> Any:
    try:
        return answer.json
    except ValueError:
        return None


# Imprint


def test_imprint_speaks_as_its_reference(platforms: "Sandbox") -> None:
    assert platforms.balance("imprint", "C-1001").json == {
        "customer_id": "C-1001",
        "reward_balance": 120000,
        "reward_symbol": "$",
        "reward_description": "Cash back",
    }


def test_imprint_may_leave_the_description_out(platforms: "Sandbox") -> None:
    assert "reward_description" not in platforms.balance("imprint", "C-1004").json


def test_imprint_has_three_shapes_of_errors(platforms: "Sandbox", ask: "Ask") -> None:
    flat = platforms.balance("imprint", "C-9999").json
    nested = ask("GET", BALANCES["imprint"]).json
    gateway = ask("GET", "/imprint/v2/nothing").json

    assert flat["type"] == "CUSTOMER_NOT_FOUND_ERROR"
    assert nested["error"]["type"] == "AUTHENTICATION_ERROR"
    assert (gateway["status"], gateway["error"]) == (404, "Not Found")
    assert gateway["path"] == "/imprint/v2/nothing"


@pytest.mark.parametrize("header", ["Bearer", "Basic !", "Basic Zm9v", "sandbox-imprint-key"])
def test_a_header_that_cannot_be_read_is_no_sign_in(ask: "Ask", header: str) -> None:
    assert ask("GET", BALANCES["imprint"], {"Authorization": header}).status == 401


def test_imprint_takes_no_password_beside_its_key(ask: "Ask", basic: Basic) -> None:
    key = APIS["imprint"].credentials["api_key"]

    assert ask("GET", BALANCES["imprint"], basic(key, "x")).status == 401


# Gameball


def test_gameball_speaks_as_its_reference(platforms: "Sandbox") -> None:
    assert platforms.balance("gameball", "C-1001").json == {
        "totalPointsBalance": 1500,
        "totalPointsValue": 75,
        "availablePointsBalance": 1200,
        "availablePointsValue": 60,
        "pendingPoints": 300,
        "pendingPointsValue": 15,
        "currency": "USD",
        "pointsName": "Reward Points",
        "nextExpiringPointsAmount": 200,
        "nextExpiringPointsValue": 10,
        "nextExpiringPointsDate": "2024-12-01T00:00:00",
        "totalEarnedPoints": 2500,
    }


def test_gameball_may_leave_nearly_everything_out(platforms: "Sandbox") -> None:
    sparse = {"availablePointsBalance": 75, "pendingPoints": None}

    assert platforms.balance("gameball", "C-1008").json == sparse


@pytest.mark.parametrize(
    ("expand", "added"),
    [
        ("tier", {"tier": {"name": "Silver"}}),
        ("tier,referrals", {"tier": {"name": "Silver"}, "referrals": {"count": 3}}),
        ("wings", {}),
    ],
)
def test_gameball_adds_what_it_is_to_expand(
    platforms: "Sandbox", expand: str, added: Mapping[str, Any]
) -> None:
    plain = platforms.balance("gameball", "C-1001").json

    assert platforms.balance("gameball", "C-1001", expand=expand).json == {**plain, **added}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"secretkey": "sandbox-gameball-secret"}, 401, 1000),
        ({"apikey": "wrong", "secretkey": "sandbox-gameball-secret"}, 401, 1000),
        ({"apikey": "sandbox-gameball-key"}, 401, 1001),
        ({"apikey": "sandbox-gameball-key", "secretkey": "wrong"}, 403, 1002),
    ],
)
def test_gameball_needs_both_keys(
    ask: "Ask", headers: Mapping[str, str], status: int, code: int
) -> None:
    answer = ask("GET", BALANCES["gameball"], headers)

    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.fixture
def redeem_points(platforms: "Sandbox") -> Callable[..., "Answer"]:
    def redeem(**changes: Any) -> "Answer":
        order = {
            "customerId": "C-1001",
            "transactionId": "order 7",
            "transactionTime": "2026-11-20T05:00:00.123Z",
            **changes,
        }
        body = json.dumps(order).encode()
        return platforms.ask("POST", REDEEM_POINTS, platforms.signed("gameball"), body)

    return redeem


def test_points_that_are_redeemed_are_gone(
    platforms: "Sandbox", redeem_points: Callable[..., "Answer"]
) -> None:
    answer = redeem_points(points=200)

    assert answer.status == 200
    assert answer.json == {
        "customerId": "C-1001",
        "gameballTransactionId": "1",
        "transactionId": "order 7",
        "redeemAmount": 10,
        "redeemEquivalentPoints": 200,
    }
    balance = platforms.balance("gameball", "C-1001").json
    assert balance["availablePointsBalance"] == 1000
    assert balance["availablePointsValue"] == 50
    assert balance["totalPointsBalance"] == 1300
    assert balance["totalEarnedPoints"] == 2500


def test_points_can_be_redeemed_by_what_they_are_worth(
    redeem_points: Callable[..., "Answer"],
) -> None:
    answer = redeem_points(amount=10.5)

    assert answer.json["redeemEquivalentPoints"] == 210
    assert answer.json["redeemAmount"] == Decimal("10.5")


def test_a_transaction_id_counts_once(
    platforms: "Sandbox", redeem_points: Callable[..., "Answer"]
) -> None:
    redeem_points(points=200)
    again = redeem_points(points=200)

    assert (again.status, again.json["code"]) == (422, 9004)
    assert platforms.balance("gameball", "C-1001").json["availablePointsBalance"] == 1000


def test_more_points_than_there_are_cannot_be_redeemed(
    redeem_points: Callable[..., "Answer"],
) -> None:
    refused = redeem_points(points=1201)

    assert (refused.status, refused.json["code"]) == (422, 9008)
    assert redeem_points(points=1200).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"points": 1, "customerId": "C-9999"}, 404, 7000),
        ({"points": 1, "amount": 1}, 422, 3003),
        ({}, 422, 3003),
        ({"points": 0}, 422, 3003),
        ({"points": -5}, 422, 3003),
        ({"points": 1.5}, 422, 3003),
        ({"points": "1"}, 422, 3003),
        ({"points": True}, 422, 3003),
        ({"amount": 0.001}, 422, 3003),
        ({"amount": 1, "customerId": "C-1006"}, 422, 3003),
        ({"points": 1, "transactionId": None}, 422, 3003),
        ({"points": 1, "transactionTime": "yesterday"}, 422, 3003),
        ({"amount": 10**30}, 422, 9008),
    ],
)
def test_an_order_for_points_must_make_sense(
    redeem_points: Callable[..., "Answer"], changes: Mapping[str, Any], status: int, code: int
) -> None:
    answer = redeem_points(**changes)

    assert (answer.status, answer.json["code"]) == (status, code)


def test_points_are_redeemed_with_both_keys_and_a_body(
    platforms: "Sandbox",
) -> None:
    unsigned = platforms.ask("POST", REDEEM_POINTS, body=b"{}")
    empty = platforms.ask("POST", REDEEM_POINTS, platforms.signed("gameball"))

    assert unsigned.status == 401
    assert (empty.status, empty.json["code"]) == (400, 3016)


# Capillary


def test_capillary_speaks_as_its_reference(platforms: "Sandbox") -> None:
    answer = platforms.balance("capillary", "C-1003")

    assert b'"totalPoints":450.500,"mainPoints":300.000,"promisedPoints":150.500' in answer.body
    assert answer.json["promisedPointsBreakup"] == {
        "delayedAccrualPoints": Amount("120.500"),
        "externalTriggerBasedPoints": Amount("30.000"),
    }
    assert answer.json["entityType"] == "CUSTOMER"
    assert answer.json["warnings"] == []


@pytest.mark.parametrize(
    ("query", "points", "program"),
    [
        ("", "8500.000", 1),
        ("?programId=42", "120.000", 42),
        ("?programId=7", "0.000", 7),
        ("?fetchDataForAllPrograms=false&programId=42", "120.000", 42),
        ("?fetchDataForAllPrograms=true", "8620.000", None),
        ("?fetchDataForAllPrograms=true&programId=42", "8620.000", None),
    ],
)
def test_capillary_answers_for_the_programme_asked_about(
    platforms: "Sandbox", query: str, points: str, program: int | None
) -> None:
    target = BALANCES["capillary"] + query
    answer = platforms.ask("GET", target, platforms.signed("capillary"))

    assert str(answer.json["mainPoints"]) == points
    assert answer.json.get("programId") == program


@pytest.mark.parametrize("query", ["?programId=x", "?fetchDataForAllPrograms=yes"])
def test_capillary_refuses_a_query_that_is_wrong(platforms: "Sandbox", query: str) -> None:
    target = BALANCES["capillary"] + query
    answer = platforms.ask("GET", target, platforms.signed("capillary"))

    assert answer.status == 400
    assert answer.json["errors"][0]["status"] is False


def test_capillary_wants_the_digest_of_the_password(ask: "Ask", basic: Basic) -> None:
    credentials = APIS["capillary"].credentials
    user, password = credentials["username"], credentials["password"]
    digest = md5(password.encode()).hexdigest()

    assert ask("GET", BALANCES["capillary"], basic(user, digest)).status == 200
    assert ask("GET", BALANCES["capillary"], basic(user, digest.upper())).status == 401
    assert ask("GET", BALANCES["capillary"], basic(user, password)).status == 401


def new_token(ask: "Ask", **changes: str) -> "Answer":
    credentials = APIS["capillary"].credentials
    client = {"key": credentials["client_key"], "secret": credentials["client_secret"]}
    return ask("POST", TOKEN_URL, body=json.dumps(client | changes).encode())


def with_token(ask: "Ask", token: str) -> "Answer":
    return ask("GET", BALANCES["capillary"], {"X-CAP-API-OAUTH-TOKEN": token})


def test_capillary_gives_a_token_for_client_credentials(ask: "Ask") -> None:
    answer = new_token(ask)

    assert answer.json["errors"] is None
    assert answer.json["data"]["ttlSeconds"] == 3600
    assert with_token(ask, answer.json["data"]["accessToken"]).status == 200


def test_capillary_gives_no_token_for_anything_else(ask: "Ask") -> None:
    wrong = new_token(ask, secret="guessed")
    nonsense = ask("POST", TOKEN_URL, body=b"key=1")

    assert (wrong.status, nonsense.status) == (401, 400)
    assert wrong.json["errors"]
    assert nonsense.json["errors"]


def test_capillary_takes_no_token_that_it_did_not_give(ask: "Ask") -> None:
    good = capillary.token_until(int(time.time()) + 60)
    over = capillary.token_until(int(time.time()) - 1)
    stretched = good.replace(good.partition(".")[0], str(int(time.time()) + 600))

    assert with_token(ask, good).status == 200
    for token in (over, stretched, "made-up", "", "9" * 30):
        assert with_token(ask, token).status == 401


def test_a_capillary_warning_is_no_error(platforms: "Sandbox") -> None:
    answer = platforms.balance("capillary", "C-1007")

    assert answer.status == 200
    assert [item["message"] for item in answer.json["warnings"]]


# Omneo


def test_omneo_speaks_as_its_reference(platforms: "Sandbox") -> None:
    data = platforms.balance("omneo", "C-1001", currency="NZD").json["data"]

    assert data["point_balance"] == "1200"
    assert data["combined_balance_dollars"] == "145.00"
    assert data["localised"] == {
        "reward_balance": "27.50",
        "point_balance_dollars": "132.00",
        "combined_balance_dollars": "159.50",
    }
    assert (data["currency"]["from"], data["currency"]["to"]) == ("AUD", "NZD")
    assert data["currency"]["rate"] == Decimal("1.1")


def test_omneo_answers_in_its_own_currency_unless_asked(platforms: "Sandbox") -> None:
    data = platforms.balance("omneo", "C-1001").json["data"]

    assert data["currency"]["to"] == "AUD"
    assert data["localised"]["reward_balance"] == data["reward_balance"]


def test_omneo_may_send_numbers_and_less(platforms: "Sandbox") -> None:
    assert platforms.balance("omneo", "C-1007").json["data"] == {
        "reward_balance": Decimal("7.35"),
        "point_balance": Decimal("199.5"),
        "point_balance_dollars": Decimal("19.95"),
        "combined_balance_dollars": Decimal("27.30"),
    }


def test_omneo_refuses_a_currency_that_it_does_not_know(platforms: "Sandbox") -> None:
    answer = platforms.balance("omneo", "C-1001", currency="XXX")

    assert answer.status == 422
    assert list(answer.json["errors"]) == ["currency"]


def test_a_404_of_omneo_is_a_page(platforms: "Sandbox") -> None:
    answer = platforms.balance("omneo", "C-9999")

    assert answer.headers["content-type"].startswith("text/html")


# SaaSquatch


def test_saasquatch_speaks_as_its_reference(platforms: "Sandbox") -> None:
    assert platforms.balance("saasquatch", "C-1008").json == [
        {
            "type": "CREDIT",
            "unit": "CENTS",
            "count": 6,
            "totalAssignedCredit": 5000,
            "totalRedeemedCredit": 1000,
            "totalPendingCredit": 0,
            "totalExpiredCredit": 700,
            "totalCancelledCredit": 300,
        }
    ]


def test_saasquatch_has_an_empty_list_for_who_has_nothing(platforms: "Sandbox") -> None:
    assert platforms.balance("saasquatch", "C-1002").json == []


def test_older_servers_of_saasquatch_answer_in_other_shapes(platforms: "Sandbox") -> None:
    assert platforms.balance("saasquatch", "C-1009").json["totalDiscountPercent"] == 20
    wrapped = platforms.balance("saasquatch", "C-1010").json["rewardBalances"]
    assert wrapped[0]["totalAssignedCredit"] == "4000"


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ({}, ["CENTS", "points", "%", "freemb"]),
        ({"reward_type": "CREDIT"}, ["CENTS", "points"]),
        ({"reward_type": "FUELTANK"}, ["freemb"]),
        ({"user_id": "U-2"}, ["%", "freemb"]),
        ({"user_id": "C-1004"}, ["CENTS", "points"]),
        ({"user_id": "U-2", "reward_type": "PCT_DISCOUNT"}, ["%"]),
    ],
)
def test_saasquatch_answers_for_the_user_and_the_type_asked_about(
    platforms: "Sandbox", options: Mapping[str, str], units: list[str]
) -> None:
    answer = platforms.balance("saasquatch", "C-1004", **options)

    assert [reward["unit"] for reward in answer.json] == units


@pytest.mark.parametrize(
    ("target", "status", "rs_code"),
    [
        ("api/v1/elsewhere/reward/balance?accountId=C-1001", 404, "RS015"),
        ("api/v1/sandbox/reward/balance?accountId=C-9999", 404, "RS041"),
        ("api/v1/sandbox/reward/balance?accountId=C-1001&userId=U-9", 404, "RS042"),
        ("api/v1/sandbox/reward/balance", 400, None),
        ("api/v1/sandbox/reward/balance?accountId=C-1001&rewardTypeFilter=COAL", 400, None),
        ("api/v1/sandbox/rewards", 404, None),
    ],
)
def test_saasquatch_says_what_is_wrong(
    platforms: "Sandbox", target: str, status: int, rs_code: str | None
) -> None:
    answer = platforms.ask("GET", f"/saasquatch/{target}", platforms.signed("saasquatch"))

    assert answer.status == answer.json["statusCode"] == status
    assert answer.json["rsCode"] == rs_code
    assert answer.json["message"]


def test_saasquatch_takes_no_user_beside_its_key(ask: "Ask", basic: Basic) -> None:
    key = APIS["saasquatch"].credentials["api_key"]

    assert ask("GET", BALANCES["saasquatch"], basic("", key)).status == 200
    assert ask("GET", BALANCES["saasquatch"], basic(key, "")).status == 401


@pytest.fixture
def redeem_credit(platforms: "Sandbox") -> Callable[..., "Answer"]:
    def redeem(**changes: Any) -> "Answer":
        order = {"accountId": "C-1001", "unit": "CENTS", "amount": 500, **changes}
        body = json.dumps(order).encode()
        return platforms.ask("POST", REDEEM_CREDIT, platforms.signed("saasquatch"), body)

    return redeem


def test_credit_that_is_redeemed_is_gone(
    platforms: "Sandbox", redeem_credit: Callable[..., "Answer"]
) -> None:
    answer = redeem_credit()

    assert answer.status == 200
    assert answer.json == {"creditRedeemed": 500, "creditAvailable": 9500, "unit": "CENTS"}
    (balance,) = platforms.balance("saasquatch", "C-1001").json
    assert balance["totalRedeemedCredit"] == 3000
    assert balance["totalAssignedCredit"] == 12500


def test_the_same_order_again_is_another_debit(redeem_credit: Callable[..., "Answer"]) -> None:
    assert redeem_credit().json["creditAvailable"] == 9500
    assert redeem_credit().json["creditAvailable"] == 9000


def test_twenty_digits_of_credit_stay_twenty(redeem_credit: Callable[..., "Answer"]) -> None:
    answer = redeem_credit(accountId="C-1006", amount=1)

    assert answer.json["creditAvailable"] == 98765432109876543209


def test_more_credit_than_there_is_cannot_be_redeemed(
    redeem_credit: Callable[..., "Answer"],
) -> None:
    assert redeem_credit(amount=10001).status == 400
    assert redeem_credit(amount=10000).json["creditAvailable"] == 0
    assert redeem_credit(amount=1).status == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"unit": "cents"}, 400),
        ({"unit": " CENTS"}, 400),
        ({"accountId": "C-1009", "unit": "%"}, 400),
        ({"accountId": "C-1010", "unit": "GIFTCARD"}, 400),
        ({"accountId": "C-9999"}, 404),
        ({"amount": 0}, 400),
        ({"amount": -1}, 400),
        ({"amount": 1.0}, 400),
        ({"amount": True}, 400),
        ({"amount": "1"}, 400),
        ({"amount": None}, 400),
    ],
)
def test_an_order_for_credit_must_make_sense(
    redeem_credit: Callable[..., "Answer"], changes: Mapping[str, Any], status: int
) -> None:
    answer = redeem_credit(**changes)

    assert answer.status == answer.json["statusCode"] == status


def test_credit_is_redeemed_with_a_sign_in_a_tenant_and_a_body(platforms: "Sandbox") -> None:
    signed = platforms.signed("saasquatch")

    unsigned = platforms.ask("POST", REDEEM_CREDIT, body=b"{}")
    elsewhere = platforms.ask("POST", REDEEM_CREDIT.replace("sandbox", "x"), signed, b"{}")
    empty = platforms.ask("POST", REDEEM_CREDIT, signed)

    assert (unsigned.status, elsewhere.json["rsCode"], empty.status) == (401, "RS015", 400)


def test_debits_last_from_one_server_to_the_next(
    platforms: "Sandbox",
    ledger: Ledger,
    redeem_credit: Callable[..., "Answer"],
    redeem_points: Callable[..., "Answer"],
) -> None:
    redeem_credit()
    redeem_points(points=1)

    with Server(sandbox(Ledger(ledger.path))) as server:
        again = platforms.at(server.url)
        (credit,) = again.balance("saasquatch", "C-1001").json
        points = again.balance("gameball", "C-1001").json

    assert credit["totalRedeemedCredit"] == 3000
    assert points["availablePointsBalance"] == 1199


def test_debits_side_by_side_take_no_more_than_there_is(
    platforms: "Sandbox", redeem_credit: Callable[..., "Answer"]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: redeem_credit(amount=700), range(20)))

    assert sum(answer.status == 200 for answer in answers) == 14
    (balance,) = platforms.balance("saasquatch", "C-1001").json
    assert balance["totalRedeemedCredit"] == 2500 + 14 * 700


def test_a_transaction_id_counts_once_side_by_side(redeem_points: Callable[..., "Answer"]) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: redeem_points(points=10), range(8)))

    assert sorted(answer.status for answer in answers) == [200] + [422] * 7
