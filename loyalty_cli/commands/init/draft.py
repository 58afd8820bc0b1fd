"""The profile to be, asked for or given, and the profile file with it; nothing is written yet."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from loyalty_cli import providers
from loyalty_cli.commands.confirm import is_interactive
from loyalty_cli.commands.init.questions import ask, choice
from loyalty_cli.commands.init.request import InitRequest, refuse
from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.descriptions.find import Descriptions, descriptions_of
from loyalty_cli.config.edit import NEW_FILE, text_of, with_default, with_profile
from loyalty_cli.config.file import mistake_in, unreadable
from loyalty_cli.config.load import Config, check_name, config_of, load
from loyalty_cli.config.new_profile import lines_of
from loyalty_cli.config.profile import Profile
from loyalty_cli.config.yaml_nodes import Map, MistakeError, parse
from loyalty_cli.model.errors import LoyaltyError, usage_error
from loyalty_cli.providers.contract import Provider

_KEY = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)?")


class Place(NamedTuple):
    """The profile file, its text and what is in it; None if there is none yet."""

    path: Path
    text: str | None
    config: Config | None
    described: Descriptions

    @property
    def names(self) -> list[str]:
        """The profiles that there are."""
        return list(self.config.profiles) if self.config else []

    @property
    def providers(self) -> list[str]:
        """The providers that there are."""
        return [*providers.names(), *self.described.names]


class Draft(NamedTuple):
    """The profile to be, and the profile file with it."""

    profile: Profile
    text: str
    config: Config


def place_at(path: Path) -> Place:
    """The profile file as it is; raise LoyaltyError if it has a mistake."""
    try:
        text = text_of(path)
        root = parse((text or "").removeprefix("\ufeff"))
        has_profiles = root and not (isinstance(root, Map) and root.items.get("profiles") is None)
        config = load(path) if has_profiles else None
    except (OSError, ValueError) as error:
        raise unreadable(f"the profile file {path}", error) from None
    except MistakeError as error:
        raise mistake_in(path, error) from None
    return Place(path, text, config, descriptions_of(path))


def draft_of(place: Place, request: InitRequest) -> Draft:
    """The profile as it was asked for; raise LoyaltyError if it cannot be one."""
    given = _settings(request.settings)
    if not is_interactive():
        _refuse_missing(request)
    provider = _provider(place, request.provider)
    if not is_interactive():
        _refuse_missing_settings(provider, given)
    name = _name(place, request.name, provider)
    auth = _auth(provider, request.auth)
    needed: list[tuple[str, str]] = []
    if provider.base_url is None and "base_url" not in given:
        question = f"Address of {provider.title}, such as https://api.example.com"
        needed.append(("base_url", ask(question, check_base_url)))
    for setting in provider.settings:
        if setting.required and setting.name not in given:
            question = f"{setting.name} ({setting.help})"
            needed.append((setting.name, ask(question, setting.check)))
    return _with(place, name, lines_of(provider, auth, {**dict(needed), **given}))


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for number, pair in enumerate(given, start=1):
        key, equals, value = pair.partition("=")
        if not (equals and _KEY.fullmatch(key) and value):
            # Without the text: it may be a credential.
            usage_error(f"number {number} of --set is not KEY=VALUE.", "Such as --set tenant=acme.")
        if key in ("provider", "auth"):
            usage_error(f"--set cannot set {key}.", f"Use --{key}.")
        if key in settings:
            usage_error(f"--set {key} is there twice.", "Leave one out.")
        settings[key] = value
    return settings


def _refuse_missing(request: InitRequest) -> None:
    given = {"--provider": request.provider, "--name": request.name}
    refuse([option for option, value in given.items() if value is None])


def _refuse_missing_settings(provider: Provider, given: Mapping[str, str]) -> None:
    needed = ["base_url"] if provider.base_url is None else []
    needed += [setting.name for setting in provider.settings if setting.required]
    refuse([f"--set {name}=…" for name in needed if name not in given])


def _provider(place: Place, named: str | None) -> Provider:
    names = place.providers
    question = f"Platform ({', '.join(names)})"
    name = ask(question, choice(names)) if named is None else named
    try:
        return place.described.load(name) or providers.load(name, place.described.names)
    except LoyaltyError as error:
        if name in names:
            raise
        usage_error(f"--provider: {error.message}", error.hint)


def _name(place: Place, named: str | None, provider: Provider) -> str:
    def check(name: str) -> str:
        if name in place.names:
            raise ValueError(f"is a profile of {place.path} already")
        return check_name(name)

    if named is None:
        free = (provider.name, *(f"{provider.name}-{number}" for number in range(2, 100)))
        return ask(
            "Name of the profile", check, next(each for each in free if each not in place.names)
        )
    try:
        return check(named)
    except ValueError as error:
        hint = "Choose another name."
        if named in place.names:
            hint = f"Choose another name, or run `loyalty login {named}` for new credentials."
        usage_error(f"--name {named!r} {error}.", hint)


def _auth(provider: Provider, named: str | None) -> str | None:
    names = [each.name for each in provider.auths]
    if named is not None and named not in names:
        usage_error(f"--auth must be one of {', '.join(names)} for {provider.title}.")
    if named is None and len(names) > 1 and is_interactive():
        return ask(f"Sign-in ({', '.join(names)})", choice(names), names[0])
    return named


def _with(place: Place, name: str, keys: list[str]) -> Draft:
    """The profile file with one more profile; raises LoyaltyError for a mistake in the new one."""
    text = place.text or ""
    try:
        if not text.strip():
            text = f"{with_default(NEW_FILE, name)}\n"
        text = with_profile(text, name, keys)
        config = _checked(place, text)
        if place.config and place.config.default_profile and not config.default_profile:
            text = with_default(text, place.config.default_profile)  # it was the only profile
            config = _checked(place, text)
    except MistakeError as error:
        if error.key == f"profiles.{name}":
            usage_error(f"--name {name!r} {error}.", error.hint)
        key = error.key.removeprefix(f"profiles.{name}.")
        if key != error.key:
            usage_error(f"{key} of the new profile: {error}.", error.hint)
        raise mistake_in(place.path, error) from None
    assert list(config.profiles) == [*place.names, name]
    return Draft(config.profiles[name], text, config)


def _checked(place: Place, text: str) -> Config:
    return config_of(place.path, parse(text.removeprefix("\ufeff")), ())
