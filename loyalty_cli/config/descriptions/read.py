"""Reading one description: every key, and each mistake with its line."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import get_args

from msgspec.structs import replace

from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.descriptions.examples import read_examples
from loyalty_cli.config.descriptions.sign_in import open_template, read_headers, read_sign_ins
from loyalty_cli.config.descriptions.values import (
    amount_sources,
    check_name,
    choice,
    flag,
    place,
    required,
    template,
    text_source,
    values,
)
from loyalty_cli.config.section import Section, sounds_secret
from loyalty_cli.config.yaml_nodes import Map, Node
from loyalty_cli.model.errors import ErrorCode, nearest
from loyalty_cli.model.records import Kind
from loyalty_cli.providers.contract import ID, Parameter
from loyalty_cli.providers.description.records import (
    AMOUNTS,
    EXPIRY_AMOUNTS,
    VALUE_AMOUNTS,
    Description,
    ErrorShape,
    ExpirySource,
    Line,
    LookUp,
    MoneyOrPoints,
    Template,
    TextSource,
    ValueSource,
)
from loyalty_cli.providers.parameters import (
    PROFILE_KEYS,
    decimals,
    header_value,
    integer,
    one_of,
    segment,
    text,
)

CUSTOMER = "customer"

KEYS = (
    *("name", "title", "pages", "base_url", "auth", "settings", "options", "headers", "look_up"),
    *("impossible_customer", "platform_customer", "lines", "details", "errors", "not_found"),
    "examples",
)
SETTING_KEYS = ("help", "required", "one_of")
OPTION_KEYS = ("help", "sent_as", "one_of")
LINE_KEYS = (
    *("name", "kind", "unit", *AMOUNTS, "value", "next_expiry", "includes_pending", "sum_of"),
    "warning",
)
LOOK_UP_KEYS = ("get", "query", "at", "one_of_a_list", "help")
MEANINGS = (
    *(ErrorCode.NOT_FOUND, ErrorCode.CREDENTIAL_REFUSED, ErrorCode.REFUSED, ErrorCode.SETUP),
    *(ErrorCode.RATE_LIMITED, ErrorCode.SERVER_ERROR),
)
ERROR_KEYS = ("message", "code", "needs", *MEANINGS)
KINDS: tuple[Kind | MoneyOrPoints, ...] = (*get_args(Kind), *get_args(MoneyOrPoints))


def read_description(called: str, node: Node, key: str = "") -> Description:
    """Read the description of a provider; raises MistakeError."""
    section = Section(node, key, KEYS)
    if (own := section.read("name", text)) and own != called:
        section.mistake("name", f"must be {called!r}, as the file or the key above is called")
    names = section.free("settings").names
    look_up = _look_ups(section, names)
    lines = _lines(section, names)
    auths = read_sign_ins(section)
    credentials = {each for auth in auths for each in auth.credentials}
    headers = read_headers(section, names)
    settings = _settings(section, look_up, lines, headers, credentials)
    options = _options(section, look_up)
    ways = tuple(look_up)
    return Description(
        name=called,
        title=section.read("title", text) or called,
        pages=values(section, "pages", text),
        base_url=section.read("base_url", check_base_url),
        auths=auths,
        settings=settings,
        options=options,
        headers=headers,
        look_up=look_up,
        choices=_choices(section),
        impossible_customer=section.read("impossible_customer", segment),
        lines=lines,
        platform_customer=_platform_customer(section),
        details=values(section, "details", place),
        errors=_errors(section),
        not_found=frozenset(values(section, "not_found", _error_status)),
        examples=read_examples(section, ways, settings, options),
    )


def _settings(
    description: Section,
    look_up: Mapping[str, LookUp],
    lines: tuple[Line, ...],
    headers: Mapping[str, Template],
    credentials: Collection[str],
) -> tuple[Parameter, ...]:
    in_paths = {each for way in look_up.values() for part in way.path for each in part.names}
    in_headers = {each for value in headers.values() for each in value.names}
    scales = {source.decimals for line in lines for _, source in line.amount_sources()}
    section = description.free("settings")
    read = []
    for each in section.names:
        if each in PROFILE_KEYS or each in credentials:
            what = "a credential, too" if each in credentials else "a key of every profile"
            section.mistake(each, f"is {what}", "Choose another name.")
        checks: list[Callable[[str], str]] = [segment] if each in in_paths else []
        checks += [header_value] if each in in_headers else []
        usual = decimals if each in scales else partial(_checked, checks or [text])
        inner, parameter = _parameter(section, each, SETTING_KEYS, usual)
        is_required = inner is not None and flag(inner, "required")
        if each in in_paths and not is_required:
            section.mistake(each, "stands in a path, so it needs required: true")
        read.append(replace(parameter, required=is_required))
    return tuple(read)


def _checked(checks: Iterable[Callable[[str], str]], value: str) -> str:
    for check in checks:
        value = check(value)
    return value


def _options(description: Section, look_up: Mapping[str, LookUp]) -> tuple[Parameter, ...]:
    taken = {key for way in look_up.values() for key in way.query}
    section = description.free("options")
    read = []
    for each in section.names:
        if each == "by":
            section.mistake(each, "is the way to name a customer", "Choose another name.")
        inner, parameter = _parameter(section, each, OPTION_KEYS, text)
        sent_as = (inner and inner.read("sent_as", text)) or each
        if sent_as in taken:
            section.mistake(each, f"{sent_as} is in a query already", "Leave one out.")
        if sounds_secret(sent_as):
            section.mistake(each, f"{sent_as} sounds like a secret", "Sign in with headers.")
        taken.add(sent_as)
        read.append(replace(parameter, sent_as=sent_as))
    return tuple(read)


def _parameter(
    section: Section, called: str, known: tuple[str, ...], usual: Callable[[str], str]
) -> tuple[Section | None, Parameter]:
    """Read a setting or an option: a map, or its help alone."""
    check_name(section, called)
    if called == CUSTOMER:
        section.mistake(called, "this name stands for the customer", "Choose another name.")
    if not isinstance(section.node(called), Map):
        return None, Parameter(called, required(section, called, text, "the shop's number"), usual)
    inner = section.inner(called, known)
    words = values(inner, "one_of", text)
    told = inner.read("help", text) or called
    return inner, Parameter(called, told, one_of(*words) if words else usual)


def _choices(description: Section) -> Mapping[str, tuple[str, ...]]:
    """The words of each setting and option that has only some."""
    found = dict[str, tuple[str, ...]]()
    for key, known in (("settings", SETTING_KEYS), ("options", OPTION_KEYS)):
        section = description.free(key)
        maps = [each for each in section.names if isinstance(section.node(each), Map)]
        found |= {each: values(section.inner(each, known), "one_of", text) for each in maps}
    return {each: words for each, words in found.items() if words}


def _look_ups(description: Section, settings: Collection[str]) -> Mapping[str, LookUp]:
    node = description.node("look_up")
    section = description.inner("look_up", node.keys if isinstance(node, Map) else ())
    if ID not in section:
        description.mistake(
            "look_up", "needs the way `id`", 'Such as id: {get: "/v1/customers/{customer}"}'
        )
    return {way: _look_up(section, way, settings) for way in (ID, *section.names)}


def _look_up(ways: Section, way: str, settings: Collection[str]) -> LookUp:
    check_name(ways, way)
    section = ways.inner(way, LOOK_UP_KEYS)
    query = section.free("query")
    known = (CUSTOMER, *settings)
    found = LookUp(
        help=section.read("help", text) or f"the customer's {way} at the platform",
        path=_path(section, known),
        query={key: open_template(query, key, known) for key in query.names},
        at=section.read("at", place) or (),
        is_list=flag(section, "one_of_a_list"),
    )
    named = [each for each in (*found.path, *found.query.values()) if CUSTOMER in each.names]
    if not named:
        section.mistake("get", "does not name the customer: write {customer} in get or query")
    if any(each.text != f"{{{CUSTOMER}}}" for each in named):
        # Inside a text of the platform's own grammar an identifier could mean something else.
        section.mistake("get", "{customer} must be a whole part of the path, or a whole value")
    return found


def _path(section: Section, known: Collection[str]) -> tuple[Template, ...]:
    """The segments of a path; each value stays inside its segment."""
    whole = template(section, "get", known)
    first, *segments = whole.text.split("/")
    if first or not segments:
        section.mistake("get", "must be a path that begins with /", "base_url has the host.")
    for each in segments:
        if each in ("", ".", ".."):
            section.mistake("get", "must have no empty part, and neither . nor .. as one")
        if any(sign in each for sign in "?#%\\"):
            section.mistake("get", "must not have ? # % or \\ in it", "A query stands in query.")
    return tuple(map(Template, segments))


def _lines(description: Section, settings: Collection[str]) -> tuple[Line, ...]:
    listed = description.listed("lines")
    if not listed.names:
        such = "Such as [{name: points, kind: points, unit: points, available: data.points}]"
        description.mistake("lines", "must be a list with a balance line", such)
    lines = [_line(listed.inner(at, LINE_KEYS), settings) for at in listed.names]
    fixed = [line.name.default or "" for line in lines if not line.name.places]
    for at, line in zip(listed.names, lines, strict=True):
        if not line.name.places and fixed.count(line.name.default or "") > 1:
            listed.mistake(at, f"there are two lines {line.name.default!r}")
        for other in line.sum_of or ():
            if other not in fixed:
                listed.mistake(at, f"sum_of: there is no line {other!r}", nearest(other, fixed))
    return tuple(lines)


def _line(section: Section, settings: Collection[str]) -> Line:
    has_pending = "includes_pending" in section
    line = Line(
        name=text_source(section, "name"),
        kind=required(section, "kind", choice(*KINDS), "points"),
        unit=text_source(section, "unit"),
        amounts=amount_sources(section, AMOUNTS, settings),
        value=_value(section, settings),
        next_expiry=_next_expiry(section),
        includes_pending=flag(section, "includes_pending") if has_pending else None,
        sum_of=values(section, "sum_of", text) or None,
        doubt=section.read("warning", text),
    )
    if not line.name.places and line.name.default is None:
        section.mistake("name", "is missing", "Such as name: points")
    if not line.amounts and not (line.value and line.value.amounts):
        section.mistake("available", "is missing: a line needs an amount")
    if line.kind not in ("money", "money_or_points"):
        for key, source in line.amounts.items():
            if source.decimals is not None:
                section.mistake(key, f"decimals are for money, and this line is {line.kind}")
    return line


def _value(line: Section, settings: Collection[str]) -> ValueSource | None:
    if "value" not in line:
        return None
    section = line.inner("value", ("currency", *VALUE_AMOUNTS))
    amounts = amount_sources(section, VALUE_AMOUNTS, settings)
    return ValueSource(text_source(section, "currency"), amounts)


def _next_expiry(line: Section) -> ExpirySource | None:
    if "next_expiry" not in line:
        return None
    section = line.inner("next_expiry", ("at", *EXPIRY_AMOUNTS))
    at = text_source(section, "at", is_place=True)
    return ExpirySource(at, amount_sources(section, EXPIRY_AMOUNTS, ()))


def _platform_customer(description: Section) -> TextSource | None:
    if "platform_customer" not in description:
        return None
    found = text_source(description, "platform_customer", is_place=True)
    if len(found.places) != 1 or found.default is not None:
        description.mistake("platform_customer", "must be one place in the answer")
    return found


def _errors(description: Section) -> tuple[ErrorShape, ...]:
    listed = description.listed("errors")
    return tuple(_error(listed.inner(at, ERROR_KEYS)) for at in listed.names)


def _error(section: Section) -> ErrorShape:
    meanings = {code: meaning for meaning in MEANINGS for code in values(section, meaning, text)}
    shape = ErrorShape(
        message=values(section, "message", place),
        code=section.read("code", place),
        needs=values(section, "needs", place),
        codes=meanings,
    )
    if not shape.message and shape.code is None:
        section.mistake("message", "is missing", "Such as message: error.message")
    if meanings and shape.code is None:
        section.mistake("code", "is missing: the place of the codes", "Such as code: error.code")
    return shape


def _error_status(value: str) -> int:
    status = int(integer(value))
    if not 400 <= status <= 499:
        raise ValueError("must be an HTTP status from 400 to 499")
    return status
