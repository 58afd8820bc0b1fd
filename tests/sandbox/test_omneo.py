"""The sandbox's Omneo."""

from decimal import Decimal

from tests.sandbox.conftest import Sandbox


def test_omneo_in_the_sandbox_answers_as_its_reference(platforms: Sandbox) -> None:
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
    own = platforms.balance("omneo", "C-1001").json["data"]
    assert own["currency"]["to"] == "AUD"
    assert own["localised"]["reward_balance"] == own["reward_balance"]


def test_omneo_in_the_sandbox_refuses_an_unknown_currency(
    platforms: Sandbox,
) -> None:
    answer = platforms.balance("omneo", "C-1001", currency="XXX")

    assert answer.status == 422
    assert list(answer.json["errors"]) == ["currency"]
    page = platforms.balance("omneo", "C-9999")
    assert page.headers["content-type"].startswith("text/html")


def test_omneo_in_the_sandbox_sends_its_currency_in_three_shapes(platforms: Sandbox) -> None:
    text, empty = (platforms.balance("omneo", name).json["data"] for name in ("C-1005", "C-1010"))

    assert (text["currency"], text["localised"]["reward_balance"]) == ("AUD", "0.00")
    assert (empty["currency"], empty["localised"]) == ([], [])


def test_omneo_in_the_sandbox_may_send_numbers_and_fewer_keys(platforms: Sandbox) -> None:
    assert platforms.balance("omneo", "C-1007").json["data"] == {
        "reward_balance": Decimal("7.35"),
        "point_balance": Decimal("199.5"),
        "point_balance_dollars": Decimal("19.95"),
        "combined_balance_dollars": Decimal("27.30"),
    }
