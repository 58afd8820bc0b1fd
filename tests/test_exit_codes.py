"""The exit code tells a script how a run ended: each code, from the real program."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Run
from tests.fakes.debit_platform import platform
from tests.requires import without_rights

SANDBOX = ("--sandbox", "balance")
DEBIT = ("--sandbox", "debit", "-y")
ROWS = "customer,amount,reference\n"
FORMATS = ["table", "json", "jsonl", "csv"]
QUICK = ("--timeout", "0.5")
"""Less than a platform's Retry-After asks to wait, so nothing is tried again."""


LOOK_UPS = [
    (["C-1001", "C-1002"], 0),
    ([""], 2),
    (["C-1001", "-O", "currency"], 2),
    (["C-1001", "--timeout", "0"], 2),
    (["C-1001", "-o", "xml"], 2),
    (["C-1001", "-p", "gamebal"], 3),
    (["E-401"], 4),
    (["E-404"], 5),
    *(([customer], 7) for customer in ("E-429", "E-500", "E-html", "E-slow", "E-reset")),
    # Of several the common code, or 9 where they differ.
    (["E-404", "E-4041"], 5),
    (["E-401", "E-401"], 4),
    (["E-html", "E-reset"], 7),
    (["C-1001", "E-404"], 9),
    (["E-404", "E-401"], 9),
    (["E-html", "E-401", "C-1001"], 9),
]
DEBITS = [
    (["C-1001", "5", "--reference", "a"], 0),
    (["C-1001", "5", "--reference", "a", "--dry-run"], 0),
    (["C-1001", "0", "--reference", "a"], 2),
    (["C-1001", "5"], 2),
    (["C-1001", "5", "--reference", "a", "-p", "nowhere"], 3),
    (["E-401", "5", "--reference", "a"], 4),
    (["E-404", "5", "--reference", "a"], 5),
    (["C-1001", "5", "--reference", "a", "-p", "omneo"], 6),
    (["C-1001", "5001", "--reference", "a"], 6),
    (["C-1005", "301", "--reference", "a"], 6),
    (["E-insufficient", "5", "--reference", "a"], 6),
    (["E-html", "5", "--reference", "a"], 7),
    (["E-lost-reply", "5", "--reference", "a"], 8),
    (["E-late", "5", "--reference", "a", "-p", "gameball"], 8),
]


@pytest.mark.parametrize(("asked", "code"), LOOK_UPS, ids=str)
def test_a_look_up_exits_with_the_code_of_its_outcome(
    loyalty: Run, asked: list[str], code: int
) -> None:
    quick = () if "--timeout" in asked else QUICK

    assert loyalty(*SANDBOX, *asked, *quick).code == code


def test_a_missing_file_or_journal_exits_with_3_and_a_missing_credential_with_4(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    without_file = loyalty("balance", "C-1001")
    debit = "debit: {allow: true, unit: x}"
    profile_file(f"default_profile: p\nprofiles: {{p: {{provider: gameball, {debit}}}}}\n")
    without_credential = loyalty("balance", "C-1001")
    without_journal = loyalty("debit", "C-1", "5", "--reference", "a", "-y")

    assert (without_file.code, without_credential.code) == (3, 4)
    assert "there is no profile file" in without_file.err
    assert "LOYALTY_P_API_KEY" in without_credential.err
    assert (without_journal.code, without_journal.out) == (3, "")
    assert "there is no journal" in without_journal.err


def test_a_refusal_exits_with_6_and_an_unreachable_platform_with_7(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object]
) -> None:
    card(answer(Reply(422, {"error": {"type": "INVALID_REQUEST_ERROR", "message": "no"}})))
    assert loyalty("balance", "C-1001").code == 6

    card("http://127.0.0.1:1")
    assert loyalty("balance", "C-1001", *QUICK).code == 7


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            "KeyError('the secret in it')",
            1,
            ["Error: .* has a defect: KeyError in <string>, line 2.", "Hint: .* report it, .*"],
        ),
        ("KeyboardInterrupt", 130, ["Interrupted."]),
    ],
    ids=["defect", "ctrl-c"],
)
def test_a_defect_and_ctrl_c_are_told_without_a_traceback(
    error: str, code: int, lines: list[str]
) -> None:
    broken = (
        "from loyalty_cli import cli\n"
        f"def broken(*_): raise {error}\n"
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

    assert (done.returncode, done.stdout) == (code, "")
    assert re.fullmatch("\n".join([*lines, ""]), done.stderr)
    assert "secret in it" not in done.stderr


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["balances", "raw"])
def test_the_exit_code_is_the_same_in_every_format(
    loyalty: Run, output: str, raw: list[str]
) -> None:
    for customers, code in ((["C-1001"], 0), (["E-404"], 5), (["C-1001", "E-404"], 9)):
        assert loyalty(*SANDBOX, *customers, "-o", output, *raw).code == code


