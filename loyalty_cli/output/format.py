"""The formats of a result, and the layouts of a table."""

import os
from enum import StrEnum

from loyalty_cli.output.stdout import is_terminal


class Format(StrEnum):
    """`table` for people, `markdown` for a ticket; `json` (an array), `jsonl` and `csv`."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    MARKDOWN = "markdown"

    @property
    def is_for_people(self) -> bool:
        """Whether this is a table, and not for programs."""
        return self in (Format.TABLE, Format.MARKDOWN)


class Amounts(StrEnum):
    """How JSON has an amount: as a number, or as a string, for readers that make floats."""

    NUMBER = "number"
    TEXT = "text"


class ErrorFormat(StrEnum):
    """How errors and warnings are printed on stderr."""

    TEXT = "text"
    JSON = "json"


class TableLayout(StrEnum):
    """`wide`: a row a line; `groups`: rows under what they are about; `list`: a fact a line."""

    AUTO = "auto"
    WIDE = "wide"
    GROUPS = "groups"
    LIST = "list"

    @property
    def chosen(self) -> "TableLayout":
        """The layout itself; for `auto` the one that fits the reader."""
        if self is not TableLayout.AUTO:
            return self
        if os.environ.get("ACCESSIBLE", "0") not in ("", "0"):
            return TableLayout.LIST
        return TableLayout.GROUPS if is_terminal() else TableLayout.WIDE

    @property
    def has_notes(self) -> bool:
        """Whether warnings and errors stand in the table; if not, they go to stderr."""
        return is_terminal() or self.chosen is not TableLayout.WIDE
