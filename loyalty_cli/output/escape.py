"""Text from outside, made safe to show."""

import re
import unicodedata

MAYBE_NOT_SHOWN = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    r"""Replace control characters by visible escapes: ESC becomes `\x1b`.

    Control and format characters are escaped (including bidi overrides), and so are lone
    surrogates, private characters, and line and paragraph separators; all others stay.
    """
    if text.isprintable():
        return text
    return MAYBE_NOT_SHOWN.sub(_shown, text)


def is_shown(sign: str) -> bool:
    """Whether a terminal only shows this character, and does nothing else."""
    category = unicodedata.category(sign)
    return category[0] != "C" and category not in ("Zl", "Zp")


def _shown(found: re.Match[str]) -> str:
    sign = found[0]
    return sign if is_shown(sign) else sign.encode("unicode_escape").decode("ascii")