@pytest.mark.parametrize(("asked", "code"), DEBITS, ids=str)
def test_a_debit_exits_with_the_code_of_its_outcome(
    loyalty: Run, asked: list[str], code: int
) -> None:
    done = loyalty(*DEBIT, *asked)

    assert done.code == code
    assert ("Error: " in done.err) == (code != 0)


@pytest.mark.parametrize("output", FORMATS)
def test_debits_and_reconcile_exit_with_8_while_a_debit_is_unknown(
    loyalty: Run, output: str
) -> None:
    asked = (*DEBIT, "E-lost-reply", "5", "--reference", "a", "-o", output)
    reconcile = ("--sandbox", "journal", "reconcile", "-o", output)

    first, again = loyalty(*asked), loyalty(*asked)

    assert (first.code, again.code) == (8, 8)
    assert "unknown" in first.out
    assert "Do not repeat it under another reference" in first.err
    loyalty(*DEBIT, "E-lost-reply", "5", "--reference", "b", "-p", "gameball")
    assert loyalty(*reconcile).code == 0
    loyalty(*DEBIT, "E-late", "5", "--reference", "c")
    assert loyalty(*reconcile).code == 8
    assert loyalty("--sandbox", "journal", "list", "-o", output).code == 0


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("C-1001,5,a\nC-1004,5,b\n", 0),
        ("E-404,5,a\nE-404,6,b\n", 5),
        ("E-insufficient,5,a\nC-1005,301,b\n", 6),
        ("C-1001,5,a\nE-404,5,b\n", 9),
        ("E-404,5,a\nC-1005,301,b\n", 9),
        ("C-1001,5,a\nE-lost-reply,5,b\nE-404,5,c\n", 8),
    ],
    ids=str,
)
def test_several_debits_exit_with_their_common_code_or_else_with_8_or_9(
    loyalty: Run, tmp_path: Path, rows: str, code: int, output: str
) -> None:
    file = tmp_path / "debits.csv"
    file.write_text(ROWS + rows)

    assert loyalty(*DEBIT, "--from", str(file), "-o", output).code == code


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"]
)
def test_a_signal_ends_a_run_of_debits_in_good_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loyalty: Run, number: int, code: int
) -> None:
    file = tmp_path / "debits.csv"
    file.write_text(ROWS + "".join(f"C-1001,1,ref-{each}\n" for each in range(100)))
    with platform(tmp_path, monkeypatch) as there:
        assert loyalty("journal", "init").code == 0
        with subprocess.Popen(
            [PROGRAM, "debit", "--from", str(file), "-y", "-o", "jsonl"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        records = loyalty("journal", "list", "-o", "json").records

    assert process.returncode == code
    assert "run the same command again" in err
    assert "Traceback" not in err
    made = [each for each in records if each["state"] == "confirmed"]
    assert {each["state"] for each in records} == {"confirmed", "planned"}
    assert len(made) == len(there.debits) == len((first + out).splitlines())


@pytest.mark.parametrize("command", ["balance C-1", "debit C-1 5 -y", "journal list", "profiles"])
@pytest.mark.parametrize("hidden", [".", "config.yaml"], ids=["folder", "file"])
def test_a_profile_file_that_cannot_be_read_exits_with_3(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, command: str, hidden: str
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "config.yaml").write_text("profiles: {card: {provider: imprint}}\n")
        (folder / hidden).chmod(0)
        monkeypatch.setenv("LOYALTY_CONFIG", str(folder / "config.yaml"))

        with without_rights():
            done = loyalty(*command.split())

        folder.chmod(0o700)
    assert done.code == 3
    assert "cannot be read: Permission denied" in done.err
