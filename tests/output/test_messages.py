"""What is said on stderr: a line each in a pipe, colours and wrapping in a terminal, or JSON."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from time import sleep
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli.credentials.redaction import remember
from loyalty_cli.debits.result import unknown_error
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Run, Serve
from tests.fakes.terminal import in_terminal, unstyled


def test_an_error_is_one_line_on_stderr_and_its_hint_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages.error("first\nsecond \x1b[2J [red]", "do\rthis", code=ErrorCode.SETUP)

    assert capsys.readouterr().err == "Error: first\\nsecond \\x1b[2J [red]\nHint: do\\rthis\n"


def test_a_long_error_is_shortened_and_a_long_warning_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages.error("x" * 10_000, code=ErrorCode.SETUP)
    messages.warning("9" * 10_000)

    error, warning = capsys.readouterr().err.splitlines()
    assert error == f"Error: {'x' * 600}… (9400 more characters)"
    assert warning == f"Warning: {'9' * 10_000}"


def test_the_label_of_an_error_is_coloured_in_a_terminal() -> None:
    assert "\x1b[31;1mError:\x1b[0m a customer's" in in_terminal("balance", "").out


def test_a_line_on_stderr_is_written_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the lines of several threads run into each other."""
    pieces: list[str] = []
    screen = io.StringIO()
    monkeypatch.setattr(screen, "write", pieces.append)
    monkeypatch.setattr(sys, "stderr", screen)

    messages.note("> GET /a")
    messages.error("it failed.", code=ErrorCode.SETUP)

    assert pieces == ["> GET /a\n", "Error: it failed.\n"]


def test_a_message_is_wrapped_at_words_in_a_terminal_and_one_line_in_a_pipe(program: Run) -> None:
    command = ("--sandbox", "balance", "E-500", "-p", "imprint")

    wide = program(*command).err.splitlines()
    terminal = in_terminal("--no-progress", *command, width=30)
    shown = unstyled(terminal.out).splitlines()[2:]

    assert [line.split(":")[0] for line in wide] == ["Error", "Hint"]
    assert max(map(len, shown)) <= 30
    assert " ".join(line.removeprefix("  ") for line in shown) == " ".join(wide)


def test_a_quiet_run_tells_errors_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stderr.set_quiet(True)
    try:
        messages.error("it failed.", "Try again.", ["line 7: no."], code=ErrorCode.USAGE)
        messages.warning("a doubt.")
        messages.note("done.")
        messages.banner("Sandbox.", to_all=True)
    finally:
        stderr.set_quiet(False)

    assert capsys.readouterr().err == "Error: it failed.\n  line 7: no.\n"


def test_a_quiet_run_still_tells_what_an_unknown_debit_asks_of_everybody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stderr.set_quiet(True)
    try:
        messages.failure(unknown_error("no answer"))
    finally:
        stderr.set_quiet(False)

    assert "Hint: Do not repeat it under another reference" in capsys.readouterr().err


@pytest.fixture
def as_json() -> None:
    """The messages of this test are JSON."""
    stderr.set_format(["--errors", "json"])


def objects(err: str) -> list[dict[str, Any]]:
    """The lines of stderr, each an object that fits the schema."""
    schema = json_schema()
    message = Draft202012Validator({"$ref": "#/$defs/MessageRecord", "$defs": schema["$defs"]})
    found = [json.loads(line) for line in err.splitlines()]
    for each in found:
        message.validate(each)
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ("--errors", "json", "balanc"),
        ("balance", "C-1", "--errors=json"),
        ("--errors", "json", "--bogus", "balance"),
        ("balance", "--bogus", "--errors", "json"),
        ("--errors", "json"),
        ("--errors", "json", "balance", "C-1", "--jobs", "many"),
        ("--errors", "text", "balance", "--errors", "json", "--config"),
        ("--errors", "json", "profiles", "--config", "nowhere.yaml"),
    ],
    ids=" ".join,
)
def test_a_mistake_anywhere_in_a_command_line_is_an_object(
    loyalty: Run, arguments: tuple[str, ...]
) -> None:
    done = loyalty(*arguments)

    (error,) = objects(done.err)
    assert (error["level"], error["code"]) in {("error", "usage"), ("error", "setup")}
    assert done.code in (2, 3)
    assert error["message"]
    assert error["hint"]


@pytest.mark.parametrize(
    "arguments", [("--errors", "text"), ("--errors", "xml"), ("--", "--errors=json")], ids=" ".join
)
def test_errors_are_text_unless_an_option_says_json(
    loyalty: Run, arguments: tuple[str, ...]
) -> None:
    assert loyalty("balance", *arguments).err.startswith("Error: ")


