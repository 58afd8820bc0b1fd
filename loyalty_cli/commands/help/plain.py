"""A help page as plain text, for a terminal or a pipe."""

import re
from collections.abc import Iterable, Iterator, Sequence

from loyalty_cli.commands.help.examples import Example
from loyalty_cli.commands.help.page import Entry, HelpPage
from loyalty_cli.commands.help.wrap import SHELL_WORD, broken, wrapped

WIDEST = 100
"""A longer line is hard to read."""
NARROW = 60
"""Below this width a text is under its name, not beside it."""
LONGEST_NAME = 26
"""The text of a longer name is below it."""
NO_SHORT_NAME = " " * len("-o, ")


def plain(page: HelpPage, width: int) -> str:
    """The page, in lines of at most `width` columns unless a single word is longer."""
    return "\n".join(_lines(page, min(width, WIDEST)))


def _lines(page: HelpPage, width: int) -> Iterator[str]:
    yield from wrapped(page.usage, width, "Usage: ", " " * 6)
    for text in page.paragraphs:
        yield from ("", *wrapped(text, width))
    yield from entries_in_columns("Arguments", page.arguments, width)
    for heading, entries in {**page.commands, **page.options}.items():
        yield from entries_in_columns(heading, entries, width)
    if page.everywhere:
        program = page.usage.partition(" ")[0]
        names = ", ".join(page.everywhere)
        text = f"Every command also takes {names}: see {program} --help."
        yield from ("", *wrapped(text, width))
    yield from _examples(page.examples, width)


def entries_in_columns(heading: str, entries: Sequence[Entry], width: int) -> Iterator[str]:
    """Names, and what they are, under a heading and an empty line; nothing if there are none."""
    if not entries:
        return
    yield from ("", f"{heading}:")
    names = _aligned([entry.name for entry in entries])
    longest = max(len(name) for name in names if len(name) <= LONGEST_NAME)
    column = 2 + longest + 2
    for name, entry in zip(names, entries, strict=True):
        if width < NARROW:
            yield from (f"  {entry.name}", *wrapped(entry.text, width, " " * 6))
            continue
        first, *others = wrapped(entry.text, width, " " * column)
        if len(name) > longest:
            yield from (f"  {name}", first)
        else:
            yield f"  {name}".ljust(column) + first[column:]
        yield from others


def _aligned(names: Sequence[str]) -> Sequence[str]:
    """Options with a short name and without one, so that the long names are aligned."""
    if not any(re.match(r"-\w,", name) for name in names):
        return names
    return [NO_SHORT_NAME + name if name.startswith("--") else name for name in names]


def _examples(examples: Iterable[Example], width: int) -> Iterator[str]:
    for at, example in enumerate(examples):
        yield from ("",) if at else ("", "Examples:")
        yield from wrapped(example.what, width, "  # ")
        words = SHELL_WORD.findall(example.command)
        yield from broken(words, width, "  $ ", " " * 8, " \\")
