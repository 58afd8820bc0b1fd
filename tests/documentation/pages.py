"""A page of the documentation: its sections, and what stands in its fenced blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def page(path: str) -> str:
    """The text of a page, named from the top of the project."""
    return (ROOT / path).read_text()


def section(text: str, heading: str) -> str | None:
    """A page from a heading to the next of its level; None where there is no such heading."""
    found = re.search(
        rf"^(##+) {re.escape(heading)}$(.*?)(?=^\1 |^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    return found[2] if found else None


def blocks(text: str, kind: str = r"\w+") -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^ *```{kind}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
