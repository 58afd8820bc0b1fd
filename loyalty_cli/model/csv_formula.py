"""Text that a spreadsheet would take for a formula: it gets a ' in front in CSV, and loses it."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_HARMLESS = re.compile(r"'+[=+\-@\t\r]")


def harmless(text: str) -> str:
    """The text of a cell that no spreadsheet runs."""
    return f"'{text}" if _FORMULA.match(text) else text


def bare(text: str) -> str:
    """The text that was made harmless."""
    return text[1:] if _HARMLESS.match(text) else text
