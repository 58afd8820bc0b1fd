"""`loyalty balance`: which customers at which profiles, and what comes out of it."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.sandbox.server import Received, Reply
from tests.commands.balance.lists import Listed
from tests.conftest import Outcome, Run, Serve

FOUND = {"availablePointsBalance": 7}

pytestmark = pytest.mark.usefixtures("no_pauses")


@pytest.fixture
def three(
    answer: Callable[..., str],
    serve: Serve,
    received: list[Received],
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three Gameball profiles: `north` and `south` answer, `down` does not; `north` is default."""

    def handle(request: Received) -> Reply:
        received.append(request)
        return Reply(body=FOUND)

    url, broken = serve(handle), answer(Reply(500, b"", content_type="text/plain"))
    profile_file(
        "default_profile: north\n"
        "profiles:\n"
        f"  north: {{provider: gameball, base_url: '{url}', options: {{expand: tier}}}}\n"
        f"  down: {{provider: gameball, base_url: '{broken}'}}\n"
        f"  south: {{provider: gameball, base_url: '{url}'}}\n"
    )
    for name in ("NORTH", "SOUTH", "DOWN"):
        for field in ("API_KEY", "SECRET_KEY"):
            monkeypatch.setenv(f"LOYALTY_{name}_{field}", f"of-{name}")


def asked(done: Outcome) -> list[tuple[str, str]]:
    return [(record["customer"], record["profile"]) for record in done.records]


def csv_of(done: Outcome) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(done.out, newline=""))


