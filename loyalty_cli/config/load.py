"""Reading the profile file, and reporting each mistake with its line and key."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from loyalty_cli import providers
from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.descriptions.find import Descriptions
from loyalty_cli.config.file import mistake_in, read, unreadable, warnings_about
from loyalty_cli.config.folders import expanded, state_folder
from loyalty_cli.config.journal_place import check_place, is_url
from loyalty_cli.config.layout_slips import (
    SPACE_AFTER_COLON,
    no_profile,
    no_profiles,
    refuse_wrong_profiles,
    refuse_wrong_top,
)
from loyalty_cli.config.profile import (
    DEFAULT_TIMEOUT,
    DebitRules,
    Profile,
    check_rate,
    check_resend_for,
    check_settle,
    check_timeout,
)
from loyalty_cli.config.section import Section
from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.errors import LoyaltyError, nearest, setup_error
from loyalty_cli.providers.contract import ID, Parameter, Provider
from loyalty_cli.providers.parameters import PROFILE_KEYS, boolean, integer, text
from loyalty_cli.providers.ways import no_such_way

FILE_KEYS = ("default_profile", "profiles", "providers", "journal", "people", "history")
DEBIT_KEYS = (
    *("allow", "unit", "max_amount", "max_total", "max_total_per_day"),
    *("settle", "resend_for"),
)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME_FORM = "must be letters, digits, - and _, and begin with a letter or digit"
_FIRST_PROFILE = "Run `loyalty init` to add a profile, or see `loyalty config example`."


class Config(Struct, frozen=True):
    """The checked profile file: at least one profile, each of them complete.

    If there is only one, it is the default.
    """

    origin: str
    profiles: Mapping[str, Profile]
    default_profile: str | None = None
    journal: str | None = None
    people: str | None = None
    history: bool = False
    warnings: tuple[str, ...] = ()

    def profile(self, name: str) -> Profile:
        """Find a profile by name; raises LoyaltyError, which suggests the nearest name."""
        if name not in self.profiles:
            wrong = f"there is no profile {name!r} in {self.origin}."
            setup_error(wrong, nearest(name, self.profiles))
        return self.profiles[name]

    @property
    def journal_place(self) -> str | Path:
        """The URL of the journal, as text, or its path; LoyaltyError without a home folder."""
        return state_folder() / "journal.db" if self.journal is None else self.place(self.journal)

    def place(self, named: str) -> str | Path:
        """The URL that `journal` or `people` names, as text, or its path, beside this file."""
        return named if is_url(named) else Path(self.origin).parent / expanded(named)


def load(path: Path) -> Config:
    """Read and check a profile file; raise LoyaltyError, which names file, line and key."""
    try:
        root, mode = read(path)
        return config_of(path, root, warnings_about(path, mode))
    except FileNotFoundError:
        setup_error(
            f"there is no profile file {path}.",
            "Run `loyalty init` to write one, or try the program with --sandbox first.",
        )
    except (OSError, ValueError) as error:
        hint = "Save it as UTF-8." if isinstance(error, UnicodeDecodeError) else "Fix that file."
        raise unreadable(f"the profile file {path}", error, hint) from None
    except MistakeError as error:
        raise mistake_in(path, error) from None


def load_readable(path: Path) -> Config:
    """What can be read of a profile file that has mistakes, to examine it; nothing is used of it.

    Its `profiles` are those without a mistake, perhaps none.
    """
    try:
        root, _ = read(path)
    except (OSError, ValueError, MistakeError):
        root = None
    items = root.items if isinstance(root, Map) else {}
    named = items.get("profiles")
    profiles: dict[str, Profile] = {}
    if isinstance(named, Map):
        section = Section(named, "profiles", named.keys)
        for name in named.items:
            with suppress(MistakeError, LoyaltyError):
                profiles[name] = _profile(name, section, path, Descriptions(path, root))
    places: dict[str, str | None] = {}
    for key in ("journal", "people"):
        with suppress(MistakeError):
            places[key] = Section(root, "", items).read(key, check_place)
    journal, people = places.get("journal"), places.get("people")
    return Config(str(path), profiles, journal=journal, people=people)


def config_of(path: Path, root: Node, warnings: tuple[str, ...]) -> Config:
    """Check the content of a profile file; raise MistakeError, or LoyaltyError."""
    if root is None:
        raise MistakeError("the file is empty", None, hint=_FIRST_PROFILE)
    if not isinstance(root, Map):
        raise MistakeError("must be a map of keys and values", root.line, hint=_FIRST_PROFILE)
    refuse_wrong_top(root, FILE_KEYS)
    file = Section(root, "", FILE_KEYS)
    named = file.node("profiles")
    if "profiles" not in file:
        file.mistake("profiles", "is missing", _FIRST_PROFILE)
    if not isinstance(named, Map) or not named.items:
        raise no_profiles(named, file.line("profiles"))
    refuse_wrong_profiles(named, FILE_KEYS)
    section = Section(named, "profiles", named.keys)
    described = Descriptions(path, root)
    profiles = {name: _profile(name, section, path, described) for name in named.items}
    _refuse_colliding_names(profiles.values(), section)
    _refuse_shared_account_names(profiles.values(), section)
    default = file.read("default_profile", text)
    if default is not None and default not in profiles:
        wrong = f"there is no profile {default!r}"
        file.mistake("default_profile", wrong, nearest(default, profiles))
    if default is None and len(profiles) == 1:
        (default,) = profiles
    journal, people = (
        file.read(key, lambda given: check_place(text(given))) for key in ("journal", "people")
    )
    history = file.read("history", boolean) == "true"
    all_warnings = (*warnings, *described.warnings)
    return Config(str(path), profiles, default, journal, people, history, all_warnings)


def _profile(name: str, named: Section, path: Path, described: Descriptions) -> Profile:
    if not _NAME.fullmatch(name):
        hint = SPACE_AFTER_COLON if ":" in name else None
        named.mistake(name, f"a profile's name {_NAME_FORM}", hint)
    node = named.node(name)
    if not isinstance(node, Map):
        raise no_profile(node, named.line(name), named.key(name), providers.BUILT_IN)
    provider = _provider(Section(node, named.key(name), node.keys), node.keys, described)
    known = [setting.name for setting in provider.settings]
    known_options = [option.name for option in provider.profile_options()]
    inside = {"debit": DEBIT_KEYS, "options": known_options}
    credentials = provider.credential_fields()
    section = named.inner(name, (*PROFILE_KEYS, *known), credentials, inside)
    options = section.inner("options", known_options, credentials)
    auth = provider.auth(section.read("auth", text))
    if auth is None:
        names = ", ".join(each.name for each in provider.auths)
        section.mistake("auth", f"must be one of {names} for {provider.title}")
    base_url = section.read("base_url", check_base_url) or _default_address(section, provider)
    profile = Profile(
        name=name,
        provider=provider,
        auth=auth,
        base_url=base_url or "",
        settings=_parameters(section, provider.settings),
        options=_parameters(options, provider.profile_options()),
        by=_way(section, provider),
        timeout=section.read("timeout", check_timeout) or DEFAULT_TIMEOUT,
        rate=section.read("rate", check_rate),
        ca_bundle=section.read("ca_bundle", lambda given: path.parent / expanded(text(given))),
        account=section.read("account", check_name),
        debit=_debit(section.inner("debit", DEBIT_KEYS)),
    )
    # Last, for it can only be added: `mistakes_in` leaves out what is wrong, to find the rest.
    if base_url is None:
        section.mistake("base_url", f"is missing: {provider.title} has no default address")
    for setting in provider.settings:
        if setting.required and setting.name not in profile.settings:
            section.mistake(setting.name, f"is missing: {setting.help}")
    return profile


def _provider(section: Section, keys: Iterable[str], described: Descriptions) -> Provider:
    name = section.read("provider", text)
    if name is None:
        from difflib import get_close_matches

        for typo in get_close_matches("provider", keys, n=1):
            shown, colon, _ = typo.partition(":")
            hint = "Write `provider: `, with a space." if colon else "Did you mean 'provider'?"
            raise MistakeError("unknown key", section.line(typo), section.key(shown), hint)
        available = ", ".join((*providers.names(), *described.names))
        section.mistake("provider", "is missing", f"Available: {available}.")
    if found := described.load(name):
        return found
    try:
        return providers.load(name, described.names)
    except LoyaltyError as error:
        section.mistake("provider", error.message.rstrip("."), error.hint)


def _default_address(section: Section, provider: Provider) -> str | None:
    try:
        return None if provider.base_url is None else check_base_url(provider.base_url)
    except ValueError as error:  # of a package: it gets the credentials
        section.mistake("provider", f"{provider.title} has a default address that {error}")


def _parameters(section: Section, known: tuple[Parameter, ...]) -> Mapping[str, str]:
    values = {each.name: section.read(each.name, each.check) for each in known}
    return {name: value for name, value in values.items() if value is not None}


def _way(section: Section, provider: Provider) -> str:
    """The profile's way to name a customer."""
    name = section.read("by", text) or ID
    if unknown := no_such_way(provider, name):
        section.mistake("by", *unknown)
    return name


