"""--copy: the clipboard of a real terminal, byte for byte, or a refusal."""

import base64
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output import clipboard
from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Run
from tests.fakes.terminal import in_terminal, unstyled
from tests.requires import needs

PATIENCE = 20.0
ASKED = ("--sandbox", "balance", "C-1001", "C-1007", "--all-profiles")
AGE = re.compile(r"\d+ s\b")
COPIED = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")

Tmux = Callable[..., bytes]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal of 80 columns in tmux, with a clipboard of its own."""
    needs("tmux")
    socket = str(tmp_path / "tmux")

    def command(*arguments: str) -> bytes:
        return subprocess.run(
            ["tmux", "-S", socket, "-f", "/dev/null", *arguments], capture_output=True, check=True
        ).stdout

    command("new-session", "-d", "-x", "80", "-y", "24", "sh")
    command("set-option", "-g", "set-clipboard", "on")
    yield command
    command("kill-server")


def test_a_copied_table_is_on_the_clipboard_byte_for_byte(
    tmux: Tmux, tmp_path: Path, loyalty: Run
) -> None:
    ended = tmp_path / "ended"
    asking = shlex.join([str(PROGRAM), *ASKED, "--copy"])

    tmux("send-keys", "-l", f"{asking}; echo $? >{ended}.part; mv {ended}.part {ended}\n")

    until(ended.exists)
    assert ended.read_text() == "0\n"
    until(lambda: bool(tmux("list-buffers")))
    assert tmux("show-buffer").decode() == loyalty(*ASKED, "-o", "markdown").out
    screen = tmux("capture-pane", "-p").decode()
    assert "Copied as Markdown" in screen
    assert "]52;" not in screen


def until(done: Callable[[], bool]) -> None:
    latest = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < latest, "it did not come"
        time.sleep(0.05)


@pytest.mark.parametrize("output", ["table", "json", "markdown"])
def test_copy_prints_the_result_as_usual_and_copies_markdown(loyalty: Run, output: str) -> None:
    done = in_terminal(*ASKED, "-o", output, "--copy", width=200)

    (copied,) = COPIED.findall(done.out)
    assert base64.b64decode(copied).decode() == loyalty(*ASKED, "-o", "markdown").out
    heading = {"table": "imprint  C-1001", "json": '"C-1001"', "markdown": "| C-1001 | imprint |"}
    assert heading[output] in unstyled(done.out)


def test_a_summary_is_copied_too() -> None:
    done = in_terminal(*ASKED, "--summary", "--copy")

    (copied,) = COPIED.findall(done.out)
    assert base64.b64decode(copied).startswith(b"| Profile | Customers | Failed | Unit |")


@pytest.mark.parametrize("command", [("list",), ("list", "--summary"), ("show", "a")], ids=str)
def test_debits_of_the_journal_are_copied_too(loyalty: Run, command: tuple[str, ...]) -> None:
    debit = ("debit", "C-1001", "5", "--reference", "a", "-y", "-p", "gameball")
    assert loyalty("--sandbox", *debit).code == 0
    asked = ("--sandbox", "journal", *command)

    done = in_terminal(*asked, "--copy")

    (copied,) = COPIED.findall(done.out)
    expected = loyalty(*asked, "-o", "markdown").out
    assert AGE.sub("", base64.b64decode(copied).decode()) == AGE.sub("", expected)
    assert "confirmed" in done.out
    refused = loyalty(*asked, "--copy")
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize("more", [(), ("-o", "markdown"), ("-o", "json")], ids=str)
def test_copy_without_a_terminal_is_refused_before_anything_is_asked(
    loyalty: Run, more: tuple[str, ...]
) -> None:
    done = loyalty(*ASKED, *more, "--copy", "-v")

    assert (done.code, done.out) == (2, "")
    assert [line.split()[0] for line in done.err.splitlines()] == ["Error:", "Hint:"]


def test_copy_needs_stderr_in_the_terminal_too() -> None:
    done = in_terminal(*ASKED, "--copy", stderr=subprocess.PIPE)

    assert (done.code, done.out) == (2, "")
    assert "stdout or stderr is not one" in done.err


def test_copy_is_refused_beside_an_output_file() -> None:
    done = in_terminal(*ASKED, "--copy", "--output-file", "x.jsonl")

    assert done.code == 2
    assert "--output-file" in done.out


def test_a_text_that_is_too_large_for_a_terminal_is_not_copied(
    answer: Callable[..., str], card: Callable[..., object]
) -> None:
    card(answer(Reply(body={f"field {at}": "x" * 90 for at in range(1000)})))

    done = in_terminal("balance", "C-1", "--raw", "--copy", width=200)

    assert done.code == 2
    assert not COPIED.search(done.out)
    *_, error, hint = done.out.splitlines()
    assert "at most 74,994 bytes, because terminals take no more at once" in unstyled(error)
    assert unstyled(hint) == "Hint: Use -o markdown >FILE."


def test_the_longest_text_that_fits_is_copied_in_a_sequence_of_at_most_100_000_bytes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clipboard.copy("x" * clipboard.MOST_BYTES)

    sequence = capsys.readouterr().err.partition("\x07")[0] + "\x07"
    assert 99_990 <= len(sequence) <= 100_000
    with pytest.raises(LoyaltyError):
        clipboard.copy("x" * (clipboard.MOST_BYTES + 1))
    assert sys.stderr is not None
    assert capsys.readouterr().err == ""
