"""The program as a whole: its command line, what it says about a wrong one, and what it loads."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from loyalty_cli import __version__, cli
from loyalty_cli.credentials import redaction
from loyalty_cli.providers.imprint import Imprint
from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Run, Serve

TWO_PROFILES = (
    "default_profile: points\n"
    "profiles:\n"
    "  points: {provider: gameball, base_url: 'http://127.0.0.1:1'}\n"
    "  club: {provider: capillary, base_url: 'http://127.0.0.1:1'}\n"
)


def loaded(*arguments: str, env: Mapping[str, str] | None = None) -> set[str]:
    """The modules that one run of the program loads; it must say nothing on stderr."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", PROGRAM, *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0
    lines = done.stderr.splitlines()
    assert all(line.startswith("import time:") for line in lines)
    return {line.rpartition("|")[2].strip() for line in lines}


def test_version_prints_the_version(program: Run) -> None:
    done = program("--version")

    assert (done.code, done.out, done.err) == (0, f"loyalty {__version__}\n", "")


COMMANDS = ("balance", "providers", "profiles", "login", "logout", "sandbox", "schema")


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]], ids=str)
def test_the_program_without_a_command_lists_its_commands(
    loyalty: Run, arguments: list[str]
) -> None:
    done = loyalty(*arguments)

    assert done.code == 0
    assert [command for command in COMMANDS if command not in done.out] == []


@pytest.mark.parametrize("command", [*COMMANDS, "sandbox reset"])
def test_every_command_has_a_help_page(loyalty: Run, command: str) -> None:
    done = loyalty(*command.split(), "--help")

    assert (done.code, done.err) == (0, "")
    assert f"loyalty {command} [OPTIONS]" in done.out


@pytest.mark.parametrize(
    ("wrong", "error", "hint"),
    [
        (["blance", "X"], "No such command 'blance'.", "Did you mean 'balance'?"),
        (["sandbox", "rest"], "No such command 'rest'.", "Did you mean 'reset'?"),
        (["xyz"], "No such command 'xyz'.", "See `loyalty --help`."),
        (["--verson"], "No such option: --verson.", "Did you mean '--version'?"),
        (["--xyz"], "No such option: --xyz.", "See `loyalty --help`."),
        (["balance", "X", "--timout", "3"], "No such option: --timout.", "mean '--timeout'?"),
        (["balance", "X", "--sandbx"], "No such option: --sandbx.", "mean '--sandbox'?"),
        (["balance", "X", "-o", "jsn"], "'jsn' is not one of", "Did you mean 'json'?"),
        (["balance", "X", "-o"], "Option '-o' requires an argument.", "--help`."),
        (["balance", "X", "--config"], "Option '--config' requires an argument.", "--help`."),
        (["balance"], "no customer given.", "Name a customer, or a list with --from."),
        (["login"], "Missing argument 'PROFILE'.", "`loyalty login --help`."),
        (["history", "prune"], "Missing option '--before'.", "Add --before DATE. A date in UTC"),
        (["journal", "drop", "a"], "Missing option '--why'.", "Add --why TEXT. The reason"),
        (["--sandbox", "balance", "X", "--config", "x"], "exclude each other", "Leave one out."),
        (["people", "find"], "No such command 'find'.", "`loyalty people show KEY`"),
        (["schema", "x"], "unexpected extra argument(s) (x).", "`loyalty schema --help`."),
        (["-v"], "Missing command.", "See `loyalty --help`."),
        (["--\x1b[2J"], r"No such option: --\x1b[2J.", "See `loyalty --help`."),
        (["balance", "X", "-o", "\x1b[2J"], r"'\x1b[2J' is not one of", "table, json"),
        (["providers", "imprnt"], "there is no provider 'imprnt'.", "Did you mean 'imprint'?"),
        (["sandbox", "--port", "http"], "'http' is not a whole number", "`loyalty sandbox --help`"),
        (
            ["sandbox", "--port", "99999"],
            "99999 is not from 0 to 65535",
            "`loyalty sandbox --help`",
        ),
        (["--sandbox=1", "balance", "X"], "'--sandbox' does not take a value.", "--help`."),
    ],
    ids=str,
)
def test_a_wrong_command_line_is_told_with_what_was_probably_meant(
    loyalty: Run, wrong: list[str], error: str, hint: str
) -> None:
    done = loyalty(*wrong)

    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first.startswith("Error: ")
    assert error in first
    assert not first.endswith(("..", "?."))
    assert second.startswith("Hint: ")
    assert hint in second


@pytest.mark.parametrize(
    "line",
    [
        "--sandbox -v balance C-1001 -p imprint -o json",
        "balance --sandbox C-1001 --verbose -p imprint -o json",
        "balance C-1001 -p imprint -o json -v --sandbox",
    ],
)
def test_sandbox_and_verbose_may_stand_before_or_after_the_command(loyalty: Run, line: str) -> None:
    done = loyalty(*line.split())

    assert (done.record["sandbox"], done.record["error"]) == (True, None)
    sent, answered, *_ = done.err.splitlines()
    assert sent.startswith("> GET http://127.0.0.1:")
    assert answered.startswith("< 200, ")


