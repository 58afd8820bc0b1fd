"""Slips in a command line: each is told in two lines, with what to type instead."""

from collections.abc import Iterator
from typing import Any

import pytest

from loyalty_cli.cli import program
from loyalty_cli.commands.usage_hint import HURTS, OTHER_OPTIONS, OTHER_WORDS
from tests.conftest import Run

BALANCE = "Did you mean `loyalty balance CUSTOMER`?"


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("lookup C-1", "No such command 'lookup'.", BALANCE),
        ("get", "No such command 'get'.", BALANCE),
        ("balence C-1", "No such command 'balence'.", "Did you mean 'balance'?"),
        ("whoami", "No such command 'whoami'.", "Did you mean `loyalty profiles`?"),
        ("status", "No such command 'status'.", "Did you mean `loyalty doctor`?"),
        ("list", "No such command 'list'.", "Did you mean `loyalty profiles`?"),
        ("version", "No such command 'version'.", "Did you mean `loyalty --version`?"),
        ("reconcile", "No such command 'reconcile'.", "Did you mean `loyalty journal reconcile`?"),
        ("journal shw", "No such command 'shw'.", "Did you mean 'show'?"),
        ("people list", "No such command 'list'.", "Did you mean `loyalty people export`?"),
        (
            "people remove x",
            "No such command 'remove'.",
            "Did you mean `loyalty people forget KEY`?",
        ),
        ("journal reslve x", "No such command 'reslve'.", "Did you mean 'resolve'?"),
        ("logn", "No such command 'logn'.", "Did you mean 'login'?"),
        ("journal rest", "No such command 'rest'.", "See `loyalty journal --help`."),
        ("journal lis't", 'No such command "lis\'t".', "Did you mean 'list'?"),
        ("\x1bx", r"No such command '\x1bx'.", "See `loyalty --help`."),
        ("it's", 'No such command "it\'s".', "See `loyalty --help`."),
        ("balance C-1 --json", "No such option: --json.", "Did you mean '-o json'?"),
        ("balance C-1 --csv", "No such option: --csv.", "Did you mean '-o csv'?"),
        (
            "--json balance C-1",
            "option: --json.",
            "Did you mean '-o json' after `loyalty balance`?",
        ),
        (
            "--output json balance C-1",
            "No such option: --output.",
            "Write it after `loyalty balance`.",
        ),
        ("login --json", "No such option: --json.", "See `loyalty login --help`."),
        ("balance C-1 --format json", "No such option: --format.", "Did you mean '-o FORMAT'?"),
        ("history C-1 --copy", "No such option: --copy.", "Did you mean '-o markdown'?"),
        ("diff a b --copy", "No such option: --copy.", "Did you mean '-o markdown'?"),
        ("balance --file x", "No such option: --file.", "Did you mean '--from FILE'?"),
        ("balance C-1 --all", "No such option: --all.", "Did you mean '--all-profiles'?"),
        ("debit C-1 5 --ref x", "No such option: --ref.", "Did you mean '--reference'?"),
        ("balance C-1 --profil x", "No such option: --profil.", "Did you mean '--profile'?"),
        ("balance --sandbx C-1", "--sandbx.", "Did you mean '--sandbox'? See `loyalty --help`."),
        (
            "profiles --from x",
            "No such option: --from.",
            "--from is an option of balance and debit. See `loyalty balance --help`.",
        ),
        (
            "debit C-1 5 --all-profiles",
            "No such option: --all-profiles.",
            "--all-profiles is an option of balance. See `loyalty balance --help`.",
        ),
        (
            "login x --output json",
            "No such option: --output.",
            "--output is an option of balance, diff, debit and others. See `loyalty balance --help`.",  # noqa: E501
        ),
        ("-V", "No such option: -V.", "Did you mean '--version'?"),
        ("balance C-1 -x", "No such option: -x.", "See `loyalty balance --help`."),
        ("balance -5", "No such option: -5.", "What begins with - and is no option goes after --."),
        (
            "--config x balance C-1 -p",
            "'-p' requires an argument.",
            "See `loyalty balance --help`.",
        ),
        ("journal list -p", "'-p' requires an argument.", "See `loyalty journal list --help`."),
        ("balance C-1 --raw=1", "'--raw' does not take a value.", "See `loyalty balance --help`."),
        ("balance C-1 --jobs x", "'x' is not a whole number.", "See `loyalty balance --help`."),
        ("balance C-1 --jobs 0", "0 is not from 1 to 256.", "See `loyalty balance --help`."),
        ("balance C-1 --max-failures 0", "0 is less than 1.", "See `loyalty balance --help`."),
    ],
)
def test_a_slip_is_told_with_what_to_type(loyalty: Run, line: str, error: str, hint: str) -> None:
    done = loyalty(*line.split())

    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first.startswith("Error: ")
    assert first.endswith(error)
    assert second.startswith(f"Hint: {hint}")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from commands(command, (*path, name))


ROOT: Any = program()
COMMANDS = list(commands(ROOT))


def typos(word: str) -> set[str]:
    """The word with a letter too few, a letter twice, a wrong one, or two that changed places."""
    at = range(len(word))
    fewer = {word[:n] + word[n + 1 :] for n in at}
    more = {word[:n] + word[n] + word[n:] for n in at}
    wrong = {word[:n] + letter + word[n + 1 :] for n in at for letter in "aeoux"}
    swapped = {word[:n] + word[n + 1 : n + 2] + word[n] + word[n + 2 :] for n in at}
    return fewer | more | wrong | swapped


@pytest.mark.parametrize("path", [each for each in COMMANDS if each[-1] not in HURTS], ids=" ".join)
def test_no_command_that_takes_something_away_is_suggested_for_a_typo(
    loyalty: Run, path: tuple[str, ...]
) -> None:
    names = {each[-1] for each in COMMANDS}
    for typo in sorted(typos(path[-1]) - names - {""})[::4]:
        done = loyalty(*path[:-1], typo)
        hint = done.err.splitlines()[-1]
        assert not [each for each in HURTS if f"'{each}'" in hint], hint


def test_all_that_is_suggested_for_the_words_of_other_programs_is_there() -> None:
    for meant in OTHER_WORDS.values():
        words = tuple(word for word in meant.split() if word.islower())
        assert words in COMMANDS or words == ("--version",)
    options = {
        name for each in ROOT.commands.values() for param in each.params for name in param.opts
    }
    assert {option for option, _ in OTHER_OPTIONS.values()} <= options | {"--version"}
    assert set(HURTS) <= {each[-1] for each in COMMANDS}


@pytest.mark.parametrize("line", ["balance {}", "history {}", "journal list --customer {}"])
def test_what_was_pasted_with_an_identifier_is_told_by_each_command(
    loyalty: Run, line: str
) -> None:
    arguments = [each.format("C-1001\u200b") for each in line.split()]

    done = loyalty("--sandbox", *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.endswith("Hint: Did you mean 'C-1001'?\n")
