"""Text from outside, made safe to show."""

import unicodedata


def visible(text: str) -> str:
    r"""Turn what a terminal would act on into escapes a person can see: ESC becomes `\x1b`.

    Control and format characters are escaped (bidi overrides among them), and so are broken
    surrogates, private ones, and line and paragraph separators; everything else stays.
    """
    if text.isprintable():
        return text
    return "".join(sign if is_shown(sign) else _escaped(sign) for sign in text)


def is_shown(sign: str) -> bool:
    """Whether a terminal shows this character and does nothing else about it."""
    category = unicodedata.category(sign)
    return category[0] != "C" and category not in ("Zl", "Zp")


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
