"""The same result in a terminal and in a pipe, and what a hostile platform can do to either."""

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from loyalty_cli.output.escape import is_shown, visible
from loyalty_cli.sandbox.server import Reply
from tests.conftest import Run
from tests.fakes.terminal import in_terminal, run_together, unstyled

WIDTHS = [20, 40, 80, 200]
HOSTILE = (
    "a\x1b[31mb\x9b32mc\x1b]8;;http://evil\x07d\x1b]52;c;eA==\x07e\r\b\x00\u202e"
    " [red]r[/red] [/x] [gold] :star: \u2028\x7f"
)
WISHES = {
    "CLICOLOR_FORCE": "1",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "1",
    "COLUMNS": "20",
    "TERM": "xterm-256color",
}


@pytest.fixture
def hostile(answer: Callable[..., str], card: Callable[..., object]) -> None:
    texts = {"reward_symbol": HOSTILE, "reward_description": HOSTILE}
    card(answer({"customer_id": "C-1", "reward_balance": 7, **texts}))


def acting(text: str) -> set[str]:
    """The characters that a terminal would act on, line ends aside."""
    return {sign for sign in text if not is_shown(sign)} - {"\n"}


def test_a_balance_table_has_profile_customer_and_what_is_pending() -> None:
    shown = unstyled(in_terminal("--sandbox", "balance", "C-1001", "-p", "gameball", width=120).out)

    banner, heading, _, about, line = shown.splitlines()
    assert banner == "Sandbox: these customers are made up."
    assert heading.split() == ["Available", "Pending", "Worth", "Next", "expiry"]
    assert about == "gameball  C-1001"
    assert re.split(" {2,}", line.strip()) == [
        *("Reward Points", "1200 points", "300 points", "60 USD"),
        "200 points, 1 Dec 2024, past",
    ]


ONE_EVERYWHERE = ("--sandbox", "balance", "C-1001", "--all-profiles")
TEN_AT_ONE = ("--sandbox", "balance", *(f"C-{1001 + at}" for at in range(10)), "-p")


@pytest.mark.parametrize(
    ("asked", "width", "most"),
    [
        (ONE_EVERYWHERE, 80, 24),
        (ONE_EVERYWHERE, 40, 40),
        ((*TEN_AT_ONE, "gameball"), 80, 24),
        ((*TEN_AT_ONE, "imprint"), 80, 24),
    ],
)
def test_a_usual_question_is_answered_on_one_screen(
    asked: tuple[str, ...], width: int, most: int
) -> None:
    lines = in_terminal(*asked, width=width, stderr=subprocess.PIPE).out.splitlines()

    assert len(lines) <= most
    assert max(map(len, map(unstyled, lines))) <= width


def test_a_table_for_a_screen_reader_has_a_fact_a_line() -> None:
    asked = ("--sandbox", "balance", "C-1001", "-p", "gameball")

    accessible = in_terminal(*asked, env={"ACCESSIBLE": "1"})
    chosen = in_terminal(*asked, "--layout", "list", env={"ACCESSIBLE": "0"})

    assert accessible == chosen
    assert unstyled(chosen.out).splitlines()[1:4] == [
        *("Profile: gameball", "Customer: C-1001", "Name: Reward Points"),
    ]
    assert "─" not in chosen.out


@pytest.mark.parametrize(
    ("layout", "first"), [("groups", ""), ("wide", "Customer"), ("list", "Profile:")]
)
def test_every_layout_of_a_table_can_be_chosen_in_a_pipe(
    loyalty: Run, layout: str, first: str
) -> None:
    asked = ("--sandbox", "balance", "C-1001", "-p", "imprint", "--layout", layout)

    done = loyalty(*asked)

    assert done.out.startswith(first)
    assert "120000 $" in done.out
    # The warning is said once: in the table, or on stderr.
    assert (done.out + done.err).count("Imprint does not say") == 1
    assert ("Imprint does not say" in done.err) is (layout == "wide")


def test_an_unknown_layout_is_an_error_of_two_lines(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "C-1001", "--layout", "gruops")

    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[1:] == ["Hint: Did you mean 'groups'?"]


@pytest.mark.parametrize(
    ("failing", "ending"),
    [
        (("E-404",), "2 of 4 look-ups answered, 2 not found, 1 warning."),
        (("E-500",), "2 of 4 look-ups answered, 1 warning."),
        ((), "2 of 2 platforms answered, 1 warning."),
    ],
)
def test_a_table_in_a_terminal_ends_with_what_is_missing(
    failing: tuple[str, ...], ending: str
) -> None:
    asked = ("--sandbox", "balance", "C-1001", *failing, "-p", "imprint", "-p", "gameball")

    done = in_terminal(*asked, width=100, stderr=subprocess.PIPE)

    last = unstyled(done.out).splitlines()[-1]
    assert last == f"{ending} For a ticket: -o markdown or --copy"
    # What failed stands in the table, and nobody reads it twice.
    for customer in failing:
        assert f"gameball  {customer}\n  " in unstyled(done.out)
    assert "Error" not in unstyled(done.err)


def test_a_table_of_a_quiet_run_ends_without_a_hint() -> None:
    asked = ("-q", "--sandbox", "balance", "C-1001", "E-404", "-p", "gameball")

    done = in_terminal(*asked, stderr=subprocess.PIPE)

    assert unstyled(done.out).endswith("1 of 2 look-ups answered, 1 not found.\n")