@pytest.mark.parametrize("form", [["--config", "FILE"], ["--config=FILE"]], ids=str)
def test_config_may_stand_before_or_after_the_command(
    loyalty: Run, profile_file: Callable[[str], Path], tmp_path: Path, form: list[str]
) -> None:
    profile_file("profiles: {card: {provider: imprint}}\n")
    (tmp_path / "other.yaml").write_text(TWO_PROFILES)
    option = [part.replace("FILE", str(tmp_path / "other.yaml")) for part in form]
    shown = ("profiles", "-o", "json")

    for line, names in (
        (shown, ["card"]),
        ((*option, *shown), ["points", "club"]),
        ((*shown, *option), ["points", "club"]),
    ):
        assert [record["profile"] for record in loyalty(*line).records] == names


def test_everything_behind_two_dashes_is_a_customer(
    loyalty: Run, serve: Serve, card: Callable[..., object]
) -> None:
    balance = {"reward_balance": 7, "reward_symbol": "points"}
    card(serve(lambda received: Reply(body={**balance, "customer_id": received.path[2]})))

    done = loyalty("balance", "-o", "json", "--", "--sandbox", "-v")

    assert [record["customer"] for record in done.records] == ["--sandbox", "-v"]
    assert not any(record["sandbox"] for record in done.records)


@pytest.mark.parametrize(
    ("line", "needed", "unwanted"),
    [
        ("--version", "typer", "requests keyring yaml ssl sqlite3 rich msgspec"),
        ("--help", "typer", "requests keyring yaml ssl sqlite3 rich msgspec"),
        ("balance --help", "typer", "requests keyring yaml ssl sqlite3 rich msgspec"),
        ("help lists", "markdown_it", "requests keyring yaml ssl sqlite3 rich msgspec"),
        *(
            (f"--sandbox balance C-1001 -o {output}", "requests", "rich keyring jmespath")
            for output in ("json", "jsonl", "csv")
        ),
        # The environment has the key.
        ("balance C-1001 -o json", "requests", "rich keyring loyalty_cli.sandbox"),
    ],
)
def test_a_command_loads_no_module_that_it_does_not_need(
    answer: Callable[..., str], card: Callable[..., object], line: str, needed: str, unwanted: str
) -> None:
    card(answer({"customer_id": "C-1001", "reward_balance": 7, "reward_symbol": "points"}))

    modules = loaded(*line.split())
    packages = {module.split(".")[0] for module in modules}

    assert needed in packages
    assert not (modules | packages) & set(unwanted.split())


def test_loyalty_debug_prints_a_traceback_without_secrets(
    loyalty: Run, card: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("key=secret-of-card, c2VjcmV0LW9mLWNhcmQ= for C-1")

    card("http://127.0.0.1:1")
    monkeypatch.setattr(Imprint, "request", broken)
    monkeypatch.setattr(redaction, "_known", set())  # of the tests that ran before

    told = loyalty("balance", "C-1")
    monkeypatch.setenv("LOYALTY_DEBUG", "1")
    shown = loyalty("balance", "C-1")

    assert (told.code, shown.code) == (1, 1)
    assert len(told.err.splitlines()) == 2
    assert shown.err.startswith(told.err)
    assert "Traceback (most recent call last):" in shown.err
    assert "in broken" in shown.err
    assert shown.err.splitlines()[-1].startswith("RuntimeError: key=***, ")
    assert "secret" not in shown.err
    assert "c2VjcmV0LW9m" not in shown.err


def test_an_error_of_the_system_names_the_file(
    loyalty: Run, card: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "/the/file")

    card("http://127.0.0.1:1")
    monkeypatch.setattr(Imprint, "request", broken)

    done = loyalty("balance", "C-1")

    assert (done.code, done.out) == (3, "")
    assert done.err.endswith(
        "Error: the system reported: [Errno 13] Permission denied: '/the/file'.\n"
        "Hint: Fix this, then run it again.\n"
    )


def test_ctrl_c_while_the_program_is_loading_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")

    done = subprocess.run(
        [sys.executable, "-m", "loyalty_cli", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=30,
    )

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"Interrupted.\n")


def test_ctrl_c_that_is_pressed_twice_is_one_object(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Person:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name in ('typer', 'msgspec'):\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Person())\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "loyalty_cli", "--errors", "json", "--version"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=30,
    )

    (line,) = done.stderr.splitlines()
    assert (done.returncode, json.loads(line)["code"]) == (130, "interrupted")


@pytest.mark.parametrize(
    ("line", "made"),
    [
        ("balance C-1 -o json", "balance"),
        ("--config a.yaml -v balance journal", "balance"),
        ("balance C-1 --config journal", "balance"),
        ("--errors=json journal list", "journal"),
        ("help balance", ""),
        ("lookup C-1", ""),
        ("--version", ""),
        ("--config", ""),
    ],
)
def test_a_run_makes_only_the_command_that_its_line_names(line: str, made: str) -> None:
    """To make them all takes longer than to send a request."""
    assert cli._first_command(line.split()) == made
    assert not made or [*cli.program.__wrapped__(made).commands] == [made]
