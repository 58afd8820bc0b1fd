"""Text broken into lines between its words."""

import re
from collections.abc import Iterable, Iterator

WORD = re.compile(r"(?:`[^`]*`|\S)+")
"""A command between backticks stays on one line, so that it can be copied."""
SHELL_WORD = re.compile(r"""(?:'[^']*'|"[^"]*"|\S)+""")


def wrapped(text: str, width: int, first: str = "", then: str | None = None) -> list[str]:
    """Lines of at most `width`, each after an indent; a longer word has a line of its own."""
    return list(broken(WORD.findall(text), width, first, first if then is None else then))


def broken(
    words: Iterable[str], width: int, first: str, then: str, continued: str = ""
) -> Iterator[str]:
    """The same for words; each line that goes on ends with `continued`."""
    line, is_empty = first, True
    for word in words:
        if is_empty:
            line += word
        elif len(line) + 1 + len(word) + len(continued) > width:
            yield line + continued
            line = then + word
        else:
            line += f" {word}"
        is_empty = False
    yield line.rstrip()
