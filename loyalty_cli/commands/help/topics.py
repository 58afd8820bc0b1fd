"""The topics of `loyalty help`: each page of the documentation, by a name that no command has."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import loyalty_cli

PACKAGE = Path(loyalty_cli.__file__).parent
PLACES = (PACKAGE / "docs", PACKAGE.parent / "docs")
"""The pages, where the package is installed, and in a checkout."""
RENAMED = {
    "bulk": "lists",
    "completion": "tab-completion",
    "doctor": "problems",
    "history": "changes",
    "people": "who-is-who",
    "profiles": "profile-file",
    "providers": "platforms",
    "sandbox": "test-customers",
}
"""The pages that are not called as their file."""
SECTIONS = {"credentials": ("profiles.md", "Credentials")}
"""The topics that are a part of a page."""
OUTSIDE = {"own-provider": PACKAGE / "providers" / "ADDING.md"}
"""The pages that are not with the others."""


class Topic(NamedTuple):
    """A page, or a section of one."""

    path: Path
    section: str | None = None

    @property
    def markdown(self) -> str:
        """The text, with its heading."""
        page = self.path.read_text(encoding="utf-8")
        return page if self.section is None else _section(page, self.section)

    @property
    def title(self) -> str:
        """The heading."""
        if self.section:
            return self.section
        with self.path.open(encoding="utf-8") as file:
            return file.readline().lstrip("# ").rstrip("\n")


@cache
def topics() -> Mapping[str, Topic]:
    """Every topic by its name, in alphabetical order."""
    folder = next(filter(Path.is_dir, PLACES))
    found = {RENAMED.get(path.stem, path.stem): Topic(path) for path in folder.glob("*.md")}
    found |= {name: Topic(folder / page, section) for name, (page, section) in SECTIONS.items()}
    found |= {name: Topic(path) for name, path in OUTSIDE.items()}
    return dict(sorted(found.items()))


def leads_to(target: str) -> str | None:
    """What to type, or where to go, for the target of a link; None if it is on the same page."""
    if "://" in target:
        return target
    file, _, heading = target.partition("#")
    for name, (page, section) in SECTIONS.items():
        if (Path(file).name, heading) == (page, section.lower()):
            return f"`loyalty help {name}`"
    names = {each.path.name: name for name, each in topics().items() if each.section is None}
    topic = names.get(Path(file).name)
    return f"`loyalty help {topic}`" if topic else None


def _section(page: str, heading: str) -> str:
    """A section of a page, up to the next heading of its level."""
    found = re.search(rf"^## {re.escape(heading)}$.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]