@pytest.mark.usefixtures("three")
def test_records_of_several_customers_and_profiles_come_in_the_order_asked(loyalty: Run) -> None:
    done = loyalty("balance", "C-2", "C-1", "-p", "south", "-p", "north", "-o", "json")

    assert asked(done) == [("C-2", "south"), ("C-2", "north"), ("C-1", "south"), ("C-1", "north")]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("variable", "arguments", "profile"),
    [
        ("", [], "north"),
        ("south", [], "south"),
        ("south", ["-p", "north"], "north"),
    ],
    ids=["of the file", "of the environment", "of the option"],
)
def test_a_profile_comes_from_the_option_else_the_environment_else_the_file(
    loyalty: Run,
    variable: str,
    arguments: list[str],
    profile: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOYALTY_PROFILE", variable)

    assert asked(loyalty("balance", "C-1", *arguments, "-o", "json")) == [("C-1", profile)]


def test_balance_without_a_profile_says_which_there_are(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    profile_file("profiles: {a: {provider: imprint}, b: {provider: gameball}}\n")

    done = loyalty("balance", "C-1")

    assert (done.code, done.out) == (3, "")
    error, hint = done.err.splitlines()
    assert "no profile was named" in error
    assert hint == "Hint: Add -p NAME. Available: a, b."


@pytest.mark.usefixtures("three")
def test_one_platform_that_is_down_does_not_hide_the_others(loyalty: Run) -> None:
    done = loyalty("balance", "C-1", "C-2", "--all-profiles", "-o", "json")

    assert done.code == 9
    profiles = ("north", "down", "south")
    assert asked(done) == [(customer, name) for customer in ("C-1", "C-2") for name in profiles]
    errors = [record["error"] and record["error"]["code"] for record in done.records]
    assert errors == [None, "server_error", None] * 2
    found = [[line["available"] for line in record["balances"]] for record in done.records]
    assert found == [[7], [], [7]] * 2
    assert {record["sandbox"] for record in done.records} == {False}
    first, *_, last = done.err.splitlines()
    assert first.startswith("Error: C-1 at down: Gameball cannot answer now")
    assert last == "2 of 6 look-ups failed: server error."
    assert loyalty("balance", "C-1", "--all-profiles").out.count("server error") == 1


@pytest.mark.usefixtures("three")
def test_the_same_error_of_several_customers_is_told_once(loyalty: Run) -> None:
    done = loyalty("balance", "C-1", "C-2", "C-3", "-p", "down")

    assert done.code == 7
    assert done.out == ""
    assert done.err.count("Error:") == 1
    assert done.err.splitlines()[-1] == "3 of 3 look-ups failed: server error."


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["C-1", "-p", "north", "--all-profiles"], (2, "exclude each other", "Leave one out.")),
        (["C-1", "-p", "nort"], (3, "there is no profile 'nort'", "Did you mean 'north'?")),
        (["C-1", "-O", "expand"], (2, "-O 'expand' is not KEY=VALUE", "Write it like -O")),
        (["C-1", "-O", "=tier"], (2, "-O '=tier' is not KEY=VALUE", "Write it like -O")),
        (["C-1", "-O", "expnd=x"], (2, "has no option 'expnd'", "Did you mean 'expand'?")),
        (["C-1", "-O", "expand=a", "-O", "expand=b"], (2, "'expand' is there twice", "Leave")),
        (["C-1", "--timeout", "0"], (2, "--timeout must be more than 0", None)),
        (["C-1", "--timeout", "-1"], (2, "--timeout must be more than 0", None)),
        (["C-1", "--timeout", "nan"], (2, "--timeout must be more than 0", None)),
        (["C-1", "--timeout", "inf"], (2, "--timeout must be more than 0", None)),
        (["C-1", "--timeout", "4000"], (2, "at most 3600", None)),
        (["C-1", "--timeout", "soon"], (2, "a number of seconds, not 'soon'", None)),
        ([".."], (2, "would change the address", None)),
        (["C-1", "C\n2"], (2, r"'C\n2' has the invisible character", "mean 'C' '2'?")),
        (["C-1 "], (2, "'C-1 ' has a space before or after it.", "Did you mean 'C-1'?")),
        (["C-1,C-2"], (2, "'C-1,C-2' has a comma or a semicolon", "Did you mean 'C-1' 'C-2'?")),
        (["-"], (2, "'-' is no customer.", "write `--from -`")),
        (["get", "C-1"], (2, "'get' would be looked up as", "Write `loyalty balance C-1`;")),
    ],
    ids=str,
)
def test_a_wrong_customer_or_option_is_refused_before_anything_is_sent(
    loyalty: Run, received: list[Received], wrong: list[str], said: tuple[int, str, str | None]
) -> None:
    code, error, hint = said

    done = loyalty("balance", *wrong)

    assert (done.code, done.out) == (code, "")
    lines = done.err.splitlines()
    assert lines[0].startswith("Error: ")
    assert error in lines[0]
    assert len(lines) <= 2
    assert hint is None or hint in lines[1]
    assert received == []


@pytest.mark.usefixtures("three")
def test_an_option_of_the_command_line_wins_over_that_of_the_file(
    loyalty: Run, received: list[Received]
) -> None:
    loyalty("balance", "C-1", "-p", "north", "-o", "json")
    loyalty("balance", "C-1", "-p", "north", "-O", "expand=referrals", "-o", "json")

    assert [request.query for request in received] == [{"expand": "tier"}, {"expand": "referrals"}]


def test_the_timeout_of_the_command_line_ends_a_look_up(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "E-slow", "--timeout", "0.2", "-o", "json")

    assert done.code == 7
    assert done.record["error"]["code"] == "timed_out"
    assert "0.2 s" in done.record["error"]["message"]


@pytest.mark.parametrize("value", ["1", "true"])
def test_loyalty_sandbox_in_the_environment_turns_the_sandbox_on(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LOYALTY_SANDBOX", value)

    assert loyalty("balance", "C-1001", "-p", "imprint", "-o", "json").record["sandbox"] is True


def test_a_missing_profile_file_is_an_error_and_does_not_turn_the_sandbox_on(loyalty: Run) -> None:
    done = loyalty("balance", "C-1001")

    assert (done.code, done.out) == (3, "")
    assert "--sandbox" in done.err


@pytest.mark.parametrize(
    "digits", ["8500.000", "98765432109876543210", "-0.10", "0", "1" * 80, "12345678901234567.890"]
)
@pytest.mark.parametrize("sent", ["{}", '"{}"'])
def test_an_amount_keeps_its_digits_in_every_format(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object], digits: str, sent: str
) -> None:
    number = sent.format(digits)
    body = f'{{"customer_id": "C-1", "reward_balance": {number}, "reward_symbol": "points"}}'
    card(answer(body.encode()))

    for output in ("json", "jsonl"):
        text = "".join(loyalty("balance", "C-1", "-o", output).out.split())
        assert f'"available":{digits},' in text
    (row,) = csv_of(loyalty("balance", "C-1", "-o", "csv"))
    assert row["available"] == digits
    assert f" {digits} points\n" in loyalty("balance", "C-1").out


