"""Text from outside, made safe to show."""

import re
import unicodedata

MAYBE_NOT_SHOWN = re.compile(r"[^ -~]")


def visible(text: str) -> str:
    r"""Turn what a terminal would act on into escapes a person can see: ESC becomes `\x1b`.

    Control and format characters are escaped (bidi overrides among them), and so are broken
    surrogates, private ones, and line and paragraph separators; everything else stays.
    """
    if text.isprintable():
        return text
    return MAYBE_NOT_SHOWN.sub(_shown, text)


def is_shown(sign: str) -> bool:
    """Whether a terminal shows this character and does nothing else about it."""
    category = unicodedata.category(sign)
    return category[0] != "C" and category not in ("Zl", "Zp")


def _shown(found: re.Match[str]) -> str:
    sign = found[0]
    return sign if is_shown(sign) else sign.encode("unicode_escape").decode("ascii")
