"""The profiles of the sandbox, its credentials, and the profile file that it prints."""

from pathlib import Path

from loyalty_cli.config.load import load
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.providers import BUILT_IN
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.profiles import (
    DEFAULT_PROFILE,
    SandboxCredentials,
    profile_file,
    sandbox_profiles,
)

URL = "http://127.0.0.1:8042"
JOURNAL = Path('/home/é o\'x/state: "1" #/journal.db')
PEOPLE = Path("/data/people.db")


def test_every_provider_has_a_sandbox_profile_with_all_its_credentials() -> None:
    profiles, credentials = sandbox_profiles(URL), SandboxCredentials()

    assert list(profiles) == list(BUILT_IN)
    assert profiles["saasquatch"].settings == {"tenant": "sandbox"}
    assert profiles["saasquatch"].debit.allow
    assert DEFAULT_PROFILE in profiles
    for profile in profiles.values():
        assert profile.sandbox
        assert profile.name == profile.provider.name
        assert profile.base_url == f"{URL}/{profile.name}"
        found = credentials.require(profile)
        assert tuple(found) == profile.auth.fields
        for name, credential in found.items():
            assert credential == credentials.find(profile, name)
            assert credential.source == credential.kind == "sandbox"
            assert credential.secret.startswith("sandbox-")
        assert all(credentials.find(profile, name) for name in profile.provider.credential_fields())
        assert credentials.find(profile, "shoe_size") is None


def test_the_sandbox_profile_file_says_how_to_set_each_credential(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(profile_file(URL, JOURNAL, PEOPLE), encoding="utf-8")
    path.chmod(0o600)

    config = load(path)

    assert config.default_profile == DEFAULT_PROFILE
    assert config.warnings == ()
    assert (config.journal, config.people) == (str(JOURNAL), str(PEOPLE))
    for name, expected in sandbox_profiles(URL).items():
        profile = config.profiles[name]
        assert profile.base_url == expected.base_url
        assert profile.auth.name == expected.auth.name
        assert profile.settings == expected.settings
        assert profile.debit == expected.debit
        assert not profile.sandbox
    lines = profile_file(URL, JOURNAL, PEOPLE).splitlines()
    exported = [line.removeprefix("#   ") for line in lines if "export" in line]
    assert exported == [
        f"export {environment_name(name, field)}={value}"
        for name, api in APIS.items()
        for field, value in api.credentials.items()
    ]
    assert "export LOYALTY_IMPRINT_API_KEY=sandbox-imprint-key" in exported