def test_csv_has_a_row_for_each_balance_and_for_each_look_up_without_one(loyalty: Run) -> None:
    done = loyalty(
        *("--sandbox", "balance", "C-1004", "C-1002", "E-404", "-p", "saasquatch", "-o", "csv")
    )

    rows = [(row["customer"], row["name"], row["error_code"]) for row in csv_of(done)]
    assert rows == [
        ("C-1004", "credit CENTS", ""),
        ("C-1004", "credit points", ""),
        ("C-1004", "discount %", ""),
        ("C-1004", "fuel tank freemb", ""),
        ("C-1002", "", ""),
        ("E-404", "", "not_found"),
    ]


def test_csv_and_json_have_the_same_values(loyalty: Run) -> None:
    asking = ("--sandbox", "balance", "C-1003", "C-1006", "-p", "gameball", "-o")

    records = loyalty(*asking, "json").records

    for row, record in zip(csv_of(loyalty(*asking, "csv")), records, strict=True):
        (line,) = record["balances"]
        value: dict[str, Any] = line["value"] or {}
        assert row["sandbox"] == "true"
        for name in ("available", "pending", "total", "earned", "redeemed"):
            assert row[name] == ("" if line[name] is None else str(line[name]))
        assert row["value_currency"] == (value.get("currency") or "")


def test_a_customer_without_any_balance_yet_is_told_as_that(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "C-1002", "-p", "saasquatch")

    assert (done.code, done.err) == (0, "")
    assert "nothing yet" in done.out


def test_a_raw_answer_as_a_table_has_a_row_for_each_field(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "C-1001", "-p", "saasquatch", "--raw")

    heading, *rows = [line.split() for line in done.out.splitlines()]
    assert heading == ["Customer", "Profile", "Field", "Value"]
    assert ["C-1001", "saasquatch", "[0].totalAssignedCredit", "12500"] in rows
    assert ["C-1001", "saasquatch", "[0].type", "CREDIT"] in rows


def test_a_raw_answer_without_fields_is_one_row_of_a_table(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object]
) -> None:
    for body, shown in ((b"{}", "{}"), (b"[]", "[]"), (b"null", "null"), (b"1.50", "1.50")):
        card(answer(body))

        assert loyalty("balance", "C-1", "--raw").out.split()[-1] == shown


def test_raw_answers_for_a_list_keep_the_platforms_json_on_one_line_each(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object], listed: Listed
) -> None:
    card(answer(b'{\n "z": 1.50,\n "a": [1E+2, "caf\\u00e9 \\/", null],\n "n": -0.0\n}\n'))

    done = loyalty("balance", "--from", listed("C-1\nC-2\n"), "--raw", "-o", "jsonl")

    for line in done.out.splitlines():
        assert '"raw":{"z":1.50,"a":[1E+2,"caf\\u00e9 \\/",null],"n":-0.0}' in line
    assert len(done.out.splitlines()) == 2


def test_a_credential_folder_with_a_strange_name_is_an_error_like_any_other(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    profile_file("default_profile: p\nprofiles: {p: {provider: gameball}}\n")
    monkeypatch.setenv("LOYALTY_CREDENTIALS_DIR", str(tmp_path / "\udcff"))

    for command in (["balance", "C-1"], ["profiles"]):
        done = loyalty(*command, "-o", "json")
        assert done.code in (0, 4)
        assert "udcff" in done.out
