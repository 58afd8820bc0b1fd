"""Reading the profile file, and reporting each mistake with its line and key."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

from msgspec import Struct

from loyalty_cli import providers
from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.file import read
from loyalty_cli.config.journal_place import check_place
from loyalty_cli.config.profile import (
    DEFAULT_RESEND_FOR,
    DEFAULT_SETTLE,
    DEFAULT_TIMEOUT,
    DebitRules,
    Profile,
    check_rate,
    check_resend_for,
    check_settle,
    check_timeout,
)
from loyalty_cli.config.yaml_nodes import Map, Node, Text, YamlError
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.errors import LoyaltyError, nearest, os_error_text, setup_error
from loyalty_cli.providers.contract import Provider
from loyalty_cli.providers.parameters import Parameter, boolean, integer, text

WRITABLE_BY_OTHERS = 0o022

FILE_KEYS = ("default_profile", "profiles", "journal")
PROFILE_KEYS = (
    "provider",
    "base_url",
    "auth",
    "timeout",
    "rate",
    "ca_bundle",
    "options",
    "account",
    "debit",
)
DEBIT_KEYS = (
    *("allow", "unit", "max_amount", "max_total", "max_total_per_day"),
    *("settle", "resend_for"),
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SECRET_WORDS = ("passw", "secret", "token", "api_key", "apikey", "credential", "authorization")

Read = TypeVar("Read")


class Config(Struct, frozen=True):
    """The checked profile file: at least one profile, each of them complete."""

    origin: str
    profiles: Mapping[str, Profile]
    default_profile: str | None = None
    journal: str | None = None
    warnings: tuple[str, ...] = ()

    def profile(self, name: str) -> Profile:
        """Find a profile by name; raises LoyaltyError, which suggests the nearest name."""
        if name not in self.profiles:
            setup_error(
                f"there is no profile {name!r} in {self.origin}.", nearest(name, self.profiles)
            )
        return self.profiles[name]


class _MistakeError(Exception):
    """A mistake in the file, at a key."""

    def __init__(
        self, message: str, key: str = "", line: int | None = None, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.key, self.line, self.hint = key, line, hint


def load(path: Path) -> Config:
    """Read and check a profile file; raises LoyaltyError that names file, line and key."""
    try:
        root, mode = read(path)
        config = _config(path, root)
    except FileNotFoundError:
        setup_error(
            f"there is no profile file {path}.",
            "Write one (README shows how), or try the program with --sandbox first.",
        )
    except (OSError, ValueError) as error:
        setup_error(
            f"the profile file {path} cannot be read: {os_error_text(error)}.", "Fix that file."
        )
    except YamlError as error:
        setup_error(f"{_place(path, error.line)}: {error}.", "Fix that line.")
    except _MistakeError as error:
        key = f" {error.key}:" if error.key else ""
        setup_error(f"{_place(path, error.line)}:{key} {error}.", error.hint or None)
    if mode & WRITABLE_BY_OTHERS:
        warning = f"{path} can be written by other users; run chmod 600 on it."
        return Config(
            str(path), config.profiles, config.default_profile, config.journal, (warning,)
        )
    return config


def _place(path: Path, line: int | None) -> str:
    return f"{path}, line {line}" if line else str(path)


def _config(path: Path, root: Node) -> Config:
    if root is None:
        raise _MistakeError("the file is empty", hint="README shows a first profile.")
    fields = _fields(root, "", FILE_KEYS)
    named = fields.items.get("profiles")
    if not isinstance(named, Map) or not named.items:
        is_there = "profiles" in fields.keys
        there = "must be a map with at least one profile" if is_there else "is missing"
        _mistake(fields, "profiles", "", there, "README shows a first profile.")
    profiles = {name: _profile(name, node, named, path) for name, node in named.items.items()}
    _refuse_colliding_names(profiles.values(), named)
    _refuse_shared_account_names(profiles.values(), named)
    default = _read(fields, "default_profile", "", text)
    if default is not None and default not in profiles:
        _mistake(
            fields,
            "default_profile",
            "",
            f"there is no profile {default!r}",
            nearest(default, profiles),
        )
    return Config(str(path), profiles, default, _read(fields, "journal", "", _journal))


def _fields(node: Node, key: str, known: Iterable[str], credentials: Iterable[str] = ()) -> Map:
    """Check that a node is a map with known keys only; null counts as an empty map.

    Names in `credentials`, and names that sound like a secret, get an error of their own.
    """
    if node is None:
        return Map({}, {}, 0)
    if not isinstance(node, Map):
        raise _MistakeError("must be a map of keys and values", key, node.line)
    for name, line in node.keys.items():
        if name not in known:
            # In `{api_key:abc}` the key is all of it, and the value must not be shown.
            shown = re.split("[:=]", name, maxsplit=1)[0]
            plain = shown.lower().replace("-", "_")
            if plain in credentials or any(word in plain for word in _SECRET_WORDS):
                _refuse_secret(_join(key, shown), line)
            raise _MistakeError("unknown key", _join(key, shown), line, nearest(shown, known))
    return node


def _refuse_secret(key: str, line: int) -> NoReturn:
    raise _MistakeError(
        "a credential does not belong in this file",
        key,
        line,
        "Take it out and run `loyalty login` for the profile, or set its environment variable.",
    )


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _mistake(fields: Map, name: str, key: str, message: str, hint: str = "") -> NoReturn:
    raise _MistakeError(
        message, _join(key, name), fields.keys.get(name) or fields.line or None, hint
    )


def _read(fields: Map, name: str, key: str, check: Callable[[str], Read]) -> Read | None:
    """Read a single value and check it; None if it is not given."""
    node = fields.items.get(name)
    if node is None:
        return None
    if not isinstance(node, Text):
        _mistake(fields, name, key, "must be a single value, not a list or a map")
    try:
        return check(node.value)
    except ValueError as error:
        _mistake(fields, name, key, str(error).rstrip("."))


def _profile(name: str, node: Node, named: Map, path: Path) -> Profile:
    key, line = f"profiles.{name}", named.keys[name]
    if not _NAME.fullmatch(name):
        raise _MistakeError(
            "a profile's name must be letters, digits, - and _, and begin with a letter or digit",
            key,
            line,
        )
    if not isinstance(node, Map):
        raise _MistakeError(
            "must be a map with a provider", key, line, "Write a space after each colon."
        )
    provider = _provider(node, key)
    fields = _fields(
        node,
        key,
        (*PROFILE_KEYS, *(setting.name for setting in provider.settings)),
        provider.credential_fields(),
    )
    auth = provider.auth(_read(fields, "auth", key, text))
    if auth is None:
        known = [way.name for way in provider.auths]
        _mistake(fields, "auth", key, f"must be one of {', '.join(known)} for {provider.title}")
    return Profile(
        name=name,
        provider=provider,
        auth=auth,
        base_url=_base_url(fields, key, provider),
        settings=_settings(fields, key, provider),
        options=_options(fields, f"{key}.options", provider),
        timeout=_read(fields, "timeout", key, check_timeout) or DEFAULT_TIMEOUT,
        rate=_read(fields, "rate", key, check_rate),
        ca_bundle=_read(fields, "ca_bundle", key, lambda given: _beside(path, given)),
        account=_read(fields, "account", key, _account_name),
        debit=_debit(fields, key),
    )


def _provider(fields: Map, key: str) -> Provider:
    name = _read(fields, "provider", key, text)
    if name is None:
        from difflib import get_close_matches

        for typo in get_close_matches("provider", fields.keys, n=1):
            _mistake(fields, typo, key, "unknown key", "Did you mean 'provider'?")
        _mistake(
            fields, "provider", key, "is missing", f"Available: {', '.join(providers.names())}."
        )
    try:
        return providers.load(name)
    except LoyaltyError as error:
        _mistake(fields, "provider", key, error.message.rstrip("."), error.hint or "")


def _base_url(fields: Map, key: str, provider: Provider) -> str:
    url = _read(fields, "base_url", key, check_base_url) or provider.base_url
    if url is None:
        _mistake(
            fields,
            "base_url",
            key,
            f"is missing: {provider.title} has no common address",
        )
    return url


def _settings(fields: Map, key: str, provider: Provider) -> Mapping[str, str]:
    settings = _parameters(fields, provider.settings, key)
    for setting in provider.settings:
        if setting.required and setting.name not in settings:
            _mistake(fields, setting.name, key, f"is missing: {setting.help}")
    return settings


def _options(fields: Map, key: str, provider: Provider) -> Mapping[str, str]:
    known = [option.name for option in provider.options]
    given = _fields(fields.items.get("options"), key, known, provider.credential_fields())
    return _parameters(given, provider.options, key)


def _parameters(fields: Map, known: tuple[Parameter, ...], key: str) -> Mapping[str, str]:
    values = {each.name: _read(fields, each.name, key, each.check) for each in known}
    return {name: value for name, value in values.items() if value is not None}


def _debit(fields: Map, key: str) -> DebitRules:
    key = f"{key}.debit"
    rules = _fields(fields.items.get("debit"), key, DEBIT_KEYS)
    return DebitRules(
        allow=_read(rules, "allow", key, boolean) == "true",
        unit=_read(rules, "unit", key, text),
        max_amount=_read(rules, "max_amount", key, _whole),
        max_total=_read(rules, "max_total", key, _whole),
        max_total_per_day=_read(rules, "max_total_per_day", key, _whole),
        settle=_read(rules, "settle", key, check_settle) or DEFAULT_SETTLE,
        resend_for=_read(rules, "resend_for", key, check_resend_for) or DEFAULT_RESEND_FOR,
    )


def _account_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("must be letters, digits, - and _, and begin with a letter or digit")
    return value


def _whole(value: str) -> int:
    return int(integer(value))


def _beside(path: Path, value: str) -> Path:
    """A path in the profile file; a relative one starts at the profile file's folder."""
    try:
        return path.parent / Path(text(value)).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but the home folder is not known") from None


def _journal(value: str) -> str:
    return check_place(text(value))


def _refuse_colliding_names(profiles: Iterable[Profile], named: Map) -> None:
    taken: dict[str, str] = {}
    for profile in profiles:
        for field in profile.provider.credential_fields():
            variable = environment_name(profile.name, field)
            other = taken.setdefault(variable, profile.name)
            if other != profile.name:
                raise _MistakeError(
                    f"shares the environment variable {variable} with the profile {other!r}",
                    f"profiles.{profile.name}",
                    named.keys[profile.name],
                    "Give one of the two another name.",
                )


def _refuse_shared_account_names(profiles: Iterable[Profile], named: Map) -> None:
    """Refuse one account name for two platforms."""
    taken: dict[str, Profile] = {}
    for profile in profiles:
        if profile.account is None:
            continue
        other = taken.setdefault(profile.account, profile)
        if other.provider.name != profile.provider.name:
            raise _MistakeError(
                f"{profile.account!r} is the account of the profile {other.name!r} at"
                f" {other.provider.title}, and cannot be one at {profile.provider.title}",
                f"profiles.{profile.name}.account",
                named.keys[profile.name],
                "Give one of the two another name.",
            )
