"""`loyalty help`: commands and topics, whose pages are those of the documentation."""

import os
import re
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.commands.help.examples import EXAMPLES
from loyalty_cli.commands.help.topics import SECTIONS, topics
from tests.conftest import PROGRAM, Run
from tests.documentation.pages import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))
COMMANDS = {path.split()[1] for path in EXAMPLES if " " in path}
PROMISED = ("exit-codes", "credentials", "output", "environment", "lists", "debits")


def test_every_page_of_the_documentation_is_a_topic() -> None:
    assert {topic.path for topic in topics().values()} == {
        *PAGES,
        ROOT / "loyalty_cli/providers/ADDING.md",
    }
    assert set(PROMISED) <= set(topics())


def test_no_topic_has_the_name_of_a_command() -> None:
    assert COMMANDS & set(topics()) == set()


@pytest.mark.parametrize("topic", topics())
def test_a_topic_shows_every_word_of_its_page(loyalty: Run, topic: str) -> None:
    done = loyalty("help", topic)

    prose = re.sub(r"\]\([^)]*\)|^ *```\w+$", "", topics()[topic].markdown, flags=re.MULTILINE)
    words = re.findall(r"\w+", prose)
    shown = re.findall(r"\w+", done.out)
    assert (done.code, done.err) == (0, "")
    assert set(words) <= set(shown)
    assert len(shown) >= 0.95 * len(words)
    assert "](" not in done.out
    assert "\x1b" not in done.out


def test_a_topic_that_is_a_section_has_that_section_alone(loyalty: Run) -> None:
    for topic, (page, section) in SECTIONS.items():
        heading = f"## {section}\n"
        text = (ROOT / "docs" / page).read_text()

        assert topics()[topic].markdown.startswith(heading)
        assert topics()[topic].markdown.count("\n## ") == 0
        assert topics()[topic].markdown in text
        assert loyalty("help", topic).out.startswith(f"{section}\n---")


@pytest.mark.parametrize("command", ["balance", "journal", "journal list", "providers check"])
def test_a_command_has_the_page_of_its_help_option(loyalty: Run, command: str) -> None:
    assert loyalty("help", *command.split()) == loyalty(*command.split(), "--help")


def test_help_alone_lists_every_command_and_every_topic(loyalty: Run) -> None:
    done = loyalty("help")

    listed = re.findall(r"^  ([\w-]+)  ", done.out, re.MULTILINE)
    assert (done.code, done.err) == (0, "")
    assert sorted(listed) == sorted([*COMMANDS, *topics()])
    assert "  exit-codes      Exit codes\n" in done.out


@pytest.mark.parametrize(
    ("wrong", "error", "hint"),
    [
        ("lits", "there is no command or topic 'lits'.", "Did you mean 'lists'?"),
        ("exit", "there is no command or topic 'exit'.", "Did you mean 'exit-codes'?"),
        ("bulk", "there is no command or topic 'bulk'.", "Did you mean 'lists'?"),
        ("exitcodes", "there is no command or topic 'exitcodes'.", "Did you mean 'exit-codes'?"),
        ("blance", "there is no command or topic 'blance'.", "Did you mean 'balance'?"),
        ("xyzzy", "there is no command or topic 'xyzzy'.", "Available: balance, "),
        ("journal lst", "journal has no command 'lst'.", "Did you mean 'list'?"),
        ("balance x", "balance has no command 'x'.", "See `loyalty help balance`."),
        ("lists x", "there is no command or topic 'lists'.", "Did you mean 'lists'?"),
    ],
)
def test_what_is_neither_is_told_with_what_was_probably_meant(
    loyalty: Run, wrong: str, error: str, hint: str
) -> None:
    done = loyalty("help", *wrong.split())

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {error}\nHint: {hint}")


def test_a_topic_is_as_wide_as_columns_say(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    narrow = loyalty("help", "exit-codes").out
    monkeypatch.setenv("COLUMNS", "400")

    assert max(map(len, narrow.splitlines())) == 40
    assert 80 < max(map(len, loyalty("help", "exit-codes").out.splitlines())) <= 100


def test_on_a_terminal_a_topic_is_shown_in_the_pager(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    settings = {**os.environ, "PAGER": f"cat >{shown}", "TERM": "xterm"}

    child = pexpect.spawn(str(PROGRAM), ["help", "exit-codes"], env=settings, encoding="utf-8")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert shown.read_text().startswith("Exit codes\n==========\n")


def test_a_terminal_that_can_do_nothing_gets_plain_text() -> None:
    settings = {**os.environ, "TERM": "dumb"}

    child = pexpect.spawn(str(PROGRAM), ["help", "exit-codes"], env=settings, encoding="utf-8")
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert str(child.before).startswith("Exit codes\r\n==========\r\n")
    assert "\x1b" not in str(child.before)
