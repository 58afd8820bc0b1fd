"""What is examined: the profile file as far as it can be read, its credentials, and the client."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.platforms import trace_of
from loyalty_cli.commands.session import Session, open_keyring, open_session
from loyalty_cli.config.folders import default_path
from loyalty_cli.config.load import Config, load, load_readable
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.sources import Credential, Credentials
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.network.http_client import HttpClient


class FoundCredentials:
    """The credentials that a check found, for the checks after it: no source is asked twice."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Credential]] = {}

    def keep(self, profile: Profile, name: str, credential: Credential) -> None:
        """Keep a credential."""
        self._found.setdefault(profile.name, {})[name] = credential

    def has_all(self, profile: Profile) -> bool:
        """Whether every credential of a profile was found."""
        return self._found.get(profile.name, {}).keys() >= {*profile.auth.fields}

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential, or None."""
        return self._found.get(profile.name, {}).get(name)

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """All credentials of a profile, of which `has_all` says that they are there."""
        return {name: self._found[profile.name][name] for name in profile.auth.fields}


class Examined(Struct, frozen=True):
    """What the checks look at.

    `path` is None if the place of the profile file is not known, and in the sandbox, which has
    neither that nor a keyring. After a `mistake` in the file, the session has what can be read of
    it. `warnings` are those of the sources of credentials.
    """

    chosen: Globals
    path: Path | None
    session: Session
    http: HttpClient
    found: FoundCredentials
    warnings: list[str]
    mistake: LoyaltyError | None = None

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that can be read."""
        return list(self.session.config.profiles.values())


@contextmanager
def examined(chosen: Globals) -> Iterator[Examined]:
    """Read the profile file, or start the sandbox; raise LoyaltyError if there is no sandbox."""
    http, found, warnings = HttpClient(trace_of(chosen)), FoundCredentials(), list[str]()
    if chosen.sandbox:
        with open_session(chosen) as session:
            yield Examined(chosen, None, session, http, found, warnings)
        return
    path, config, mistake = _read(chosen)
    keyring = open_keyring()
    session = Session(config, Credentials(os.environ, keyring, warnings.append), keyring)
    yield Examined(chosen, path, session, http, found, warnings, mistake)


def _read(chosen: Globals) -> tuple[Path | None, Config, LoyaltyError | None]:
    path = chosen.config
    try:
        path = path or default_path()
        return path, load(path), None
    except LoyaltyError as error:
        return path, load_readable(path) if path else Config("nowhere", {}), error
