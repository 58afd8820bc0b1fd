"""Write the man pages in `man1/`: what --help says, as roff; one for each command of `loyalty`."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from loyalty_cli.cli import program
from loyalty_cli.commands.help.page import Entry, Groups, HelpPage, pages

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
SIGNS = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    '"': r"\(dq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}
"""What roff would read as something else, or print as another character."""


def man_pages() -> Mapping[str, str]:
    """Every page, under its file's name."""
    first, *others = pages(program(), "loyalty")
    chapters = {first.path: [first]}
    for page in others:
        chapters.setdefault(" ".join(page.path.split()[:2]), []).append(page)
    names = [_name(path) for path in chapters]
    return {
        f"{_name(path)}.1": "\n".join(_page(chapter, first, names)) + "\n"
        for path, chapter in chapters.items()
    }


def _name(path: str) -> str:
    return path.replace(" ", "-")


def _page(chapter: Sequence[HelpPage], first: HelpPage, names: Sequence[str]) -> Iterator[str]:
    """The page of a command, with the commands that it has."""
    page, *commands = chapter
    name, summary = _name(page.path), page.paragraphs[0].rstrip(".")
    yield f'.TH {roff(name.upper())} 1 "" "" "{first.path}"'
    yield from (".nh", ".ad l")  # a name that is broken cannot be copied
    yield ".SH NAME"
    yield from _text(f"{name} - {summary[0].lower()}{summary[1:]}")
    yield ".SH SYNOPSIS"
    for at, each in enumerate(chapter):
        yield from ([".PP"] if at else [])
        yield _usage(each)
    yield ".SH DESCRIPTION"
    yield from _paragraphs(page.paragraphs)
    if page.arguments:
        yield from (".SH ARGUMENTS", *_entries(page.arguments))
    yield from _groups("OPTIONS", page.options)
    if commands:
        yield ".SH COMMANDS"
        for each in commands:
            yield from _command(each)
    else:
        yield from _groups("COMMANDS", page.commands)
    yield from (".SH EXAMPLES", *_examples(page))
    yield ".SH EXIT STATUS"
    if page is first:
        yield from _entries(_rows("exit-codes.md"))
        yield from (".SH ENVIRONMENT", *_entries(_rows("environment.md")))
    else:
        yield from _text(f"See {first.path}(1).")
    yield ".SH SEE ALSO"
    others = [each for each in names if each != name]
    yield from (rf"\fB{roff(each)}\fR(1)," for each in others)
    yield rf"\fB{first.path} help\fR"


def _command(page: HelpPage) -> Iterator[str]:
    """A command's command, as a part of its page."""
    yield from (f".SS {roff(page.path)}", _usage(page), ".PP", *_paragraphs(page.paragraphs))
    yield from _entries(page.arguments)
    for entries in page.options.values():
        yield from _entries(entries)
    yield from (".PP", *_examples(page))


def _groups(heading: str, groups: Groups) -> Iterator[str]:
    if groups:
        yield f".SH {heading}"
    for group, entries in groups.items():
        yield from (f".SS {roff(group)}", *_entries(entries))


def _usage(page: HelpPage) -> str:
    return rf"\fB{roff(page.path)}\fR{roff(page.usage.removeprefix(page.path))}"


def _entries(entries: Iterable[Entry]) -> Iterator[str]:
    for name, text in entries:
        yield from (".TP", rf"\fB{roff(name)}\fR", *_text(text))


def _examples(page: HelpPage) -> Iterator[str]:
    for at, example in enumerate(page.examples):
        yield from ([".PP"] if at else [])
        yield from _text(f"{example.what}:")
        yield from (".RS 4", ".nf", rf"\fB{roff(example.command)}\fR", ".fi", ".RE")


def _paragraphs(paragraphs: Iterable[str]) -> Iterator[str]:
    for at, text in enumerate(paragraphs):
        yield from ([".PP"] if at else [])
        yield from _text(text)


def _rows(page: str) -> Iterator[Entry]:
    """The rows of a page's table."""
    for row in re.findall(r"^\| (?!-)(.*) \|$", (DOCS / page).read_text(), re.MULTILINE)[1:]:
        name, text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", row).replace("`", "").split(" | ")
        yield Entry(name, f"{text}.")


def _text(text: str) -> Iterator[str]:
    """A paragraph; roff fills its lines again."""
    lines = textwrap.wrap(text, 70, break_long_words=False, break_on_hyphens=False)
    return map(roff, lines)


def roff(text: str) -> str:
    """A line of text in roff, where only a request may begin with a dot."""
    signs = (SIGNS.get(each, each if each.isascii() else rf"\[u{ord(each):04X}]") for each in text)
    return re.sub(r"^\.", r"\\&.", "".join(signs))


def main() -> None:
    """Write the pages; one that has no command any more is removed."""
    folder = HERE / "man1"
    for old in folder.iterdir():
        old.unlink()
    for name, page in man_pages().items():
        (folder / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