def test_a_table_without_gaps_and_warnings_has_no_ending() -> None:
    done = in_terminal("--sandbox", "balance", "C-1001", "-p", "gameball", "-p", "saasquatch")

    assert "answered" not in done.out


@pytest.mark.parametrize("width", WIDTHS)
def test_a_terminal_of_any_width_shows_every_digit_and_every_warning(
    loyalty: Run, width: int
) -> None:
    asked = ["--sandbox", "balance", "C-1006", "C-1007", "E-404", "--all-profiles"]

    shown = run_together(unstyled(in_terminal(*asked, width=width).out))

    for record in loyalty(*asked, "-o", "json").records:
        assert record["customer"] in shown
        assert record["profile"] in shown
        for warning in record["warnings"]:
            assert run_together(f"! {warning['message']}") in shown
        for line in record["balances"]:
            assert run_together(line["name"]) in shown
            for name in ("available", "pending"):
                if line[name] is not None:
                    assert f"{line[name]:f}{line['unit'] or ''}" in shown


@pytest.mark.parametrize(
    ("width", "env"), [(0, {}), (19, {}), (80, {"COLUMNS": "0"}), (80, {"COLUMNS": "19"})], ids=str
)
def test_a_terminal_of_an_impossible_width_gets_the_usual_one(
    width: int, env: dict[str, str]
) -> None:
    asked = ("--sandbox", "balance", "C-1001", "C-1006", "--all-profiles")

    usual, odd = (
        in_terminal(*asked, width=columns, env=more, stderr=subprocess.PIPE)
        for columns, more in ((80, {}), (width, env))
    )

    assert "12345678901234567.890" in usual.out
    assert (odd.code, odd.out) == (0, usual.out)


def test_a_warning_stands_under_its_rows_and_not_on_stderr_too() -> None:
    done = in_terminal(
        *("--sandbox", "balance", "C-1004", "C-1001", "-p", "imprint"),
        width=200,
        stderr=subprocess.PIPE,
    )

    lines = unstyled(done.out).splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["imprint", "C-1004", "C-1001"]
    assert lines[5].startswith("  ! Whole $ or cents? Imprint does not say.")
    assert len(lines) == 8  # once for both, a blank line, and how many have one
    assert done.err == ""


def test_a_table_in_a_pipe_has_the_same_cells_and_its_warnings_on_stderr(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "C-1004", "-p", "imprint")

    assert [line.split() for line in done.out.splitlines()] == [
        ["Customer", "Profile", "Name", "Available"],
        ["C-1004", "imprint", "rewards", "2599", "$?"],
    ]
    assert done.err.startswith("Warning: C-1004 at imprint: Whole $ or cents? Imprint")


@pytest.mark.parametrize("output", ["table", "csv"])
def test_a_pipe_gets_no_colours_and_no_wrapping(
    program: Run, environment: dict[str, str], output: str
) -> None:
    asked = ("--sandbox", "balance", "C-1001", "C-1006", "E-404", "-p", "gameball", "-o", output)

    plain, wished = program(*asked), program(*asked, env=environment | WISHES)

    assert "\x1b" not in wished.out + wished.err
    if output == "table":
        assert wished.out == plain.out
        assert len(wished.out.splitlines()) == 4
    assert len(wished.out.splitlines()) == len(plain.out.splitlines())


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_a_terminal_without_colours_gets_none(wish: dict[str, str]) -> None:
    done = in_terminal("--sandbox", "balance", "C-1004", "E-404", "-p", "imprint", env=wish)

    assert done.code == 9
    assert "2599 $" in unstyled(done.out)
    assert "\x1b" not in done.out
    assert "NOT FOUND: Imprint has no customer 'E-404'" in done.out


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["balances", "raw"])
@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_hostile_text_is_escaped_in_a_pipe_and_unchanged_in_json(
    loyalty: Run, output: str, raw: list[str]
) -> None:
    done = loyalty("balance", "C-1", "-o", output, *raw)

    assert done.code == 0
    assert acting(done.out) == acting(done.err) == set()
    assert "[/x]" in done.out
    assert ":star:" in done.out
    if "json" in output:
        record = json.loads(done.out.strip().removeprefix("[").removesuffix("]"))
        name = record["raw"]["reward_description"] if raw else record["balances"][0]["name"]
        assert name == HOSTILE
    else:
        assert r"\x1b[31m" in done.out


@pytest.mark.parametrize("output", ["table", "json"])
def test_a_hostile_error_does_nothing_in_a_terminal(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object], output: str
) -> None:
    card(answer(Reply(404, {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": HOSTILE})))

    done = loyalty("balance", "C-1", "-o", output)

    assert done.code == 5
    assert acting(done.out) == acting(done.err) == set()
    assert r"a\x1b[31mb" in done.err


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize("output", ["table", "json", "csv"])
def test_hostile_text_does_nothing_in_a_terminal(output: str) -> None:
    done = in_terminal("balance", "C-1", "-o", output, width=80)

    shown = unstyled(done.out)
    assert done.code == 0
    assert acting(shown) == set()
    if output == "table":
        assert run_together(visible(HOSTILE)) in run_together(shown)
