"""`loyalty diff`: two exports in, differences and totals out."""

import csv
import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.commands.diff import MOST_SHOWN
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_schema import json_schema
from tests.conftest import Run
from tests.fakes.terminal import in_terminal, unstyled
from tests.history.exported import failed, line, looked_up, of_version_1, write

OLD = [
    looked_up("C-1", 1200),
    looked_up("C-2", 10),
    looked_up("C-3", 450),
    looked_up("C-4", 3),
    looked_up("E", 5),
]
NEW = [
    looked_up("C-4", 4),
    looked_up("C-2", 10),
    looked_up("C-1", line("700.50")),
    looked_up("C-5", line("20", basis="scale_unknown")),
    failed("E"),
]


@pytest.fixture
def old(tmp_path: Path) -> str:
    return write(tmp_path / "old.jsonl", OLD)


@pytest.fixture
def new(tmp_path: Path) -> str:
    return write(tmp_path / "new.csv", NEW, Format.CSV)


def test_a_table_has_the_differences_and_the_totals(loyalty: Run, old: str, new: str) -> None:
    done = loyalty("diff", old, new)

    assert (done.code, done.err) == (0, "")
    rows = [" ".join(row.split()) for row in done.out.splitlines()]
    assert rows[1:6] == [
        "points C-1 Points changed 1200 points 700.50 points -499.50 points",
        "points C-3 Points vanished 450 points not in NEW",
        "points C-4 Points changed 3 points 4 points +1 points",
        "points C-5 Points appeared 20 points? not in OLD",
        "points E Points failed 5 points NEW: timed out",
    ]
    assert rows[8:] == [
        "points 1 points 1213 714.50 -498.50 2 1 (sum 450)",
        "points 1 points? 1 (sum 20)",
    ]


def test_a_customer_who_failed_in_one_file_and_is_not_in_the_other_is_told_so(
    loyalty: Run, tmp_path: Path
) -> None:
    old = write(tmp_path / "old.jsonl", [failed("E"), looked_up("C-1", 5)])
    new = write(tmp_path / "new.jsonl", [looked_up("C-1", 5)])

    assert "OLD: timed out; not in NEW" in loyalty("diff", old, new).out
    assert "not in OLD; NEW: timed out" in loyalty("diff", new, old).out


def test_json_csv_and_json_lines_have_the_same_differences_and_fit_the_schema(
    loyalty: Run, old: str, new: str
) -> None:
    lines = [json.loads(each) for each in loyalty("diff", old, new, "-o", "jsonl").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(loyalty("diff", old, new, "-o", "csv").out)))
    records = json.loads(loyalty("diff", old, new, "-o", "json").out)
    sums = json.loads(loyalty("diff", old, new, "--summary", "-o", "json").out)

    Draft202012Validator(json_schema()).validate(records)
    Draft202012Validator(json_schema()).validate(sums)
    assert records == lines
    assert [row["change"] for row in rows] == ["-499.50", "", "1", "", ""]
    assert rows[4]["error_code"] == "timed_out"
    assert [each["change"] for each in records] == [-499.5, None, 1, None, None]
    assert [each["change"] for each in sums] == [-498.5, None]


def test_min_change_says_how_much_it_left_out(loyalty: Run, old: str, new: str) -> None:
    done = loyalty("diff", old, new, "--min-change", "2.0", "-o", "json")

    assert [each["customer"] for each in done.records] == ["C-1", "C-3", "C-5", "E"]
    assert (done.code, done.err) == (0, "Smaller changes than 2.0, left out: 1.\n")


def test_two_exports_without_a_difference_have_only_totals(loyalty: Run, old: str) -> None:
    done = loyalty("diff", old, old)

    assert (done.code, done.err, len(done.out.splitlines())) == (0, "Nothing changed.\n", 2)
    assert loyalty("diff", old, old, "-o", "json").out == "[]\n"


def test_a_long_table_on_a_terminal_shows_the_first_differences(
    loyalty: Run, tmp_path: Path
) -> None:
    both = ([looked_up(f"C-{each}", amount) for each in range(150)] for amount in (1, 2))
    old, new = (write(tmp_path / f"{at}.jsonl", records) for at, records in enumerate(both))

    shown = unstyled(in_terminal("diff", old, new, width=100).out)
    assert shown.count("+1 points") == MOST_SHOWN
    assert "The first 100 of 150 differences are shown" in shown
    assert "+150" in shown  # in the totals
    for output in ("table", "markdown"):
        assert loyalty("diff", old, new, "-o", output).out.count("+1 points") == 150


def test_other_options_are_a_warning(loyalty: Run, tmp_path: Path, old: str) -> None:
    other = write(
        tmp_path / "other", [looked_up("C-1", 1200, asked={"by": "id", "expand": "tier"})]
    )

    done = loyalty("diff", old, other, "-o", "jsonl")

    assert done.code == 0
    assert "C-1 at points, perhaps others too, was asked with other options" in done.err
    assert "OLD none, NEW expand=tier" in done.err


def test_one_of_both_can_come_from_a_pipe(program: Run, old: str, new: str) -> None:
    from_pipe = program("diff", "-", new, "-o", "json", input=Path(old).read_bytes())

    assert (from_pipe.code, len(from_pipe.records)) == (0, 5)
    assert program("diff", "-", "-", input="").code == 2


@pytest.mark.parametrize("number", ["x", "-1", "1,5", "", "nan"])
def test_a_wrong_min_change_is_refused(loyalty: Run, old: str, new: str, number: str) -> None:
    done = loyalty("diff", old, new, f"--min-change={number}")

    assert (done.code, done.out) == (2, "")
    assert "--min-change" in done.err


def test_what_cannot_be_compared_prints_nothing_and_says_why(
    loyalty: Run, tmp_path: Path, old: str
) -> None:
    older = tmp_path / "version-1"
    older.write_text(json.dumps(of_version_1(OLD[0])) + "\n")
    torn = tmp_path / "torn"
    torn.write_text(Path(old).read_text()[:-9])
    twice = write(tmp_path / "twice", [*OLD, looked_up("C-1", 1)])

    for wrong, why in (
        (str(older), "has schema_version 1, but the first record of"),
        (str(torn), "is incomplete"),
        (twice, "C-1 at points is in"),
        (str(tmp_path / "nowhere"), "cannot be read"),
        (str(tmp_path), "cannot be read"),
    ):
        done = loyalty("diff", old, wrong, "-o", "json")
        assert (done.code, done.out) == (2, "")
        assert why in done.err
        assert len(done.err.splitlines()) <= 2
    assert loyalty("diff", str(older), str(older)).code == 0
