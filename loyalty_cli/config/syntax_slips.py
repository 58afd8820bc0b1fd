"""What is usually wrong in YAML that cannot be read: the line to fix, and how.

No value is shown: it may be a secret.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

LONGEST_LINE = 500
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_NO_SPACE = re.compile(r"[\s{,-]*(?P<key>[A-Za-z_][\w-]*):(?!//)[^\s:]")
_WIDE_COLON = re.compile(r"\s*(?P<key>[\w-]+)\s*[\uff1a\ufe55\ua789]")
_EQUALS = re.compile(r"\s*(?P<key>[A-Za-z_][\w-]*)\s*=")
_WORD = re.compile(r"\s*[\w-]+\s*")
_TWO_COLONS = re.compile(r"[^\"'#{\[]*:\s+[^\"'#{\[]*:(\s|$)")
_OPENED_QUOTE = re.compile(r"(?:[:{\[,-]\s+|^\s*|[{\[])([\"'])(.*)")
_SIGN = re.compile(r"[:,\[{-]\s+([@`%])")
_MERGE = ("<<<<<<<", "=======", ">>>>>>>")

Lines = Sequence[str]
Look = Callable[[Lines, int, int], "Slip | None"]
"""Looks for one slip in lines: where it was noticed, and where what is unfinished began."""


class Slip(NamedTuple):
    """What is wrong, in which line from 1, and what to do."""

    message: str
    line: int
    hint: str


def usual_slip(text: str, problem: str, noticed: int, began: int) -> Slip | None:
    """The slip behind a problem of the parser; None if it is an unusual one.

    `noticed` is the line, from 0, at which the parser gave up, and `began` the one where what it
    was reading began.
    """
    lines = [line[:LONGEST_LINE] for line in _LINE_BREAK.split(text.rstrip())]
    noticed = min(noticed, len(lines) - 1)
    slips = (*_SLIPS, _indent) if re.search("expected|mapping values", problem) else _SLIPS
    found = (look(lines, noticed, min(began, noticed)) for look in slips)
    return next((slip for slip in found if slip), None)


def _near(lines: Lines, noticed: int, began: int) -> Iterator[int]:
    """The lines that can be the cause: this one, the one above, and where it began."""
    above = _above(lines, noticed)
    yield from dict.fromkeys((noticed, *(() if above is None else (above,)), began))


def _above(lines: Lines, at: int) -> int | None:
    """The line above that has something in it; None if there is none."""
    full = (each for each in range(at - 1, -1, -1) if lines[each].partition("#")[0].strip())
    return next(full, None)


def _merge(lines: Lines, noticed: int, began: int) -> Slip | None:
    for at in range(min(began, noticed), min(noticed + 2, len(lines))):
        if lines[at].startswith(_MERGE):
            hint = "Keep one of the two versions, and take out the lines with <<<, === and >>>."
            return Slip("a merge of two versions is not finished here", at + 1, hint)
    return None


def _tab(lines: Lines, noticed: int, began: int) -> Slip | None:
    for at in _near(lines, noticed, began):
        line = lines[at]
        if "\t" in line[: len(line) - len(line.lstrip())]:
            hint = "Indent with spaces, not with a TAB."
            return Slip("this line begins with a TAB", at + 1, hint)
    return None


def _quote(lines: Lines, noticed: int, began: int) -> Slip | None:
    for at in sorted({began, *_near(lines, noticed, began)}):
        opened = _OPENED_QUOTE.search(lines[at])
        if opened and opened[1] not in opened[2]:
            return Slip("a quote is not closed", at + 1, f"Close it with {opened[1]} as well.")
    return None


def _sign(lines: Lines, noticed: int, began: int) -> Slip | None:
    del began
    if found := _SIGN.search(lines[noticed]):
        message = f"a value cannot begin with {found[1]}"
        return Slip(message, noticed + 1, "Put it in quotes.")
    return None


def _colon_without_space(lines: Lines, noticed: int, began: int) -> Slip | None:
    for at in _near(lines, noticed, began):
        if found := _NO_SPACE.match(lines[at]):
            hint = f"Write `{found['key']}: `, with a space."
            return Slip("there is no space after a colon", at + 1, hint)
        if found := _EQUALS.match(lines[at]):
            hint = f"Write `{found['key']}: `, with a colon."
            return Slip("there is a = in place of a colon", at + 1, hint)
    return None


def _wide_colon(lines: Lines, noticed: int, began: int) -> Slip | None:
    for at in _near(lines, noticed, began):
        if found := _WIDE_COLON.match(lines[at]):
            hint = f"Write `{found['key']}:`, with an ordinary colon."
            return Slip("there is another sign in place of a colon", at + 1, hint)
    return None


def _bracket(lines: Lines, noticed: int, began: int) -> Slip | None:
    rest = "\n".join(lines[began:])
    for opening, closing in ("{}", "[]"):
        left = rest.count(opening) - rest.count(closing)
        if left > 0 and opening in lines[began]:
            hint = f"Close it with a {closing} after its last entry."
            return Slip(f"a {opening} is not closed", began + 1, hint)
        if left < 0 and lines[noticed].count(closing) > lines[noticed].count(opening):
            hint = "Take it out."
            return Slip(f"there is a {closing} too many", noticed + 1, hint)
        if opening in lines[began] and closing in lines[noticed]:
            message = f"the entries inside {opening}{closing} cannot be told apart"
            hint = "Write a comma between them, and a space after each colon."
            return Slip(message, noticed + 1, hint)
    return None


def _missing_colon(lines: Lines, noticed: int, began: int) -> Slip | None:
    del began
    above = _above(lines, noticed)
    if above is not None and _WORD.fullmatch(lines[above].partition("#")[0]):
        hint = "Write a colon at its end."
        return Slip("this line has no colon", above + 1, hint)
    return None


def _second_colon(lines: Lines, noticed: int, began: int) -> Slip | None:
    del began
    if _TWO_COLONS.match(lines[noticed]):
        hint = "Put a value that has a colon in it in quotes, and each key on a line of its own."
        return Slip("a second colon is not allowed in this line", noticed + 1, hint)
    return None


def _indent(lines: Lines, noticed: int, began: int) -> Slip | None:
    del began
    above = _above(lines, noticed)
    if above is None or _width(lines[above]) == _width(lines[noticed]):
        return None
    hint = "Begin all keys of a map in the same column."
    message = "this line is not indented as the lines above are"
    return Slip(message, noticed + 1, hint)


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


_SLIPS: tuple[Look, ...] = (
    *(_merge, _tab, _quote, _sign, _wide_colon, _colon_without_space, _second_colon, _bracket),
    _missing_colon,
)
