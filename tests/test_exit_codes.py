"""The exit code tells a script how a run ended: each code, from the real program."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Run

SANDBOX = ("--sandbox", "balance")
QUICK = ("--timeout", "0.5")
"""Less than a platform's Retry-After asks to wait, so nothing is tried again."""


def test_0_all_done(program: Run) -> None:
    done = program(*SANDBOX, "C-1001", "C-1002")

    assert (done.code, done.err) == (0, "")


def test_1_a_defect_in_the_program_is_one_line_without_what_the_exception_holds() -> None:
    broken = (
        "from loyalty_cli import cli\n"
        "def broken(*_): raise KeyError('the secret in it')\n"
        "cli._typer = broken\n"
        "cli.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", broken, "schema"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert "has a defect: KeyError in <string>, line 2." in error
    assert "report it" in hint
    assert "secret in it" not in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["balnce", "C-1"],
        ["balance"],
        ["balance", "C-1", "-o", "xml"],
        [*SANDBOX, ""],
        [*SANDBOX, "C-1001", "-O", "currency"],
        [*SANDBOX, "C-1001", "--timeout", "0"],
    ],
    ids=" ".join,
)
def test_2_usage(program: Run, wrong: list[str]) -> None:
    assert program(*wrong).code == 2


def test_3_no_profile_file(program: Run) -> None:
    done = program("balance", "C-1001")

    assert done.code == 3
    assert "there is no profile file" in done.err


def test_3_no_such_profile(program: Run) -> None:
    assert program(*SANDBOX, "C-1001", "-p", "gamebal").code == 3


def test_4_a_credential_is_missing(program: Run, profile_file: Callable[[str], Path]) -> None:
    profile_file("default_profile: p\nprofiles: {p: {provider: gameball}}\n")

    done = program("balance", "C-1001")

    assert done.code == 4
    assert "LOYALTY_P_API_KEY" in done.err


def test_4_a_credential_was_refused(program: Run) -> None:
    assert program(*SANDBOX, "E-401").code == 4


def test_5_no_such_customer(program: Run) -> None:
    assert program(*SANDBOX, "E-404").code == 5


def test_6_the_platform_refused(
    program: Run, answer: Callable[..., str], card: Callable[..., object]
) -> None:
    card(answer(Reply(422, {"error": {"type": "INVALID_REQUEST_ERROR", "message": "no"}})))

    assert program("balance", "C-1001").code == 6


@pytest.mark.parametrize("customer", ["E-429", "E-500", "E-html", "E-slow", "E-reset"])
def test_7_the_platform_cannot_be_had(program: Run, customer: str) -> None:
    assert program(*SANDBOX, customer, *QUICK).code == 7


def test_7_nobody_listens(program: Run, card: Callable[..., object]) -> None:
    card("http://127.0.0.1:1")

    assert program("balance", "C-1001", *QUICK).code == 7


@pytest.mark.parametrize(
    ("customers", "code"),
    [
        (["E-404", "E-4041"], 5),
        (["E-401", "E-401"], 4),
        (["E-html", "E-reset"], 7),
        (["C-1001", "E-404"], 9),
        (["E-404", "E-401"], 9),
        (["E-html", "E-401", "C-1001"], 9),
    ],
    ids=str,
)
def test_of_several_the_common_code_or_9_where_they_differ(
    program: Run, customers: list[str], code: int
) -> None:
    done = program(*SANDBOX, *customers, *QUICK)

    assert done.code == code


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
@pytest.mark.parametrize("raw", [[], ["--raw"]])
def test_the_code_is_the_same_in_every_format(loyalty: Run, output: str, raw: list[str]) -> None:
    for customers, code in ((["C-1001"], 0), (["E-404"], 5), (["C-1001", "E-404"], 9)):
        assert loyalty(*SANDBOX, *customers, "-o", output, *raw).code == code


@pytest.mark.parametrize("customers", [["E-slow"], ["E-slow", "E-slow"]], ids=" ".join)
def test_130_ctrl_c_ends_it_at_once(customers: list[str]) -> None:
    with subprocess.Popen(
        [PROGRAM, "-v", *SANDBOX, *customers, "-o", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("> GET ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert process.returncode == 130
    assert out == ""
    assert "Interrupted." in err.splitlines()
    assert "Traceback" not in err


def test_ctrl_c_while_it_starts_is_no_traceback() -> None:
    starting = (
        "import sys, _thread\n"
        "from loyalty_cli import cli\n"
        "def interrupted(*_): raise KeyboardInterrupt\n"
        "cli._typer = interrupted\n"
        "cli.main()\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", starting], capture_output=True, text=True, check=False, timeout=30
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
