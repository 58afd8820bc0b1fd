"""The man pages say what --help says, and every reader of man pages can show them."""

import os
import re
import runpy
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from loyalty_cli.cli import program
from loyalty_cli.commands.help.page import pages
from tests.documentation.pages import ROOT
from tests.requires import needs

GENERATE = runpy.run_path(str(ROOT / "man" / "generate.py"))
MAN_PAGES: Mapping[str, str] = GENERATE["man_pages"]()
FOLDER = ROOT / "man" / "man1"
COMMANDS = {page.path: page for page in pages(program(), "loyalty")}


def said(*command: str | Path, text: str | None = None) -> str:
    """What a program prints, all of it together."""
    done = subprocess.run(
        command,
        input=text,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "500"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=30,
    )
    return re.sub(".\b", "", done.stdout)


def test_the_man_pages_are_current() -> None:
    assert {path.name: path.read_text() for path in FOLDER.iterdir()} == MAN_PAGES


def test_there_is_a_page_for_the_program_and_one_for_each_of_its_commands() -> None:
    assert set(MAN_PAGES) == {
        "loyalty.1",
        *(f"{path.replace(' ', '-')}.1" for path in COMMANDS if path.count(" ") == 1),
    }


def test_mandoc_finds_nothing_wrong() -> None:
    needs("mandoc")

    complaints = said("mandoc", "-T", "lint", "-W", "style", *sorted(FOLDER.iterdir()))

    assert [line for line in complaints.splitlines() if "missing date" not in line] == []


def test_man_finds_nothing_wrong_and_shows_every_word_of_the_help() -> None:
    needs("man")
    shown = {}
    for file in FOLDER.iterdir():
        shown[file.name] = said("man", "--warnings=w", "-l", file)
        assert ": warning: " not in shown[file.name]

    for path, page in COMMANDS.items():
        text = " ".join(shown[f"{'-'.join(path.split()[:2])}.1"].split())
        assert page.usage in text
        for group in (page.arguments, *page.options.values()):
            for entry in group:
                assert f"{entry.name} {entry.text}" in text
        for example in page.examples:
            assert f"{example.what}: {example.command}" in text


@pytest.mark.parametrize("program", ["man -l -", "mandoc"])
def test_every_sign_is_printed_as_it_is(program: str) -> None:
    needs(program.split(maxsplit=1)[0])
    lines = [".TH x", "'br", r"\fB \e \\ \(aq", "--a -1 `b` 'c' \"d\" ^ ~ e.", "x…y", "..", ". a"]
    text = "\n.br\n".join(map(GENERATE["roff"], lines))

    shown = said(*program.split(), text=f'.TH X 1 "" "" "x"\n.SH A\n{text}\n')

    assert [line.strip() for line in shown.splitlines()[3:10]] == lines


def test_the_pages_have_the_exit_codes_and_the_variables_of_the_documentation() -> None:
    page = MAN_PAGES["loyalty.1"]

    assert "\n.TP\n\\fB143\\fR\nSIGTERM.\n" in page
    assert "\n\\fBLOYALTY_<PROFILE>_<FIELD>\\fR\na credential, such as LOYALTY_POINTS" in page
    assert "](" not in page
