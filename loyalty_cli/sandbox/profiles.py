"""The profiles of a running sandbox, and their credentials."""

import json
from collections.abc import Mapping
from pathlib import Path

from loyalty_cli import providers
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.providers.contract import ID
from loyalty_cli.sandbox import APIS

DEFAULT_PROFILE = "saasquatch"
SOURCE = "sandbox"


def sandbox_profiles(url: str) -> dict[str, Profile]:
    """A profile for each provider, with the provider's name, for the sandbox at `url`."""
    return {
        name: Profile(
            name=name,
            provider=(provider := providers.load(name)),
            auth=provider.auths[0],
            base_url=f"{url}/{name}",
            settings=api.settings,
            by=api.by,
            debit=api.debit,
            sandbox=True,
        )
        for name, api in APIS.items()
    }


class SandboxCredentials:
    """The made-up credentials of those profiles, in place of the real sources."""

    def find(self, profile: Profile, name: str) -> Credential | None:
        """Find one credential; None if the sandbox has no field of that name."""
        secret = APIS[profile.provider.name].credentials.get(name)
        return None if secret is None else Credential(secret, SOURCE, SOURCE)

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find every credential that a profile's sign-in needs."""
        known = APIS[profile.provider.name].credentials
        return {name: Credential(known[name], SOURCE, SOURCE) for name in profile.auth.fields}


def profile_file(url: str, journal: Path, people: Path) -> str:
    """A profile file for the sandbox at `url`, with its credentials in comments."""
    lines = [f"# The sandbox at {url}. It takes these credentials, which are made up:"]
    for name, api in APIS.items():
        made_up = api.credentials.items()
        lines += [f"#   export {environment_name(name, key)}={value}" for key, value in made_up]
    lines += [f"default_profile: {DEFAULT_PROFILE}", "profiles:"]
    for name, api in APIS.items():
        lines += [f"  {name}:", f"    provider: {name}", f"    base_url: {url}/{name}"]
        first, *others = (auth.name for auth in providers.load(name).auths)
        lines.append(f"    auth: {first}" + (f"  # or {', '.join(others)}" if others else ""))
        lines += [f"    {key}: {value}" for key, value in api.settings.items()]
        if api.by != ID:
            lines.append(f"    by: {api.by}")
        if api.debit.allow:
            rules = f"allow: true, unit: {api.debit.unit}, max_amount: {api.debit.max_amount}"
            lines.append(f"    debit: {{{rules}}}")
    for key, path in (("journal", journal), ("people", people)):
        lines.append(f"{key}: {json.dumps(str(path), ensure_ascii=False)}")
    return "\n".join(lines) + "\n"
