"""A help page as plain text, for a terminal or a pipe."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from loyalty_cli.commands.help.examples import Example
from loyalty_cli.commands.help.page import Entry, HelpPage

WIDEST = 100
"""A longer line is hard to read."""
NARROW = 60
"""Below this width a text is under its name, not beside it."""
LONGEST_NAME = 26
"""The text of a longer name is below it."""
NO_SHORT_NAME = " " * len("-o, ")
_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")


def plain(page: HelpPage, width: int) -> str:
    """The page, in lines of at most `width` columns unless a single word is longer."""
    return "\n".join(_lines(page, min(width, WIDEST)))


def _lines(page: HelpPage, width: int) -> Iterator[str]:
    yield from _command(f"Usage: {page.usage}", width)
    for text in page.paragraphs:
        yield from ("", *_wrapped(text, width))
    yield from _entries("Arguments", page.arguments, width)
    for heading, entries in {**page.commands, **page.options}.items():
        yield from _entries(heading, entries, width)
    if page.everywhere:
        program = page.usage.partition(" ")[0]
        names = ", ".join(page.everywhere)
        text = f"Every command also takes {names}: see {program} --help."
        yield from ("", *_wrapped(text, width))
    yield from _examples(page.examples, width)


def _entries(heading: str, entries: Sequence[Entry], width: int) -> Iterator[str]:
    if not entries:
        return
    yield from ("", f"{heading}:")
    names = _aligned([entry.name for entry in entries])
    longest = max(len(name) for name in names if len(name) <= LONGEST_NAME)
    column = 2 + longest + 2
    for name, entry in zip(names, entries, strict=True):
        if width < NARROW:
            yield from (f"  {entry.name}", *_wrapped(entry.text, width, " " * 6))
            continue
        first, *others = _wrapped(entry.text, width, " " * column)
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
        yield from _wrapped(example.what, width, "  # ")
        yield from _command(f"  $ {example.command}", width, " \\")


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _command(text: str, width: int, continued: str = "") -> Iterator[str]:
    """A command in one line or several; if `continued` is a backslash, they can be pasted."""
    indent = " " * (len(text) - len(text.lstrip()))
    first, *words = _WORD.findall(text)
    line = indent + first
    for word in words:
        if len(f"{line} {word}{continued}") > width:
            yield line + continued
            line = f"{indent}      {word}"
        else:
            line += f" {word}"
    yield line
