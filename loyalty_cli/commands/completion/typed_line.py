"""A line as it is typed in bash: its words without their quotes, and text quoted to go on there."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_PIECES = r"""\\(?P<escaped>.?)|'(?P<single>[^']*)(?P<end>'?)"""
_PIECES += r"""|"(?P<double>(?:[^"\\]|\\.)*\\?)(?P<ends>"?)|(?P<plain>[^\s'"\\]+)"""
_PIECE = re.compile(_PIECES, re.DOTALL)
_WORD = re.compile(f"(?:{re.sub('[?]P<[a-z]+>', '?:', _PIECES)})+", re.DOTALL)
_ASSIGNMENT = re.compile(r"\w+=")
_NOT_PLAIN = re.compile(r"[^\w@%+=:,./-]")


class Word(NamedTuple):
    """A word without its quotes, and the quote that is still open at its end, or ""."""

    text: str
    quote: str = ""


def words_of(line: str) -> tuple[Sequence[str], str]:
    """The words between the command and the cursor, without quotes, and the one at it, as typed."""
    found = list(_WORD.finditer(line))
    ends_in_a_word = bool(found) and found[-1].end() == len(line)
    raw = [word[0] for word in found]
    last = raw.pop() if ends_in_a_word else ""
    while raw and _ASSIGNMENT.match(raw[0]):
        del raw[0]
    return [unquoted(word).text for word in raw[1:]], last


def unquoted(raw: str) -> Word:
    """What a typed word means; its last quote may be missing."""
    text, quote = "", ""
    for piece in _PIECE.finditer(raw):
        quote = ""
        if piece["single"] is not None:
            text += piece["single"]
            quote = "" if piece["end"] else "'"
        elif piece["double"] is not None:
            text += re.sub(r'\\([$`"\\])', r"\1", piece["double"])
            quote = "" if piece["ends"] else '"'
        else:
            text += piece["plain"] or piece["escaped"] or ""
    return Word(text, quote)


def quoted(text: str, quote: str) -> str | None:
    """Text that bash reads as nothing but this text, where `quote` is open; None if none is."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote == '"':
        return None if "!" in text else re.sub(r'([$`"\\])', r"\\\1", text)
    return _NOT_PLAIN.sub(r"\\\g<0>", text)