def _debit(rules: Section) -> DebitRules:
    usual = DebitRules()
    return DebitRules(
        allow=rules.read("allow", boolean) == "true",
        unit=rules.read("unit", text),
        max_amount=rules.read("max_amount", _whole),
        max_total=rules.read("max_total", _whole),
        max_total_per_day=rules.read("max_total_per_day", _whole),
        settle=rules.read("settle", check_settle) or usual.settle,
        resend_for=rules.read("resend_for", check_resend_for) or usual.resend_for,
    )


def check_name(value: str) -> str:
    """Check a name that the file chooses; raise ValueError."""
    if not _NAME.fullmatch(value):
        raise ValueError(_NAME_FORM)
    return value


def _whole(value: str) -> int:
    return int(integer(value))


def _refuse_colliding_names(profiles: Iterable[Profile], named: Section) -> None:
    taken: dict[str, str] = {}
    for profile in profiles:
        for field in profile.provider.credential_fields():
            variable = environment_name(profile.name, field)
            other = taken.setdefault(variable, profile.name)
            if other != profile.name:
                named.mistake(
                    profile.name,
                    f"shares the environment variable {variable} with the profile {other!r}",
                    "Give one of the two another name.",
                )


def _refuse_shared_account_names(profiles: Iterable[Profile], named: Section) -> None:
    """Refuse the same account name at two platforms."""
    taken: dict[str, Profile] = {}
    for profile in profiles:
        if profile.account is None:
            continue
        other = taken.setdefault(profile.account, profile)
        if other.provider.name != profile.provider.name:
            raise MistakeError(
                f"{profile.account!r} is the account of the profile {other.name!r} at"
                f" {other.provider.title}, and cannot be one at {profile.provider.title}",
                named.line(profile.name),
                f"profiles.{profile.name}.account",
                "Give one of the two another name.",
            )
