"""What is printed: one value, a query's value, or chosen columns; and what excludes what."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.commands.balance.options import complete_columns, complete_field, complete_sort
from tests.conftest import Run
from tests.fakes.terminal import in_terminal, unstyled

SANDBOX = ("--sandbox", "balance")


def test_a_field_is_one_bare_value_a_line_for_each_balance_line(loyalty: Run) -> None:
    asked = ("C-1001", "E-404", "C-1002", "--all-profiles")
    lines = [
        line
        for record in loyalty(*SANDBOX, *asked, "-o", "json").records
        for line in record["balances"]
    ]

    for name in ("available", "unit", "basis", "includes_pending", "sum_of"):
        done = loyalty(*SANDBOX, *asked, "--field", name)
        assert done.code == 9
        assert done.out.splitlines() == [bare(line[name]) for line in lines]


def bare(value: Any) -> str:
    """A value as a line of text."""
    if value is None:
        return ""
    if isinstance(value, str | Decimal):
        return str(value)
    return json.dumps(value, separators=(",", ":"))


def test_a_field_of_a_failed_look_up_is_nothing_but_its_exit_code(loyalty: Run) -> None:
    done = loyalty(*SANDBOX, "E-404", "-p", "gameball", "--field", "available")

    assert (done.code, done.out) == (5, "")


def test_a_field_or_a_query_keeps_the_warnings_on_stderr(loyalty: Run) -> None:
    asked = (*SANDBOX, "C-1001", "-p", "imprint")

    for chosen in (
        ("--field", "available"),
        ("--query", "[].balances[].available"),
        ("-o", "csv", "--columns", "available"),
    ):
        assert "minor_units" in loyalty(*asked, *chosen).err
    for told in (("-o", "csv", "--columns", "available,warnings"), ("-o", "json")):
        assert loyalty(*asked, *told).err == ""


def test_every_digit_of_the_platform_is_in_a_field_and_in_a_query(
    answer: Callable[[Any], str], profile_file: Callable[[str], Path], loyalty: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    raw = {"availablePointsBalance": 9007199254740993, "totalPointsBalance": 0}
    url = answer(raw)
    profile_file(f"profiles: {{p: {{provider: gameball, base_url: '{url}'}}}}")
    monkeypatch.setenv("LOYALTY_P_API_KEY", "k")
    monkeypatch.setenv("LOYALTY_P_SECRET_KEY", "s")
    asked = ("balance", "C-1", "-p", "p")

    assert loyalty(*asked, "--field", "available").out == "9007199254740993\n"
    query = ("--query", "sum([].balances[].available)")
    assert loyalty(*asked, *query).out == "9007199254740993\n"
    assert loyalty(*asked, *query, "--amounts", "text").out == '"9007199254740993"\n'
    raw_query = ("--raw", "--query", "[0].raw.availablePointsBalance")
    assert loyalty(*asked, *raw_query).out == "9007199254740993\n"


def test_a_mistake_in_a_query_is_told_before_any_request(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    profile_file("profiles: {p: {provider: nonesuch}}")  # would be an error, if it was read

    done = loyalty("balance", "C-1", "--query", "[].sum(balances")

    assert done.code == 2
    assert done.err.splitlines()[0] == "Error: --query: the expression is incomplete, at column 16."
    assert done.err.splitlines()[2:] == ["  [].sum(balances", f"  {' ' * 15}^"]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--field", "available", "-o", "csv"), ("--field", "--output")),
        (("--field", "available", "--query", "@"), ("--field", "--query")),
        (("--field", "available", "--raw"), ("--field", "--raw")),
        (("--field", "available", "--summary"), ("--field", "--summary")),
        (("--field", "available", "--sort", "name"), ("--field", "--sort")),
        (("--field", "available", "--output-file", "x.jsonl"), ("--field", "--output-file")),
        (("--query", "@", "-o", "csv"), ("--query", "json, jsonl")),
        (("--query", "@", "-o", "table"), ("--query", "json, jsonl")),
        (("--query", "@", "--columns", "name"), ("--query", "--columns")),
        (("--query", "@", "--copy"), ("--query", "--copy")),
        (("--columns", "name", "-o", "json"), ("--columns", "table, csv, markdown")),
        (("--sort", "name", "-o", "jsonl"), ("--sort", "table, csv, markdown")),
        (("--columns", "name", "--output-file", "x.csv"), ("--columns", "--output-file")),
        (("--amounts", "text"), ("--amounts", "json, jsonl")),
        (("--amounts", "text", "-o", "csv"), ("--amounts", "json, jsonl")),
        (("--amounts", "text", "-o", "json", "--raw"), ("--amounts", "--raw")),
        (("--amounts", "text", "-o", "json", "--output-file", "x.json"),
         ("--amounts", "--output-file")),
        (("--field", "avialable"), ("avialable", "Did you mean 'available'?")),
        (("--columns", "avialable"), ("avialable", "Did you mean 'available'?")),
        (("--sort", "-avialable"), ("avialable", "Did you mean 'available'?")),
        (("--summary", "--columns", "totl"), ("totl", "Did you mean 'total'?")),
    ],
    ids=" ".join,
)  # fmt: skip
def test_options_that_make_no_sense_together_are_an_error_of_two_lines(
    loyalty: Run, options: tuple[str, ...], named: tuple[str, ...]
) -> None:
    done = loyalty(*SANDBOX, "C-1001", *options)

    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 2
    assert all(name in done.err for name in named)


def test_amounts_as_text_are_strings_in_json_that_fit_their_schema(
    loyalty: Run, tmp_path: Path
) -> None:
    asked = (*SANDBOX, "C-1001", "--all-profiles", "-o", "json")
    numbers, texts = loyalty(*asked), loyalty(*asked, "--amounts", "text")
    validator = Draft202012Validator(json.loads(loyalty("schema", "--amounts", "text").out))

    record = json.loads(texts.out)[2]
    validator.validate(json.loads(texts.out))
    assert record["balances"][0]["available"] == "8500.000"
    assert record["schema_version"] == 2
    assert not validator.is_valid(json.loads(numbers.out))
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(numbers.out)
    new.write_text(texts.out)
    done = loyalty("diff", str(old), str(new), "-o", "json")
    assert (done.code, done.out) == (0, "[]\n")


def test_a_file_with_amounts_as_text_is_not_resumed(loyalty: Run, tmp_path: Path) -> None:
    asked = (*SANDBOX, "-p", "gameball", "-o", "jsonl")
    customers, path = tmp_path / "customers", tmp_path / "balances.jsonl"
    customers.write_text("C-1001\nC-1002\n")
    path.write_text(loyalty(*asked, "C-1001", "--amounts", "text").out)
    before = path.read_bytes()

    resumed = ("--from", str(customers), "--output-file", str(path), "--resume")
    done = loyalty(*asked, *resumed)

    assert (done.code, path.read_bytes()) == (3, before)
    assert "has amounts as text, as --amounts text prints them" in done.err


def test_a_query_of_a_list_that_ended_early_prints_nothing(loyalty: Run, tmp_path: Path) -> None:
    customers = tmp_path / "customers"
    customers.write_text("E-401\n" + "C-1001\n" * 30)

    done = loyalty(*SANDBOX, "--from", str(customers), "-p", "gameball", "--query", "length(@)")

    assert (done.code, done.out) == (4, "")


def test_a_terminal_shows_the_first_rows_of_a_sorted_list(tmp_path: Path) -> None:
    customers = tmp_path / "customers"
    customers.write_text("C-1002\n" * 100 + "C-1001\n")
    asked = ("--from", str(customers), "-p", "gameball", "--sort", "-available")

    done = in_terminal("--no-progress", *SANDBOX, *asked, "--columns", "customer,available")

    shown = unstyled(done.out)
    assert shown.index("C-1001") < shown.index("C-1002")
    assert "The first 100 of 101 rows are shown" in " ".join(shown.split())


def test_tab_completes_fields_columns_and_the_column_to_sort_by() -> None:
    assert "next_expiry_at" in complete_field()
    assert "customer,available" in complete_columns("customer,av")
    assert "customer,customer" not in complete_columns("customer,")
    assert "-available" in complete_sort("-a")
    assert "worth" in complete_sort("w")
