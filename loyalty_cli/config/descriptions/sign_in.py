"""The ways to sign in of a description, and its headers; a secret that stands in one is refused."""

import re
from collections.abc import Collection, Mapping

from loyalty_cli.config.descriptions.values import check_name, name, template, values
from loyalty_cli.config.section import Section
from loyalty_cli.config.yaml_nodes import Map
from loyalty_cli.providers.description.records import SignIn, Template
from loyalty_cli.providers.parameters import header_value

WAY_KEYS = ("credentials", "headers", "basic")

_SUCH_AS = 'Such as bearer: {credentials: [api_key], headers: {Authorization: "Bearer {api_key}"}}'
_WORD = "[A-Za-z][A-Za-z0-9_-]{0,19}"
# `Bearer *`, `Token token="*"`, `*:*`: at most a scheme, the names of parts, and credentials.
_ONLY_CREDENTIALS = re.compile(rf'(?:{_WORD} )?(?:(?:{_WORD}=)?"?\*"?(?:[:;,] ?|$))+')
# `Bearer abc`, and the beginning of every JWT.
_SIGN_IN = re.compile(r"^\s*(?i:bearer|basic|token|digest)\s+\S|\beyJ[A-Za-z0-9_-]")
_TELLING = ("accept", "accept-language", "user-agent")
"""Headers whose words are long, and mean something."""
SHORTEST_TOKEN = 20
_ELSEWHERE = "A secret is sent by a way in auth, as {api_key}; what is no secret can be a setting."
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OF_HTTP = frozenset(
    {"accept-encoding", "connection", "content-length", "content-type", "expect", "host", "te"}
    | {"trailer", "transfer-encoding", "upgrade"}
)


def read_sign_ins(description: Section) -> tuple[SignIn, ...]:
    """Read `auth`: every way to sign in, the first of them the usual one."""
    node = description.node("auth")
    if not isinstance(node, Map) or not node.keys:
        description.mistake("auth", "must be a map with a way to sign in", _SUCH_AS)
    ways = Section(node, description.key("auth"), node.keys)
    return tuple(_sign_in(ways, way) for way in ways.names)


def read_headers(description: Section, settings: Collection[str]) -> Mapping[str, Template]:
    """Read `headers`, which every request has."""
    section = description.free("headers")
    for header in section.names:
        _check_header(section, header)
        section.read(header, header_value)
    return {header: open_template(section, header, settings) for header in section.names}


def open_template(section: Section, key: str, known: Collection[str]) -> Template:
    """Read a text that is sent in the open; one that sounds or looks like a secret is refused."""
    value = template(section, key, known)
    sounds = key.lower().endswith(("cookie", "key")) and not value.names
    if sounds or _SIGN_IN.search(value.text) or _has_token(key, value):
        section.mistake(key, "this looks like a secret, and no secret may stand here", _ELSEWHERE)
    return value


def _has_token(key: str, value: Template) -> bool:
    """Whether a text has a long word of letters and digits, as keys and tokens are."""
    words = [] if key.lower() in _TELLING else re.split(r"[\s,;]+", value.around(" "))
    long = [word for word in words if len(word) >= SHORTEST_TOKEN]
    return any(re.search("[A-Za-z]", word) and re.search("[0-9]", word) for word in long)


def _sign_in(ways: Section, way: str) -> SignIn:
    check_name(ways, way)
    section = ways.inner(way, WAY_KEYS)
    credentials = values(section, "credentials", name)
    if not credentials or ("headers" in section) == ("basic" in section):
        section.mistake("credentials", "goes with either headers or basic", _SUCH_AS)
    if "basic" in section:
        pair = section.inner("basic", ("user", "password"))
        basic = _credential(pair, "user", credentials), _credential(pair, "password", credentials)
        used: Collection[Template] = basic
        found = SignIn(way, credentials, basic=basic)
    else:
        headers = _sign_in_headers(section, credentials)
        used = headers.values()
        found = SignIn(way, credentials, headers)
    for each in credentials:
        if not any(each in value.names for value in used):
            section.mistake("credentials", f"{each} stands in none of the headers")
    return found


def _sign_in_headers(section: Section, credentials: Collection[str]) -> Mapping[str, Template]:
    node = section.node("headers")
    inner = section.inner("headers", node.keys if isinstance(node, Map) else ())
    found = {}
    for header in inner.names:
        _check_header(inner, header)
        value = template(inner, header, credentials)
        if not _ONLY_CREDENTIALS.fullmatch(value.around("*")) or "*" in value.text:
            _refuse_secret(inner, header)
        found[header] = value
    return found


def _credential(section: Section, key: str, credentials: Collection[str]) -> Template:
    value = template(section, key, credentials)
    if value.around(""):
        _refuse_secret(section, key)
    return value


def _check_header(section: Section, header: str) -> None:
    if not _HEADER.fullmatch(header):
        section.mistake(header, "is not the name of a header")
    if header.lower() in _OF_HTTP:
        section.mistake(header, "is set by the program itself", "Leave it out.")


def _refuse_secret(section: Section, key: str) -> None:
    section.mistake(
        key,
        "only a credential's name may stand here, as {api_key}, and no secret",
        "Take it out; `loyalty login` stores what the name stands for.",
    )
