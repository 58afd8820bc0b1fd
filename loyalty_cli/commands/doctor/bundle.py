"""One file for a report: versions, settings, and the checks, without secrets and customers.

A value of the profile file or of the environment is in it only if it is known to be harmless, and
every secret that is known is taken out of the whole text, wherever it stands.
"""

import os
import platform
import re
import sqlite3
import ssl
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from urllib.parse import unquote

import msgspec

from loyalty_cli import __version__, providers
from loyalty_cli.commands.doctor.examined import Examined
from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.file import read
from loyalty_cli.config.folders import make_file
from loyalty_cli.config.load import DEBIT_KEYS, FILE_KEYS
from loyalty_cli.config.yaml_nodes import Items, Map, MistakeError, Node, Text
from loyalty_cli.credentials.redaction import mask, mask_all_known, without_secrets
from loyalty_cli.model.errors import os_error_text, setup_error, usage_error
from loyalty_cli.model.records import CheckRecord
from loyalty_cli.network.proxies import without_user
from loyalty_cli.providers.parameters import PROFILE_KEYS

PROGRAM = "loyalty-cli"
HARMLESS_VARIABLES = (
    *("ACCESSIBLE", "CI", "COLUMNS", "FORCE_COLOR", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR"),
    *("PYTHONUTF8", "PYTHON_KEYRING_BACKEND", "TERM", "TMPDIR", "TZ"),
    *("LOYALTY_CONFIG", "LOYALTY_CREDENTIALS_DIR", "LOYALTY_PROFILE", "LOYALTY_SANDBOX"),
    *("CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
    *("CURL_CA_BUNDLE", "NO_PROXY", "PGPASSFILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"),
    *("SSL_CERT_FILE", "no_proxy"),
)
"""Variables whose values are in the bundle."""
PROXY_VARIABLES = (
    *("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"),
)
PASSWORD_VARIABLES = ("PGPASSWORD",)

NUMBERS = ("timeout", "rate", "max_amount", "max_total", "max_total_per_day", "settle")
HIDDEN = "(text)"
"""Stands for a value that may be a secret or a customer's."""


def require_new(path: Path) -> None:
    """Raise LoyaltyError if something is there, for nothing is overwritten, or no folder is."""
    if os.path.lexists(path):
        usage_error(f"{path} exists already; nothing was written.", "Name a new file.")
    if not path.absolute().parent.is_dir():
        usage_error(f"there is no folder for {path}.", "Name a file in a folder that exists.")


def write_bundle(path: Path, these: Examined, checks: Sequence[CheckRecord]) -> None:
    """Write the file, which only the user can read; raise LoyaltyError if that fails."""
    hidden = set[str]()
    content = {
        "program": {"name": PROGRAM, "version": __version__},
        "system": _system(),
        "libraries": dict(_libraries()),
        "environment": dict(_environment(hidden)),
        "profile_file": _profile_file(these, hidden),
        "checks": list(checks),
    }
    safe = without_secrets(
        msgspec.to_builtins(content), lambda text: mask_all_known(mask(text, hidden))
    )
    text = msgspec.json.format(msgspec.json.encode(safe), indent=2)
    try:
        make_file(path)
        path.write_bytes(text + b"\n")
    except FileExistsError:
        require_new(path)
    except OSError as error:
        setup_error(f"{path} cannot be written: {os_error_text(error)}.", "Name another file.")


def _system() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "executable": sys.executable,
        "openssl": ssl.OPENSSL_VERSION,
        "sqlite": sqlite3.sqlite_version,
        "encoding": f"{sys.getfilesystemencoding()}, stdout {sys.stdout and sys.stdout.encoding}",
    }


def _libraries() -> Iterator[tuple[str, str]]:
    """The libraries that the program uses, and packages with providers, with their versions."""
    named = [re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in requires(PROGRAM) or ()]
    others = [each.dist.name for each in entry_points(group=providers.ENTRY_POINTS) if each.dist]
    for name in sorted({*named, *others}):
        try:
            yield name, version(name)
        except PackageNotFoundError:
            yield name, "not installed"


def _environment(hidden: set[str]) -> Iterator[tuple[str, str]]:
    """The variables that the program reads; of others than the harmless ones only that they are."""
    for name, value in sorted(os.environ.items()):
        if name in PROXY_VARIABLES:
            hidden.update(_user_in(value))
            yield name, without_user(value)
        elif name in HARMLESS_VARIABLES:
            hidden.update(_user_in(value))
            yield name, value
        elif name.startswith("LOYALTY_") or name in PASSWORD_VARIABLES:
            hidden.add(value)
            yield name, "(set)"


def _profile_file(these: Examined, hidden: set[str]) -> object:
    """The keys of the profile file, and those values that are neither secrets nor customers."""
    if these.path is None:
        return None
    try:
        root, _ = read(these.path)
    except (OSError, ValueError, MistakeError):
        return "(cannot be read)"
    if not isinstance(root, Map):
        return HIDDEN
    named = root.items.get("profiles")
    names = filter(_is_name, named.items) if isinstance(named, Map) else ()
    return _Outline(_known_keys(these), frozenset(names), hidden).keys(root)


def _is_name(key: str) -> bool:
    return re.fullmatch(r"[\w-]{1,64}", key) is not None


def _known_keys(these: Examined) -> frozenset[str]:
    used = [each.provider for each in these.profiles]
    parameters = [each for one in used for each in (*one.settings, *one.profile_options())]
    own = {each.name for each in parameters}
    return frozenset({*FILE_KEYS, *PROFILE_KEYS, *DEBIT_KEYS, *own})


class _Outline:
    """What is shown of a profile file; every text that is left out is added to `hidden`."""

    def __init__(self, known: frozenset[str], profiles: frozenset[str], hidden: set[str]) -> None:
        self._known = known
        self._hidden = hidden
        built_in = [providers.load(name) for name in providers.BUILT_IN]
        self._words = {
            "default_profile": profiles,
            "provider": {*providers.BUILT_IN},
            "auth": {auth.name for each in built_in for auth in each.auths},
            "by": {way.name for each in built_in for way in each.ways},
            "allow": {"true", "false"},
            "history": {"true", "false"},
        }

    def keys(self, section: Map, *, of_profiles: bool = False) -> dict[str, object]:
        """The keys of a map with their values; a key that nobody knows may be a secret."""
        shown: dict[str, object] = {}
        for number, (key, node) in enumerate(section.items.items(), start=1):
            is_name = of_profiles and isinstance(node, Map) and _is_name(key)
            if not (key in self._known or is_name):
                self._hide(Text(key, 0))
                key = f"(unknown key {number})"  # noqa: PLW2901 - it is shown in place of the key
            is_open = isinstance(node, Map) and key != "providers" and "(" not in key
            shown[key] = (
                self.keys(node, of_profiles=key == "profiles")
                if is_open and isinstance(node, Map)
                else self._value(key, node)
            )
        return shown

    def _value(self, key: str, node: Node) -> str | None:
        if isinstance(node, Text) and self._is_harmless(key, node.value):
            return node.value
        self._hide(node)
        return None if node is None else HIDDEN

    def _is_harmless(self, key: str, value: str) -> bool:
        """Whether a value is one of a closed list, a number, or an address without a user."""
        if key == "base_url":
            try:
                return bool(check_base_url(value))
            except ValueError:
                return False
        if key in NUMBERS:
            return re.fullmatch(r"[0-9.]{1,12}", value) is not None
        return value in self._words.get(key, ())

    def _hide(self, node: Node) -> None:
        match node:
            case Text():
                self._hidden.update((node.value, *_user_in(node.value)))
            case Items():
                for item in node.items:
                    self._hide(item)
            case Map():
                for item in (*node.items.values(), *(Text(key, 0) for key in node.items)):
                    self._hide(item)
            case _:
                pass


def _user_in(url: str) -> Iterator[str]:
    """The user and the password in a URL, together and apart, also unquoted."""
    before, at, _ = url.rpartition("@")
    user = before.rpartition("//")[2]
    if at:
        for part in (user, *user.split(":", 1)):
            yield from (part, unquote(part))
