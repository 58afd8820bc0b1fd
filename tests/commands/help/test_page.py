"""What the help of a command says: every option in a group, in words that every reader can show."""

from itertools import chain

from loyalty_cli.cli import program
from loyalty_cli.commands import help_groups
from loyalty_cli.commands.commands import Command, CommandGroup
from loyalty_cli.commands.help.page import Entry, pages
from tests.conftest import Run

PAGES = {page.path: page for page in pages(program(), "loyalty")}


def test_every_option_is_in_a_group() -> None:
    found = {(path, group) for path, page in PAGES.items() for group in page.options}

    assert [(path, group) for path, group in found if group not in help_groups.OPTIONS] == []


def test_every_command_of_the_program_is_in_a_group() -> None:
    assert set(PAGES["loyalty"].commands) == set(help_groups.COMMANDS)


def test_every_command_prints_its_page_with_examples_at_the_end(loyalty: Run) -> None:
    for path in PAGES:
        done = loyalty(*path.split()[1:], "--help")

        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: {path} [OPTIONS]")
        assert done.out.rpartition("\n\n  # ")[0].count("\nExamples:\n") == 1, path


def test_no_command_has_typers_own_help() -> None:
    commands = [program()]
    for command in commands:
        assert isinstance(command, Command | CommandGroup), command.name
        commands += getattr(command, "commands", {}).values()


def test_every_entry_has_a_text_and_all_of_it_is_ascii() -> None:
    for path, page in PAGES.items():
        assert repr(page).isascii(), path
        assert all(page.paragraphs), path
        for entry in chain(page.arguments, *page.options.values(), *page.commands.values()):
            assert len(entry.text) > len("."), (path, entry)


def test_what_every_command_takes_is_explained_once_and_named_everywhere() -> None:
    explained = PAGES["loyalty"].options[help_groups.EVERY_COMMAND]
    short = [entry.name.replace(",", "").split()[0] for entry in explained]

    assert short[-1] == "-h"
    assert PAGES["loyalty"].everywhere == []
    for path, page in PAGES.items():
        if path != "loyalty":
            assert (path, page.everywhere) == (path, short)
            assert help_groups.EVERY_COMMAND not in page.options


def test_a_page_tells_choices_bounds_defaults_and_variables() -> None:
    options = {
        entry.name: entry.text
        for path in ("loyalty", "loyalty balance", "loyalty journal list")
        for group in PAGES[path].options.values()
        for entry in group
    }

    formats = "table, json, jsonl, csv, markdown"
    assert options["-o, --output FORMAT"] == f"The format ({formats}; default: table)."
    assert options["--input-format FORMAT"].endswith(" (lines, csv, jsonl).")
    assert options["--jobs N"].endswith(" (1 to 256; default: 8).")
    assert options["--config PATH"].endswith(" (variable: LOYALTY_CONFIG).")
    assert options["--raw"] == "Show the platform's answer unchanged."


def test_the_usage_shows_what_can_be_left_out() -> None:
    assert PAGES["loyalty login"].usage == "loyalty login [OPTIONS] PROFILE"
    assert PAGES["loyalty login"].arguments == [Entry("PROFILE", "The profile's name.")]
    assert PAGES["loyalty balance"].usage == "loyalty balance [OPTIONS] [CUSTOMER...]"
    assert PAGES["loyalty journal"].usage == "loyalty journal [OPTIONS] COMMAND"
    assert PAGES["loyalty providers"].usage == "loyalty providers [OPTIONS] [NAME] [COMMAND]"
    assert PAGES["loyalty providers check"].usage == "loyalty providers check [OPTIONS] FILE"
