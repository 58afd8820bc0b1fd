"""Runs `loyalty help`."""

import os
from collections.abc import Sequence
from typing import Any

from loyalty_cli.commands.help.page import Entry, context_of, page_of
from loyalty_cli.commands.help.plain import WIDEST, entries_in_columns, plain
from loyalty_cli.commands.help.text import as_text
from loyalty_cli.commands.help.topics import RENAMED, leads_to, topics
from loyalty_cli.model.errors import nearest, usage_error
from loyalty_cli.output.stderr import width
from loyalty_cli.output.stdout import is_terminal, require_stdout, write_text


def run(context: Any, words: Sequence[str]) -> None:
    """Print what was asked for; raise LoyaltyError if there is no such command or topic."""
    require_stdout()
    root = context.find_root()
    if not words:
        _show(_contents(root))
    elif len(words) == 1 and (topic := topics().get(words[0])):
        _show(as_text(topic.markdown, min(width(), WIDEST), leads_to))
    else:
        write_text(plain(page_of(_found(root, words)), width()) + "\n")


def _contents(root: Any) -> str:
    """The commands, and the topics."""
    lines = [f"Usage: {root.info_name} help [COMMAND|TOPIC]"]
    pages = [Entry(name, topic.title) for name, topic in topics().items()]
    for heading, entries in (*page_of(root).commands.items(), ("Topics", pages)):
        lines += entries_in_columns(heading, entries, min(width(), WIDEST))
    return "\n".join(lines) + "\n"


def _found(root: Any, words: Sequence[str]) -> Any:
    """The context of the command with these names; raise LoyaltyError if there is none."""
    context = root
    for word in words:
        commands = getattr(context.command, "commands", {})
        if word not in commands:
            if context is root:
                there = nearest(word, [*commands, *topics()])
                begin = [each for each in topics() if each.startswith(word)]
                if meant := RENAMED.get(word) or (begin[0] if len(begin) == 1 else None):
                    there = f"Did you mean {meant!r}?"
                usage_error(f"there is no command or topic {word!r}.", there)
            there = nearest(word, commands) if commands else f"See `loyalty help {words[0]}`."
            usage_error(f"{context.info_name} has no command {word!r}.", there)
        context = context_of(commands[word], word, context)
    return context


def _show(text: str) -> None:
    """Print a text; on a terminal in the user's pager, which leaves a short one on the screen."""
    if not is_terminal():
        write_text(text)
        return
    from pydoc import pager

    os.environ.setdefault("LESS", "FRX")
    pager(text)
