"""What to do about a slip in the command line, told from what Typer says about it."""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from loyalty_cli.model.errors import nearest

CUTOFF = 0.75
"""How similar a name must be to be suggested."""
HURTS = dict.fromkeys(
    ("logout", "drop", "resolve", "forget", "restore", "prune", "accept-failover"), 0.85
)
"""Commands that take something away must be more similar: whoever mistypes `lookup` wants none."""

MOST_NAMED = 4
_NO_COMMAND = "No such command "

OTHER_WORDS = {
    **dict.fromkeys(("lookup", "look-up", "get", "show", "find", "check"), "balance CUSTOMER"),
    **dict.fromkeys(("redeem", "charge", "deduct", "spend"), "debit CUSTOMER AMOUNT"),
    **dict.fromkeys(("whoami", "list", "ls"), "profiles"),
    **dict.fromkeys(("status", "diagnose"), "doctor"),
    **dict.fromkeys(("auth", "signin", "sign-in"), "login PROFILE"),
    **dict.fromkeys(("debits", "log"), "journal list"),
    "version": "--version",
    "people list": "people export",
    **dict.fromkeys(("people find", "people get", "people search"), "people show KEY"),
    "people add": "people import FILE",
    **dict.fromkeys(("people delete", "people remove"), "people forget KEY"),
}
"""What other programs call a command, and what it is here; in a group with the group's name."""

OTHER_OPTIONS = {
    **{f"--{name}": ("--output", f"-o {name}") for name in ("json", "jsonl", "csv", "table")},
    **dict.fromkeys(("--markdown", "--md"), ("--output", "-o markdown")),
    "--copy": ("--output", "-o markdown"),
    **dict.fromkeys(("--format", "--output-format"), ("--output", "-o FORMAT")),
    **dict.fromkeys(("--file", "--input"), ("--from", "--from FILE")),
    "-V": ("--version", "--version"),
}
"""What other programs call an option: the option that a command must have, and what to type."""


def usage_hint(error: Any, root: Any, arguments: Sequence[str]) -> tuple[str, str]:
    """What is wrong in a command line, and what to do; `error` is Typer's, `root` its commands."""
    message = " ".join(error.format_message().split()).rstrip(".")
    path, command = _named(root, arguments)
    context = getattr(error, "ctx", None)
    page = f"See `{context.command_path if context else path} --help`."
    if message.startswith(_NO_COMMAND):
        message = message.partition(". Did you mean ")[0]
        word = message.removeprefix(_NO_COMMAND)[1:-1]
        return message, _command_meant(word, context or root, root) or page
    if hasattr(error, "possibilities"):
        message = message.partition(" (Possible options: ")[0]
        is_before = context is not None and context.command is root and command is not root
        hint = _option_meant(error.option_name, root, path, command, is_before=is_before)
        return message, hint or page
    if found := re.search(r"'([^']*)' is not one of (.*)", message):
        return message, nearest(found[1], re.findall(r"'([^']*)'", found[2]))
    missing = getattr(error, "param", None)
    if missing is not None and message.startswith("Missing option"):
        return message, f"Add {missing.opts[0]} {missing.metavar}. {missing.help}"
    return _plain(message), page


def _named(root: Any, arguments: Sequence[str]) -> tuple[str, Any]:
    """The command that a command line names, and how one calls its help page."""
    path, command = "loyalty", root
    rest = iter(arguments)
    for each in rest:
        if each in ("--color", "--config", "--errors"):
            next(rest, None)
        elif each in getattr(command, "commands", {}):
            path, command = f"{path} {each}", command.commands[each]
        elif not each.startswith("-") and command is not root:
            break
    return path, command


def _command_meant(word: str, context: Any, root: Any) -> str | None:
    group = getattr(context, "command", root)
    in_group = "" if group is root else f"{group.name} "
    if other := OTHER_WORDS.get(f"{in_group}{word.lower()}"):
        return f"Did you mean `loyalty {other}`?"
    if close := _most_similar(word, group.commands, HURTS):
        return f"Did you mean {close!r}?"
    elsewhere = [path for path, each in _leaves(root) if path.split()[-1] == word.lower()]
    if elsewhere:
        return f"Did you mean {' or '.join(f'`{path}`' for path in elsewhere)}?"
    return None


def _option_meant(name: str, root: Any, path: str, command: Any, *, is_before: bool) -> str | None:
    """What to do about an option that a command does not have; None if that is not known.

    If it `is_before` the command, the command itself may have it.
    """
    after = f" after `{path}`" if is_before else ""
    known, global_ones = _options(command), _options(root)
    if is_before and name in known:
        return f"Write it{after}."
    needed, meant = OTHER_OPTIONS.get(name, ("", ""))
    if needed in known:
        return f"Did you mean '{meant}'{after}?"
    longer = [each for each in known if len(name) > len("--x") and each.startswith(name)]
    if len(longer) == 1:
        return f"Did you mean {longer[0]!r}{after}?"
    if have := [each for each, other in _leaves(root) if name in _options(other)]:
        return f"{name} is an option of {_names(have)}. See `{have[0]} --help`."
    if re.fullmatch(r"-\d", name):
        return "What begins with - and is no option goes after --."
    long = [each for each in (*known, *global_ones) if each.startswith("--")]
    close = _most_similar(name, long)
    if close is None or close in known:
        return f"Did you mean {close!r}{after}?" if close else None
    return f"Did you mean {close!r}? See `loyalty --help`."


def _names(paths: Sequence[str]) -> str:
    """Commands by their names, the first ones of many."""
    names = [path.partition(" ")[2] for path in paths]
    if len(names) > MOST_NAMED:
        names[MOST_NAMED - 1 :] = ["others"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _leaves(root: Any, path: str = "loyalty") -> Iterator[tuple[str, Any]]:
    """All commands that do something, and how one calls them."""
    for name, command in getattr(root, "commands", {}).items():
        yield f"{path} {name}", command
        yield from _leaves(command, f"{path} {name}")


def _options(command: Any) -> list[str]:
    return [name for each in command.params for name in each.opts if name.startswith("-")]


def _most_similar(
    word: str, names: Collection[str], at_least: dict[str, float] | None = None
) -> str | None:
    """The most similar name, if it is similar enough."""
    scores = {
        name: SequenceMatcher(None, word.lower(), name, autojunk=False).ratio() for name in names
    }
    best = max(scores, key=scores.__getitem__, default="")
    return best if best and scores[best] >= (at_least or {}).get(best, CUTOFF) else None


def _plain(message: str) -> str:
    """Say what Typer says about numbers as people do."""
    message = re.sub(r"is not a valid (int|integer)( range)?$", "is not a whole number", message)
    message = re.sub(r"is not in the range (\d+)<=x<=(\d+)$", r"is not from \1 to \2", message)
    return re.sub(r"is not in the range x>=(\d+)$", r"is less than \1", message)
