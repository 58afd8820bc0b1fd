"""The place of the journal or of the people: a file's path, or the URL of a PostgreSQL server."""

import re
from urllib.parse import unquote

from loyalty_cli.config.folders import expanded

FORM = "postgresql://USER@HOST/DATABASE"

SETTINGS = {
    "host": r"[^,\s]+(,[^,\s]+)*",
    "port": r"[0-9]{1,5}(,[0-9]{1,5})*",
    "service": r"[^\s=\[\]]+",
    "passfile": r".+",
    "sslmode": r"disable|allow|prefer|require|verify-ca|verify-full",
    "sslrootcert": r".+",
    "sslcert": r".+",
    "sslkey": r".+",
    "channel_binding": r"disable|prefer|require",
    "gssencmode": r"disable|prefer|require",
    "target_session_attrs": r"any|read-write|primary",
    "application_name": r"[ -~]+",
    "options": r"-c *search_path=[\w$]+(,[\w$]+)*",
}
"""The settings that a URL may have after the ?, each with the form of its values."""

# A colon counts only in the first segment, and not after one letter, which is a drive.
_LIKE_A_URL = re.compile(r"[a-z][a-z0-9+.-]+:|[^/]{2,}:/|//|postgre", re.IGNORECASE)
_LIKE_SETTINGS = re.compile(r"(host|hostaddr|port|dbname|user|service|sslmode) *=", re.IGNORECASE)
_SCHEME = re.compile(r"[^:/@]*:/+|[^/@]*://|postgres\w*:?/*|/*", re.IGNORECASE)
_PASSWORD = re.compile(r"(passw(or)?d|pass|pwd) *=", re.IGNORECASE)
_URL = re.compile(
    r"postgres(?:ql)?://"
    r"(?:[^@:/?]*@)?(?P<hosts>[^@/?]*)"
    r"(?:/(?P<database>[^@:/?]*))?"
    r"(?:\?(?P<settings>[^?]*))?"
)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(?P<port>[0-9]{1,5}))?")
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f#\\\"<>^`{|}]|%(?![0-9A-Fa-f]{2})|%00")


def check_place(text: str) -> str:
    """Check a path or a URL, and return it; a URL gets the scheme postgresql://.

    Raises ValueError, without the text in its message: the text may contain a password.
    """
    begins = text.lstrip(" \t'\"<(")
    is_like_a_url = bool(_LIKE_A_URL.match(begins) or _LIKE_SETTINGS.match(begins))
    if _has_password(text, is_like_a_url=is_like_a_url):
        raise ValueError(
            "has a password in it, which must not be in any file of loyalty;"
            " put it into PGPASSWORD or a password file (PGPASSFILE) instead"
        )
    if is_like_a_url:
        _check_url(text)
        return f"postgresql://{text.partition('://')[2]}"
    expanded(text)
    return text


def is_url(place: str) -> bool:
    """Whether a checked place is a server."""
    return place.startswith("postgresql://")


def _has_password(text: str, *, is_like_a_url: bool) -> bool:
    plain = unquote(text)
    if is_like_a_url and _PASSWORD.search(plain):
        return True
    # Up to the last @: the password itself may contain a slash or an @.
    before, at, _ = text.rpartition("@")
    if is_like_a_url:
        return ":" in unquote(_SCHEME.sub("", before, count=1))
    return bool(at) and ":" in before.partition("/")[0]


def _check_url(text: str) -> None:
    parts = _URL.fullmatch(text)
    if parts is None or _NOT_IN_A_URL.search(text):
        raise ValueError(
            f"looks like a URL, but does not have the form {FORM}; if it is a file, write ./"
            " before its name"
        )
    if not all(map(_is_host, parts["hosts"].split(","))):
        raise ValueError(f"has a host or a port that is not valid; the form is {FORM}")
    settings = _settings(parts["settings"])
    if not parts["database"] and "service" not in settings:
        raise ValueError(f"names no database; the form is {FORM}, or postgresql:///?service=NAME")


def _is_host(text: str) -> bool:
    host = _HOST.fullmatch(text)
    return host is not None and (host["port"] is None or 1 <= int(host["port"]) <= 65535)


def _settings(query: str | None) -> dict[str, str]:
    settings: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        form = SETTINGS.get(name)
        if form is None:
            raise ValueError(
                f"has an unknown setting after the ?; available: {', '.join(SETTINGS)}"
            )
        if name in settings:
            raise ValueError(f"has {name} twice")
        settings[name] = unquote(value)
        if "=" in value or not re.fullmatch(form, settings[name]):
            raise ValueError(f"has a value of {name} that is not allowed; write = as %3D")
    return settings
