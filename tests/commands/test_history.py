"""`loyalty history`: what a balance was, since when, and which debits of ours changed it."""

import csv
import io
import json
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.output.format import Format
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Run, Serve
from tests.fakes.debit_platform import DebitPlatform
from tests.fakes.postgresql import PostgreSQL
from tests.history.exported import failed, line, looked_up, write

DAYS = [f"2026-11-{day:02}T05:00:00Z" for day in range(1, 5)]


PERSONAL = [
    looked_up("C-1", line(5, name="Sonderposten")),
    looked_up("C-1", 6, profile="store"),
    looked_up("C-2", 7),
]


@pytest.fixture
def data(environment: dict[str, str]) -> Path:
    """Where the history is."""
    return Path(environment["HOME"], ".local/share/loyalty/people.db")


@pytest.fixture
def credit() -> list[int]:
    """What the platform answers with."""
    return [1200]


@pytest.fixture
def points(
    serve: Serve,
    credit: list[int],
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Path]:
    """Write a profile file with one Gameball profile, and more at the end."""

    def handle(received: Received) -> Reply:
        if "E-404" in received.path:
            return Reply(404, {"code": 7000, "message": "none"})
        return Reply(body={"availablePointsBalance": credit[0]})

    for field in ("API_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_POINTS_{field}", "secret")
    url = serve(handle)
    profile = f"points: {{provider: gameball, base_url: '{url}'}}"
    return lambda more: profile_file(f"default_profile: points\nprofiles:\n  {profile}\n{more}")


@pytest.fixture
def kept(points: Callable[[str], Path]) -> None:
    """Look-ups are kept."""
    points("history: true\n")


def rows(done: Outcome) -> list[str]:
    return [" ".join(row.split()) for row in done.out.splitlines()]


def changes(done: Outcome) -> list[tuple[str, str, str]]:
    """What happened, and the amounts."""
    return [
        (each["what"], str(each["before"]), str(each["after"])) for each in json.loads(done.out)
    ]


