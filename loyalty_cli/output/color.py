"""Whether text may be coloured: --color, NO_COLOR, FORCE_COLOR, and what the terminal can show."""

import os
from enum import StrEnum


class Color(StrEnum):
    """The values of --color."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class _Chosen:
    """What the command line says."""

    color = Color.AUTO


def set_color(chosen: Color) -> None:
    """Colour text from now on as --color says."""
    _Chosen.color = chosen


def may_color(*, is_terminal: bool) -> bool:
    """Whether text for a stream may be coloured and bold: --color decides before all variables."""
    if _Chosen.color is not Color.AUTO:
        return _Chosen.color is Color.ALWAYS
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and not is_dumb()


def is_dumb() -> bool:
    """Whether the terminal can only show lines of text."""
    return os.environ.get("TERM") in (None, "", "dumb", "unknown")
