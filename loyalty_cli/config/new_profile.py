"""The lines of a new profile, with comments about what else it can have."""

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import wrap

from loyalty_cli.providers.contract import ID, DebitProvider, Provider

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]*|https?://[A-Za-z0-9_./:%-]+")
_NOT_PLAIN = ("null", "Null", "NULL")
WIDTH = 88


def lines_of(provider: Provider, auth: str | None, given: Mapping[str, str]) -> list[str]:
    """The lines below the name of a profile; keys in `given` such as `options.expand` are nested.

    Settings and options that are not given stand there as comments.
    """
    return [*_lines(provider, auth, given)]


def _lines(provider: Provider, auth: str | None, given: Mapping[str, str]) -> Iterator[str]:
    yield f"# {provider.title}; `loyalty providers {provider.name}` explains all its keys."
    yield f"provider: {provider.name}"
    if auth or len(provider.auths) > 1:
        yield f"# How to sign in: {' or '.join(each.name for each in provider.auths)}."
        yield f"auth: {auth or provider.auths[0].name}"
    if "base_url" not in given and provider.base_url:
        yield "# The address; without this line it is this one."
        yield f"#base_url: {provider.base_url}"
    told = {each.name: each.help for each in provider.settings}
    for name, value in given.items():
        if "." not in name:
            if name in told:
                yield from _comment(told[name])
            yield f"{name}: {scalar(value)}"
    for name, text in told.items():
        if name not in given:
            yield from _comment(text)
            yield f"#{name}:"
    if len(provider.ways) > 1 and "by" not in given:
        yield f"# How customers are named: {', '.join(way.name for way in provider.ways)}."
        yield f"#by: {ID}"
    yield from _options(provider, _inside("options", given))
    yield from _debit(provider, _inside("debit", given))


def _options(provider: Provider, given: Mapping[str, str]) -> Iterator[str]:
    known = provider.profile_options()
    if not (known or given):
        return
    yield "# Query options, as -O KEY=VALUE has them."
    yield "options:" if given else "#options:"
    yield from (f"  {name}: {scalar(value)}" for name, value in given.items())
    for each in known:
        if each.name not in given:
            yield from (f"  {line}" for line in _comment(each.help))
            yield f"  #{each.name}:"


def _debit(provider: Provider, given: Mapping[str, str]) -> Iterator[str]:
    if given:
        yield "# What may be debited: this is real credit."
        yield "debit:"
        yield from (f"  {name}: {scalar(value)}" for name, value in given.items())
    elif isinstance(provider, DebitProvider):
        yield "# Debits: without these lines none is made. `loyalty config example` explains them."
        yield "#debit:"
        yield "#  allow: true"
        yield "#  unit:"
        yield "#  max_amount:"


def _inside(name: str, given: Mapping[str, str]) -> Mapping[str, str]:
    """The given keys of a map inside the profile."""
    dotted = f"{name}."
    return {key.removeprefix(dotted): value for key, value in given.items() if dotted in key}


def scalar(value: str) -> str:
    """A value as YAML that is read as exactly this text."""
    is_plain = _PLAIN.fullmatch(value) and value not in _NOT_PLAIN
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(f"{text[:1].upper()}{text[1:]}.", WIDTH)]