def test_each_failed_look_up_is_an_object_however_many_there_are(
    program: Run, tmp_path: Path
) -> None:
    customers = tmp_path / "customers"
    customers.write_text("\n".join(["E-404"] * 12 + ["C-1001"]))
    asked = ("--sandbox", "balance", "--from", str(customers), "-p", "imprint")

    done = program(*asked, "--errors", "json")

    failed = [each for each in objects(done.err) if each["level"] == "error"]
    assert done.code == 9
    assert len(failed) == 12
    assert {(each["customer"], each["code"], each["http_status"]) for each in failed} == {
        ("E-404", "not_found", 404)
    }
    assert done.out == program(*asked).out


def test_the_warnings_of_look_ups_have_their_codes_as_objects(loyalty: Run) -> None:
    asked = ("--sandbox", "balance", "C-1001", "-p", "imprint", "--errors", "json")

    (warning,) = objects(loyalty(*asked).err)
    assert (warning["level"], warning["code"]) == ("warning", "scale_unknown")
    assert (warning["profile"], warning["customer"]) == ("imprint", "C-1001")
    assert objects(loyalty("-q", *asked).err) == []


def test_a_failed_debit_and_the_mistakes_of_a_list_are_objects(
    loyalty: Run, tmp_path: Path
) -> None:
    debit = ("--sandbox", "debit", "-p", "saasquatch", "--yes", "--errors", "json")
    debits = tmp_path / "debits.csv"
    debits.write_text("customer,amount,reference\nC-1,x,a\nC-2,y,b\n")

    refused = loyalty(*debit, "E-insufficient", "5", "--reference", "invoice-17")
    mistaken = loyalty(*debit, "--from", str(debits))

    (error,) = objects(refused.err)
    assert (error["code"], error["customer"]) == ("refused", "E-insufficient")
    assert error["reference"] == "invoice-17"
    (error,) = objects(mistaken.err)
    assert (mistaken.code, error["code"], len(error["details"])) == (2, "usage", 2)


def test_the_requests_of_a_verbose_run_are_objects_too(loyalty: Run) -> None:
    done = loyalty("--sandbox", "-v", "--errors=json", "balance", "C-1001", "-p", "gameball")

    assert {each["level"] for each in objects(done.err)} == {"trace"}


def test_a_defect_is_an_object(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("loyalty_cli.output.json_schema.json_schema", broken)

    done = loyalty("schema", "--errors", "json")

    (error,) = objects(done.err)
    assert (done.code, error["code"], error["hint"][:6]) == (1, "defect", "Please")


def test_what_other_code_writes_to_stderr_is_a_warning(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such code is Python, which shows warnings, and a provider's package."""

    def writing(*_: object) -> dict[str, Any]:
        remember("a-secret-key")
        sys.stderr.write("kudos.py:7: UserWarning: ")
        sys.stderr.write("a-secret-key is old\n\n  warn(")
        return {}

    monkeypatch.setattr("loyalty_cli.output.json_schema.json_schema", writing)

    done = loyalty("schema", "--errors", "json")

    assert [(each["level"], each["code"], each["message"]) for each in objects(done.err)] == [
        ("warning", "other", "kudos.py:7: UserWarning: *** is old"),
        ("warning", "other", "  warn("),
    ]
    assert loyalty("schema", "--errors", "json", "--quiet").err == ""
    assert loyalty("schema").err.startswith("kudos.py:7: UserWarning: a-secret-key")


def test_ctrl_c_is_an_object(serve: Serve, profile_file: Callable[[str], Path]) -> None:
    asked = Event()

    def hang(_: Received) -> Reply:
        asked.set()
        sleep(30)
        return Reply()

    profile_file(f"profiles: {{p: {{provider: gameball, base_url: '{serve(hang)}'}}}}")
    command = (str(PROGRAM), "balance", "C-1", "-p", "p", "--errors", "json")
    settings = {**os.environ, "LOYALTY_P_API_KEY": "k", "LOYALTY_P_SECRET_KEY": "s"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=settings) as running:
        assert asked.wait(20)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()

    (error,) = objects(err)
    assert (running.returncode, error["code"]) == (130, "interrupted")


@pytest.mark.usefixtures("as_json")
def test_any_text_is_one_line_of_ascii_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = "é\x1b[2J\n\x7f\u202e\udcff 😀" + "x" * 10_000

    messages.error(text, text, [text], code=ErrorCode.USAGE)

    err = capsys.readouterr().err
    (error,) = objects(err)
    assert err.isascii()
    assert err.count("\n") == 1
    assert err.rstrip("\n").isprintable()
    assert error["message"] == error["hint"] == error["details"][0]
    assert error["message"] == text.replace("\udcff", "\\udcff")


@pytest.mark.usefixtures("as_json")
def test_programs_get_no_notes_and_are_asked_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    messages.note("done.")
    messages.banner("Sandbox.", to_all=True)

    assert capsys.readouterr().err == ""
    assert not stderr.shows_progress()
    done = in_terminal("--sandbox", "debit", "C-1001", "5", "--reference", "a", "--errors=json")
    assert "there is no terminal to ask on" in done.out
    assert "[y/N]" not in done.out
