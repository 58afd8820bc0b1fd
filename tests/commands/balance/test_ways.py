"""`--by`, `by` of a list, and `by:` of a profile: how a customer is named, and which one counts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.providers.capillary import Capillary
from loyalty_cli.providers.contract import Way
from loyalty_cli.sandbox.server import Received, Reply
from tests.commands.balance.lists import Listed
from tests.conftest import Outcome, Run, Serve

POINTS = {"mainPoints": 7, "availablePointsBalance": 7}
SUGGESTS = "Did you mean 'email'?"


@pytest.fixture
def write(
    serve: Serve,
    received: list[Received],
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., None]:
    """Write a profile `club` at a Capillary that knows everybody, and `points` at Gameball."""

    def handle(request: Received) -> Reply:
        received.append(request)
        return Reply(body=POINTS)

    url = serve(handle)
    for name in ("CLUB_USERNAME", "CLUB_PASSWORD", "POINTS_API_KEY", "POINTS_SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_{name}", "made-up")

    def writing(by: str = "") -> None:
        way = f", by: {by}" if by else ""
        profile_file(
            "default_profile: club\nprofiles:\n"
            f"  club: {{provider: capillary, base_url: '{url}'{way}}}\n"
            f"  points: {{provider: gameball, base_url: '{url}'}}\n"
        )

    writing()
    return writing


def asked(received: list[Received]) -> list[str]:
    """How each request named its customer."""
    return [each.query.get("identifierName", "id") for each in received]


def refused(done: Outcome, received: list[Received], *lines: str) -> None:
    assert (done.code, done.out, received) == (2, "", [])
    said = re.sub(r"(?<= )/\S*/(?=list:)", "", done.err)  # without the folder
    assert said.splitlines() == [f"Error: {lines[0]}", *(f"Hint: {line}" for line in lines[1:])]


@pytest.mark.parametrize(
    "given",
    [
        ("", "", "", "id"),
        ("", "", "mobile", "mobile"),
        ("", "email", "mobile", "email"),
        ("", "id", "mobile", "id"),
        ("card_number", "email", "mobile", "card_number"),
        ("id", "email", "mobile", "id"),
    ],
    ids=["nothing", "profile", "option", "the id as option", "row", "the id as row"],
)
def test_the_row_counts_before_the_option_before_the_profile_before_the_id(
    write: Callable[..., None],
    loyalty: Run,
    listed: Listed,
    received: list[Received],
    given: tuple[str, str, str, str],
) -> None:
    row, option, profile, expected = given
    write(profile)
    by = ["--by", option] if option else []

    for text in (f"customer,by\n17,{row}\n", f'{{"customer": "17", "by": "{row}"}}\n'):
        done = loyalty("balance", "--from", listed(text), *by, "-o", "json")

        assert done.code == 0
        assert done.record["asked"] == {"by": expected}
    assert asked(received) == [{"card_number": "cardNumber"}.get(expected, expected)] * 2


@pytest.mark.usefixtures("write")
def test_a_customer_is_named_in_the_way_of_the_command_line(
    loyalty: Run, received: list[Received]
) -> None:
    done = loyalty("balance", "a@example.com", "b@example.com", "--by", "email", "-o", "json")

    assert [record["asked"]["by"] for record in done.records] == ["email", "email"]
    values = [each.query["identifierValue"] for each in received]
    assert sorted(values) == ["a@example.com", "b@example.com"]


@pytest.mark.usefixtures("write")
@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (
            ["--by", "emial"],
            ("Capillary finds no customer by 'emial' (profile 'club').", SUGGESTS),
        ),
        (
            ["--by", ""],
            (
                "Capillary finds no customer by '' (profile 'club').",
                "Available: id, mobile, email, external_id, card_number.",
            ),
        ),
        (
            ["--by", "email", "-p", "club", "-p", "points"],
            ("Gameball finds no customer by 'email' (profile 'points').", "Available: id."),
        ),
        (
            ["--by", "email", "--all-profiles"],
            ("Gameball finds no customer by 'email' (profile 'points').", "Available: id."),
        ),
    ],
    ids=["misspelt", "empty", "at one of two", "at one of all"],
)
def test_a_way_that_a_provider_does_not_have_is_refused_before_any_request(
    loyalty: Run, received: list[Received], arguments: list[str], lines: tuple[str, ...]
) -> None:
    refused(loyalty("balance", "a@example.com", *arguments), received, *lines)


@pytest.mark.usefixtures("write")
@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (
            "17,club,mobile\n18,club,emial\n",
            ("list:3: Capillary finds no customer by 'emial' (profile 'club').",),
        ),
        (
            "17,club,mobile\n18,points,mobile\n",
            ("list:3: Gameball finds no customer by 'mobile' (profile 'points').",),
        ),
    ],
    ids=["misspelt", "of another provider"],
)
def test_a_way_of_a_row_that_its_provider_does_not_have_is_refused_with_its_line(
    loyalty: Run, listed: Listed, received: list[Received], rows: str, lines: tuple[str, ...]
) -> None:
    done = loyalty("balance", "--from", listed(f"customer,profile,by\n{rows}"), "-o", "csv")

    hint = SUGGESTS if "emial" in rows else "Available: id."
    refused(done, received, *lines, hint)


@pytest.mark.usefixtures("write")
def test_an_option_for_all_does_not_forbid_a_row_its_own_way(loyalty: Run, listed: Listed) -> None:
    rows = "customer,profile,by\na@example.com,,\nC-1,points,id\n"

    done = loyalty("balance", "--from", listed(rows), "--by", "email", "-o", "jsonl")

    assert done.code == 0
    assert done.out.count('"asked":{"by":"email"}') == 1
    assert done.out.count('"asked":{"by":"id"}') == 1


def digits(text: str) -> None:
    if not text.isdigit():
        raise ValueError("it must be digits.")


@pytest.mark.usefixtures("write")
@pytest.mark.parametrize("file", [False, True], ids=["command line", "list"])
def test_what_cannot_be_named_in_a_way_is_refused_before_any_request(
    loyalty: Run,
    listed: Listed,
    received: list[Received],
    monkeypatch: pytest.MonkeyPatch,
    file: bool,
) -> None:
    ways = [
        Way(way.name, way.help, digits if way.name == "mobile" else way.check)
        for way in Capillary.ways
    ]
    monkeypatch.setattr(Capillary, "ways", tuple(ways))
    who = ["--from", listed("17\na@b\n")] if file else ["17", "a@b"]

    done = loyalty("balance", *who, "--by", "mobile")

    where = "list:2: " if file else ""
    refused(done, received, f"{where}'a@b' cannot be a customer's mobile: it must be digits.")


@pytest.mark.usefixtures("write")
@pytest.mark.parametrize("name", ["out.jsonl", "out.json", "out.csv"])
def test_a_run_is_resumed_only_with_the_ways_that_it_began_with(
    loyalty: Run, listed: Listed, received: list[Received], tmp_path: Path, name: str
) -> None:
    rows = "customer,by\n17,mobile\n17,\n17,card_number\n"
    run: Any = ["balance", "--from", listed(rows), "--output-file", str(tmp_path / name)]
    assert loyalty(*run).code == 0
    written = (tmp_path / name).read_bytes()
    received.clear()

    same, other = loyalty(*run, "--resume"), loyalty(*run, "--resume", "--by", "email")

    assert (same.code, other.code) == (0, 3)
    assert "this run asks by=email" in other.err
    assert received == []
    assert (tmp_path / name).read_bytes() == written


@pytest.mark.usefixtures("write")
def test_a_resumed_run_asks_only_in_the_ways_that_have_no_record(
    loyalty: Run, listed: Listed, received: list[Received], tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    rows = listed("customer,by\n17,mobile\n17,\n17,email\n")
    loyalty("balance", "--from", rows, "--output-file", str(out))
    whole = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(whole[0])
    received.clear()

    assert loyalty("balance", "--from", rows, "--output-file", str(out), "--resume").code == 0

    assert sorted(asked(received)) == ["email", "id"]
    assert [line.partition(b'"asked"')[2][:20] for line in out.read_bytes().splitlines()] == [
        line.partition(b'"asked"')[2][:20] for line in whole
    ]


@pytest.mark.usefixtures("write")
def test_each_row_is_in_one_shard_in_whatever_way_its_customer_is_named(
    loyalty: Run, listed: Listed, received: list[Received]
) -> None:
    rows = [f"{number},{way}" for number in range(20) for way in ("mobile", "", "email")]
    names = listed("\n".join(("customer,by", *rows, "")))

    for part in (1, 2, 3):
        assert loyalty("balance", "--from", names, "--shard", f"{part}/3", "-o", "csv").code == 0

    found = [
        (each.query.get("identifierValue") or each.path[2], way)
        for each, way in zip(received, asked(received), strict=True)
    ]
    assert sorted(found) == sorted((row.split(",")[0], row.split(",")[1] or "id") for row in rows)