@pytest.mark.usefixtures("kept")
def test_look_ups_are_kept_and_the_changes_shown(
    loyalty: Run, credit: list[int], data: Path
) -> None:
    for amount in (1200, 1200, 700):
        credit[0] = amount
        done = loyalty("balance", "C-1", "-o", "json")
        assert (done.code, done.err) == (0, "")

    done = loyalty("history", "C-1", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert changes(done) == [("first", "None", "1200"), ("changed", "1200", "700")]
    record = json.loads(done.out)[1]
    assert (record["change"], record["by"], record["debits"]) == (-500, "id", None)
    assert "@" in record["seen_by"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.parent.stat().st_mode) == 0o700


@pytest.mark.usefixtures("kept")
def test_a_list_is_kept_without_what_failed(loyalty: Run, tmp_path: Path) -> None:
    customers = tmp_path / "customers"
    customers.write_text("C-1\nE-404\nC-2\n")

    done = loyalty("balance", "--from", str(customers), "-o", "jsonl")

    assert done.code == 9
    assert changes(loyalty("history", "C-2", "-o", "json")) == [("first", "None", "1200")]
    assert loyalty("history", "E-404", "-o", "json").records == []


def test_nothing_is_kept_unless_the_profile_file_says_so(
    loyalty: Run, points: Callable[[str], Path], data: Path
) -> None:
    for more in ("", "history: false\n"):
        points(more)
        assert loyalty("balance", "C-1").code == 0
        done = loyalty("history", "C-1")

        assert (done.code, done.out, data.exists()) == (3, "", False)
        assert "there is no history" in done.err
        assert "history: true" in done.err
        assert "loyalty history import" in done.err


@pytest.mark.usefixtures("kept")
def test_a_customer_who_was_never_seen_has_no_history(loyalty: Run) -> None:
    loyalty("balance", "C-1")
    done = loyalty("history", "C-9")

    assert (done.code, done.out, done.err) == (0, "", "the history has no look-up of 'C-9'.\n")
    assert loyalty("history", "C-9", "-o", "json").out == "[]\n"
    assert loyalty("-q", "history", "C-9") == (0, "", "")


@pytest.mark.usefixtures("kept")
def test_the_balance_is_printed_whatever_is_wrong_with_the_history(
    loyalty: Run, data: Path
) -> None:
    loyalty("balance", "C-1")

    def spoiled() -> Outcome:
        done = loyalty("balance", "C-1", "-o", "json")
        assert (done.code, done.record["balances"][0]["available"]) == (0, 1200)
        assert done.err.startswith("Warning: the history was not written: ")
        assert len(done.err.splitlines()) == 1
        return done

    data.chmod(0o644)
    assert "chmod 600" in spoiled().err
    data.chmod(0o600)
    data.write_bytes(b"no database" * 1000)
    assert "not a database" in spoiled().err
    data.unlink()
    data.mkdir()
    assert "is not a regular file" in spoiled().err
    shutil.rmtree(data.parent)
    data.parent.write_text("a file in the place of the folder")
    spoiled()


@pytest.mark.usefixtures("kept")
def test_a_history_that_somebody_has_locked_delays_a_look_up_only_briefly(
    program: Run, data: Path
) -> None:
    assert program("balance", "C-1").code == 0
    other = sqlite3.connect(data, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    done = program("balance", "C-1", "-o", "json")

    other.close()
    assert (done.code, done.record["error"]) == (0, None)
    assert "the history was not written: it did not answer" in done.err


@pytest.mark.usefixtures("kept")
def test_exports_are_read_and_reading_one_twice_changes_nothing(
    loyalty: Run, tmp_path: Path
) -> None:
    first = write(tmp_path / "1.jsonl", [looked_up("C-1", 5, retrieved_at=DAYS[0]), failed("C-2")])
    second = write(tmp_path / "2.csv", [looked_up("C-1", 3, retrieved_at=DAYS[1])], Format.CSV)

    done = loyalty("history", "import", first, second)
    again = loyalty("history", "import", second, first)

    assert (done.code, done.out) == (0, "")
    assert done.err == (
        f"{first}: 2 look-ups, 1 that failed were left out; balances new in the history: 1.\n"
        f"{second}: 1 look-ups; balances new in the history: 1.\n"
    )
    assert again.err.count("balances new in the history: 0.") == 2
    found = loyalty("history", "C-1", "-o", "json")
    assert changes(found) == [("first", "None", "5"), ("changed", "5", "3")]
    assert json.loads(found.out)[1]["seen_by"].endswith(", from 2.csv")


def test_an_import_makes_a_history_where_none_is_kept(
    loyalty: Run, points: Callable[[str], Path], tmp_path: Path
) -> None:
    points("")
    loyalty("history", "import", write(tmp_path / "x", [looked_up("C-1", 5)]))

    assert changes(loyalty("history", "C-1", "-o", "json")) == [("first", "None", "5")]


@pytest.mark.usefixtures("kept")
def test_what_is_no_export_is_refused(loyalty: Run, tmp_path: Path) -> None:
    sandbox = write(tmp_path / "sandbox", [looked_up("C-1", 5, sandbox=True)])
    timeless = write(tmp_path / "timeless", [looked_up("C-1", 5, retrieved_at="yesterday")])

    for wrong, why in (
        (sandbox, "line 1 of the file"),
        (timeless, "has no time in retrieved_at"),
        (str(tmp_path / "nowhere"), "cannot be read"),
    ):
        done = loyalty("history", "import", wrong)
        assert (done.code, done.out) == (2, "")
        assert why in done.err
        assert len(done.err.splitlines()) <= 2


@pytest.mark.usefixtures("kept")
def test_prune_deletes_what_is_older(loyalty: Run, tmp_path: Path, data: Path) -> None:
    name = "Sonderposten"
    records = [
        looked_up("C-1", day, retrieved_at=at, profile=name if day == 1 else "points")
        for day, at in enumerate(DAYS)
    ]
    loyalty("history", "import", write(tmp_path / "x", records))
    assert name.encode() in data.read_bytes()

    done = loyalty("history", "prune", "--before", "2026-11-03")

    assert (done.code, done.out) == (0, "")
    assert "deleted from the history: 2" in done.err
    assert changes(loyalty("history", "C-1", "-o", "json")) == [
        ("first", "None", "2"),
        ("changed", "2", "3"),
    ]
    assert name.encode() not in data.read_bytes()
    assert loyalty("history", "prune", "--before", "someday").code == 2


@pytest.mark.usefixtures("kept")
def test_profile_and_days_choose_what_is_shown(loyalty: Run, tmp_path: Path) -> None:
    loyalty("balance", "C-1")
    old = [
        looked_up("C-1", line(5, name="points"), retrieved_at=DAYS[0]),
        looked_up("C-1", 6, retrieved_at="2020-01-01T00:00:00+02:00", profile="former"),
    ]
    loyalty("history", "import", write(tmp_path / "x", old))

    assert len(loyalty("history", "C-1", "-o", "json").records) == 3
    assert changes(loyalty("history", "C-1", "-p", "former", "-o", "json")) == [
        ("first", "None", "6")
    ]
    recent = loyalty("history", "-p", "points", "C-1", "--days", "1", "-o", "json")
    assert changes(recent) in ([("changed", "5", "1200")], [("first", "None", "1200")])
    former = loyalty("history", "C-1", "-p", "former", "--days", "9")
    assert former.err == "the balance of 'C-1' did not change in the last 9 days.\n"
    typed_wrong = loyalty("history", "C-1", "-p", "pionts")
    assert (typed_wrong.code, "Did you mean 'points'?" in typed_wrong.err) == (3, True)
    assert loyalty("history", "C-1", "--days", "0").code == 2


def test_a_debit_of_ours_explains_a_change_and_its_absence_is_told(
    loyalty: Run, ready: DebitPlatform
) -> None:
    with ready.file.open("a") as file:
        file.write("history: true\n")
    balance = ("balance", "C-1001", "-p", "points", "-o", "json")
    loyalty(*balance)
    loyalty("debit", "C-1001", "500", "-p", "points", "--reference", "invoice-17", "--yes")
    loyalty(*balance)

    done = loyalty("history", "C-1001", "-p", "points")
    assert (done.code, done.err) == (0, "")
    assert "1200 points 700 points -500 points" in rows(done)[2]
    assert "invoice-17: 500 points" in rows(done)[2]

    record = loyalty("history", "C-1001", "-p", "points", "-o", "json").records[1]
    assert [(each["reference"], each["state"]) for each in record["debits"]] == [
        ("invoice-17", "confirmed")
    ]


def test_a_change_without_a_debit_says_so_if_there_is_a_journal(
    loyalty: Run, points: Callable[[str], Path], new_journal: Path, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.db"
    points(f"history: true\njournal: {journal}\n")
    records = [looked_up("C-1", 9 - day, retrieved_at=at) for day, at in enumerate(DAYS)]
    records.append(looked_up("C-1", 99, retrieved_at="2026-11-09T00:00:00Z"))
    loyalty("history", "import", write(tmp_path / "x", records))

    assert "no debit" not in loyalty("history", "C-1").out
    shutil.copy(new_journal, journal)
    done = loyalty("history", "C-1")
    assert [row.count("no debit of ours") for row in rows(done)] == [0, 0, 1, 1, 1, 0]
    journal.write_bytes(b"spoiled" * 1000)
    spoiled = loyalty("history", "C-1")
    assert (spoiled.code, "no debit of ours" in spoiled.out) == (0, False)
    assert spoiled.err.startswith("Warning: debits of ours are not shown: ")


@pytest.mark.usefixtures("kept")
def test_every_format_has_the_same_changes_and_fits_the_schema(
    loyalty: Run, credit: list[int]
) -> None:
    for credit[0] in (1200, 700):
        loyalty("balance", "C-1")

    records = json.loads(loyalty("history", "C-1", "-o", "json").out)
    lines = loyalty("history", "C-1", "-o", "jsonl").out.splitlines()
    found = list(csv.DictReader(io.StringIO(loyalty("history", "C-1", "-o", "csv").out)))

    Draft202012Validator(json_schema()).validate(records)
    assert [json.loads(each) for each in lines] == records
    assert [each["change"] for each in found] == ["", "-500"]


def test_several_machines_share_a_history_in_postgresql(
    loyalty: Run,
    points: Callable[[str], Path],
    credit: list[int],
    server: PostgreSQL,
    own_place: str,
) -> None:
    points(f"history: true\npeople: {server.url(own_place)}\n")
    for credit[0] in (1200, 700):
        done = loyalty("balance", "C-1", "-o", "json")
        assert (done.code, done.err) == (0, "")

    assert changes(loyalty("history", "C-1", "-o", "json")) == [
        ("first", "None", "1200"),
        ("changed", "1200", "700"),
    ]


def test_the_sandbox_has_a_history_of_its_own(loyalty: Run, data: Path) -> None:
    loyalty("--sandbox", "balance", "C-1001", "-p", "gameball")
    done = loyalty("--sandbox", "history", "C-1001", "-o", "json")

    assert (done.code, done.record["after"], done.record["sandbox"]) == (0, 1200, True)
    assert not data.exists()
    assert data.with_name("sandbox-people.db").exists()


@pytest.mark.usefixtures("kept")
def test_a_customer_with_the_name_of_a_command_stands_behind_two_dashes(loyalty: Run) -> None:
    loyalty("balance", "import", "prune")

    assert changes(loyalty("history", "-o", "json", "--", "import")) == [("first", "None", "1200")]
    assert changes(loyalty("history", "-p", "points", "-o", "json", "prune")) == [
        ("first", "None", "1200")
    ]
    assert loyalty("history", "prune").code == 2


@pytest.mark.parametrize("arguments", [["history"], ["history", "import"], ["history", "a", "b"]])
def test_a_command_line_without_what_it_needs_is_refused(
    loyalty: Run, arguments: list[str]
) -> None:
    done = loyalty(*arguments)

    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2


@pytest.mark.usefixtures("kept")
def test_a_person_has_the_history_of_every_identifier(loyalty: Run, tmp_path: Path) -> None:
    loyalty("history", "import", write(tmp_path / "x", PERSONAL))
    people = tmp_path / "people.csv"
    people.write_text("person,name,points\nada@example.com,Ada Lovelace,C-1\n")
    assert loyalty("people", "import", str(people)).code == 0

    done = loyalty("history", "-P", "ada lovelace", "-o", "json")
    assert [(each["profile"], each["customer"]) for each in done.records] == [("points", "C-1")]
    for_a_ticket = loyalty("history", "-P", "ada lovelace", "-o", "markdown").out
    assert for_a_ticket.startswith("### Ada Lovelace, ada@example.com\n")
    assert len(loyalty("history", "C-1", "-o", "json").records) == 2
    assert loyalty("history", "-P", "nobody").code == 5
    assert loyalty("history", "C-1", "-P", "ada lovelace").code == 2


@pytest.mark.usefixtures("kept")
def test_who_is_forgotten_has_no_history_either(loyalty: Run, tmp_path: Path, data: Path) -> None:
    loyalty("history", "import", write(tmp_path / "x", PERSONAL))
    people = tmp_path / "people.csv"
    people.write_text("person,name,points\nada@example.com,Ada Lovelace,C-1\n")
    loyalty("people", "import", str(people))

    forgotten = loyalty("people", "forget", "ada@example.com", "--yes")

    assert forgotten.err == (
        "Ada Lovelace, ada@example.com was forgotten, with the history of C-1 at points.\n"
    )
    found = loyalty("history", "C-1", "-o", "json").records
    assert [each["profile"] for each in found] == ["store"]
    assert b"Sonderposten" not in data.read_bytes()


@pytest.mark.parametrize("other", ["C-1", "c-1"])
@pytest.mark.usefixtures("kept")
def test_the_history_of_an_identifier_that_somebody_else_has_is_kept(
    loyalty: Run, tmp_path: Path, other: str
) -> None:
    loyalty("history", "import", write(tmp_path / "x", PERSONAL))
    people = tmp_path / "people.csv"
    people.write_text(f"person,points\nold@example.com,C-1\nnew@example.com,{other}\n")
    loyalty("people", "import", str(people))

    forgotten = loyalty("people", "forget", "old@example.com", "--yes")

    kept = [each["profile"] for each in loyalty("history", "C-1", "-o", "json").records]
    assert kept == (["points", "store"] if other == "C-1" else ["store"])
    assert forgotten.err == (
        "The history of C-1 at points is kept for new@example.com.\n"
        "old@example.com was forgotten.\n"
        if other == "C-1"
        else "old@example.com was forgotten, with the history of C-1 at points.\n"
    )


@pytest.mark.usefixtures("kept")
def test_who_is_forgotten_has_no_history_by_the_key_either_however_it_was_written(
    loyalty: Run, tmp_path: Path, data: Path
) -> None:
    exported = [
        looked_up("ADA@example.com", 1, profile="store", asked={"by": "email"}),
        looked_up("+61 412 345 678", 2, asked={"by": "phone"}),
        looked_up("17", 3, profile="store"),
    ]
    loyalty("history", "import", write(tmp_path / "x", exported))
    for each in ("ada@example.com", "+61412345678", "17"):
        (tmp_path / "people.csv").write_text(f"person,points\n{each},C-1\n")
        loyalty("people", "import", str(tmp_path / "people.csv"))

        assert loyalty("people", "forget", each, "--yes").code == 0

    assert b"ADA@" not in data.read_bytes()
    assert b"+61" not in data.read_bytes()
    assert loyalty("history", "17", "-o", "json").records  # perhaps another one's id


@pytest.mark.usefixtures("kept")
def test_a_history_by_a_key_that_somebody_else_has_is_kept(loyalty: Run, tmp_path: Path) -> None:
    both = looked_up("us@example.com", 1, asked={"by": "email"})
    loyalty("history", "import", write(tmp_path / "x", [both]))
    people = tmp_path / "people.csv"
    people.write_text("person,name,points\nus@example.com,A,1\nbob,us@example.com,2\n")
    loyalty("people", "import", str(people))
    # Both have the key, so that one of them must be named by another.
    assert loyalty("people", "forget", "A", "--yes").code == 0

    assert loyalty("history", "us@example.com", "-o", "json").records


@pytest.mark.usefixtures("kept")
def test_a_person_who_was_taken_for_a_customer_is_told(loyalty: Run, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("person,name,points\nada@example.com,Ada Lovelace,C-1\n")
    loyalty("people", "import", str(people))

    done = loyalty("history", "Ada Lovelace")

    assert (done.code, done.err.splitlines()[1:]) == (
        0,
        ["'Ada Lovelace' is a person on file: use -P 'Ada Lovelace'."],
    )
    assert len(loyalty("history", "Ada").err.splitlines()) == 1


@pytest.mark.usefixtures("kept")
def test_two_processes_write_one_history(program: Run, data: Path) -> None:
    started = [
        subprocess.Popen(
            [PROGRAM, "balance", *(f"C-{each}" for each in range(20))], stdout=subprocess.DEVNULL
        )
        for _ in range(3)
    ]

    assert [each.wait(60) for each in started] == [0, 0, 0]
    found = program("history", "C-19", "-o", "json").records
    assert [(each["what"], each["after"]) for each in found] == [("first", 1200)]
    assert data.exists()
