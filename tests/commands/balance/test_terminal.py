"""`loyalty balance --from` at a terminal: how far it is, and nothing of that anywhere else."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.commands.balance.lists import (
    At,
    Gate,
    Listed,
    found,
    lines,
    names,
    not_found,
)
from tests.fakes.terminal import in_terminal, terminal, to_the_end, unstyled

pytestmark = pytest.mark.timeout(60)

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def some_fail(customer: str) -> Reply:
    return not_found(customer) if int(customer[2:]) % 10 == 0 else found(customer)


def test_a_person_sees_the_count_the_failures_the_rate_and_the_time_left(
    at: At, listed: Listed, tmp_path: Path
) -> None:
    later = Gate("C-60", some_fail)
    first = Gate("C-30", later)
    at(first)
    written = tmp_path / "out.jsonl"
    name = listed(lines(names(90)))

    asked = ("balance", "--from", name, "-o", "jsonl")
    with terminal(*asked, command=f'exec "$@" >{written}') as child:
        child.expect(r"m29/90\D")
        child.expect(r"2 failed.*\d/s")
        first.open()
        child.expect(r"m59/90\D")
        child.expect(r"5 failed.*\d/s.*\d:\d\d:\d\d")
        later.open()
        shown = to_the_end(child)

    assert child.exitstatus == 9
    assert [json.loads(line)["customer"] for line in written.read_text().splitlines()] == names(90)
    assert shown.count(SHOW) == 1
    assert "9 of 90 look-ups failed: not found." in unstyled(shown)


def test_progress_of_a_list_from_a_pipe_has_no_total(
    at: At, listed: Listed, tmp_path: Path
) -> None:
    gate = Gate("C-20")
    at(gate)
    command = f'cat {listed(lines(names(30)))} | "$@" >{tmp_path / "out"}'

    with terminal("balance", "--from", "-", "-o", "csv", command=command) as child:
        child.expect(r"m19/\?")
        gate.open()
        shown = to_the_end(child)

    assert "Error" not in shown


def test_progress_does_not_come_between_records_in_the_same_terminal(
    at: At, listed: Listed
) -> None:
    at()

    for output in ("jsonl", "csv", "json"):
        done = in_terminal("balance", "--from", listed(lines(names(30))), "-o", output)
        assert done.code == 0
        assert "\x1b" not in done.out
        assert "30/30" not in done.out


def test_a_table_comes_after_the_progress_has_been_removed(at: At, listed: Listed) -> None:
    at()

    done = in_terminal("balance", "--from", listed(lines(names(130))), width=100)

    assert done.code == 0
    # What a screen keeps is what comes after the last time that it was wiped.
    kept = unstyled(done.out[done.out.rindex("\x1b[2K") :])
    assert "/130" not in kept
    assert [word for word in kept.split() if word.startswith("C-")] == names(100)
    assert kept.splitlines()[-2] == (
        "The first 100 of 130 look-ups are shown; `| less`, -o jsonl, json or csv shows all."
    )
    assert re.fullmatch(r"130 look-ups in [\d.]+ s: all answered\.", kept.splitlines()[-1])


def test_the_last_line_on_a_terminal_says_what_was_done_and_where_it_is(
    at: At, listed: Listed, tmp_path: Path
) -> None:
    at(some_fail)
    asked = (
        "balance",
        "--from",
        listed(lines(names(20))),
        "--output-file",
        str(tmp_path / "o.csv"),
    )

    first, again = (in_terminal(*asked, *more, width=200) for more in ((), ("--resume",)))

    done = r"in [\d.]+ s: 18 answered, 2 failed; written to '.*o\.csv'\."
    assert re.fullmatch(rf"20 look-ups {done}", first.out.splitlines()[-1])
    assert re.fullmatch(rf"20 look-ups \(20 of an earlier run\) {done}", again.out.splitlines()[-1])


def test_progress_is_not_written_to_a_log(at: At, listed: Listed) -> None:
    at(some_fail)

    done = in_terminal(
        *("balance", "--from", listed(lines(names(20))), "-o", "jsonl"), stderr=subprocess.PIPE
    )

    assert done.code == 9
    assert done.err.splitlines()[-1] == "2 of 20 look-ups failed: not found."
    assert "\x1b" not in done.err
    assert "20/20" not in done.err


@pytest.mark.parametrize("output", ["jsonl", "table"])
def test_a_list_can_be_typed_at_a_terminal(output: str, at: At) -> None:
    platform = at()

    with terminal("balance", "--from", "-", "-o", output) as child:
        for customer in names(3):
            child.sendline(customer)
            # The terminal echoes it, at once or after the record before it.
            child.expect(f'"customer":"{customer}"' if output == "jsonl" else customer)
        child.sendeof()
        shown = to_the_end(child)

    assert child.exitstatus == 0
    assert sorted(platform.asked) == names(3)
    if output == "table":
        assert HIDE not in shown  # no progress while somebody types
        *_, first, second, third, end = unstyled(shown).splitlines()
        assert [row.split()[0] for row in (first, second, third)] == names(3)
        assert end.startswith("3 look-ups in ")


def test_ctrl_c_at_a_terminal_ends_a_list_in_good_order(
    at: At, listed: Listed, tmp_path: Path
) -> None:
    gate = Gate("C-20")
    at(gate)
    written = tmp_path / "out.json"

    asked = ("balance", "--from", listed(lines(names(60))), "-o", "json")
    with terminal(*asked, command=f'exec "$@" >{written}') as child:
        child.expect(r"m19/60\D")
        child.sendintr()
        shown = to_the_end(child)
    gate.open()

    assert child.exitstatus == 130
    assert [record["customer"] for record in json.loads(written.read_text())][:19] == names(19)
    assert shown.rstrip().endswith("Interrupted.")
    assert shown.count(SHOW) == 1


@pytest.mark.parametrize("where", ["| head -1 >/dev/null", ">/dev/full"])
def test_the_cursor_comes_back_however_a_list_ends(where: str, at: At, listed: Listed) -> None:
    at()

    asked = ("balance", "--from", listed(lines(names(900))), "-o", "jsonl")
    with terminal(*asked, command=f'"$@" {where}') as child:
        shown = to_the_end(child)

    assert shown.count(HIDE) == shown.count(SHOW)
    assert shown.rfind(SHOW) >= shown.rfind(HIDE)
    if "full" in where:
        said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown[shown.rindex(SHOW) :])
        assert "Error: the result cannot be written to stdout: No space left on device." in said
