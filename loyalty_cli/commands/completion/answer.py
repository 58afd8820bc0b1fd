"""What a shell is answered when TAB is pressed.

The scripts in `completions/` ask with the variable `_LOYALTY_COMPLETE`, which names the shell. The
answer is a word that says what is offered, and then a line for each offer, as the shell wants it.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from typer._click.shell_completion import (
    _is_incomplete_option,
    _resolve_context,
    _resolve_incomplete,
)

from loyalty_cli.commands.completion.typed_line import quoted, unquoted, words_of
from loyalty_cli.commands.shared_options import FILES

VALUES = "values"
BEGINNINGS = "beginnings"
"""Offers after which no space is typed, such as `currency=`."""

_LONG_OPTION = re.compile(r"--[\w-]+=")
_PLAIN_IN_POWERSHELL = re.compile(r"[\w+=:./-]+")


Program = Callable[[Sequence[str]], Any]
"""Makes the program for the words of a command line, which may need only one of its commands."""


class Offer(NamedTuple):
    """What TAB can put in the place of a word, and what it is; "" if it says that itself."""

    text: str
    help: str = ""


class Offers(NamedTuple):
    """What TAB offers: files, or texts; `option` comes before each of these, as in `--person=`."""

    option: str = ""
    offers: Sequence[Offer] = ()
    are_files: bool = False


def answer(
    program: Program, shell: str, arguments: Sequence[str], everywhere: Collection[str]
) -> str:
    """The answer to a shell's script, and nothing if anything is wrong.

    `everywhere` are the program's own options that are accepted after a command, too.
    """
    with suppress(Exception):  # whoever presses TAB wants no error
        return SHELLS[shell](arguments, partial(_offers, program, everywhere))
    return ""


def _offers(
    program: Program, everywhere: Collection[str], before: Sequence[str], word: str
) -> Offers:
    """What fits after the words `before`, and begins with `word`."""
    found = _LONG_OPTION.match(word)
    option = found[0] if found and "--" not in before else ""
    context = _resolve_context(program(before), {}, "loyalty", [*before])
    args = [*before]
    owner, rest = _resolve_incomplete(context, args, word)
    root = context.find_root()
    for each in root.command.params:
        if each.opts[0] in everywhere and _is_incomplete_option(root, args, each):
            context, owner = root, each
    items = owner.shell_complete(context, rest)
    if any(item.help == FILES for item in items):
        return Offers(option, are_files=True)
    if owner is context.command and rest.startswith("-"):
        own = root.command.shell_complete(root, rest)
        items += [item for item in own if item.value in everywhere]
    texts = {str(item.value): _on_one_line(item.help or "") for item in items}
    typed = word.removeprefix(option)
    return Offers(option, [Offer(*each) for each in texts.items() if _fits(each[0], typed)])


def _on_one_line(text: str) -> str:
    """A text without what a terminal would not show as it is."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _fits(text: str, typed: str) -> bool:
    """Whether a text goes on with what is typed, and is not read as an option unless that is."""
    is_option = text.startswith("-") and not typed.startswith("-")
    return text.startswith(typed) and text.isprintable() and not is_option


Find = Callable[[Sequence[str], str], Offers]


def _for_bash(arguments: Sequence[str], find: Find) -> str:
    """Texts as bash puts them in the place of `replaced`, which is what it takes for a word."""
    replaced, line = arguments
    before, raw = words_of(line)
    kept = unquoted(raw.removesuffix(replaced))
    found = find(before, unquoted(raw).text)
    whole = [found.option + offer.text for offer in found.offers]
    ends = [text.removeprefix(kept.text) for text in whole if text.startswith(kept.text)]
    return _lines(found, filter(None, (quoted(text, kept.quote) for text in ends)))


def _for_zsh(arguments: Sequence[str], find: Find) -> str:
    """Texts without the option, and with what they are; `_describe` takes both, after a colon."""
    *before, word = arguments
    found = find(before, word)
    texts = [(re.sub(r"[\\:]", r"\\\g<0>", offer.text), offer.help) for offer in found.offers]
    return _lines(found, (f"{text}:{help_}" if help_ else text for text, help_ in texts))


def _for_fish(arguments: Sequence[str], find: Find) -> str:
    """Texts with the option, and with what they are, after a tab."""
    *before, word = arguments
    found = find(before, unquoted(word).text)
    return _lines(found, (f"{found.option}{text}\t{help_}" for text, help_ in found.offers))


def _for_powershell(_: Sequence[str], find: Find) -> str:
    """Texts in the quotes that PowerShell needs, and what they are, after a tab.

    The words are in a variable: not every PowerShell gives a program its arguments unchanged.
    """
    *before, word = os.environ["_LOYALTY_WORDS"].split("\n")
    found = find(before, word.strip("'\""))
    whole = ((found.option + offer.text, offer) for offer in found.offers)
    return _lines(
        found,
        (
            f"{text if _PLAIN_IN_POWERSHELL.fullmatch(text) else _in_quotes(text)}"
            f"\t{offer.help or offer.text}"
            for text, offer in whole
        ),
    )


def _in_quotes(text: str) -> str:
    return "'" + re.sub("['\u2018-\u201b]", r"\g<0>\g<0>", text) + "'"


SHELLS: Mapping[str, Callable[[Sequence[str], Find], str]] = {
    "bash": _for_bash,
    "zsh": _for_zsh,
    "fish": _for_fish,
    "powershell": _for_powershell,
}


def _lines(found: Offers, texts: Iterator[str]) -> str:
    if found.are_files:
        return f"{FILES}\n"
    are_beginnings = all(offer.text.endswith("=") for offer in found.offers)
    lines = [BEGINNINGS if are_beginnings else VALUES, *texts]
    return "".join(f"{line}\n" for line in lines) if len(lines) > 1 else ""
