"""Where the descriptions of a profile file are, and which names they may have."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli import providers
from loyalty_cli.config.load import load
from loyalty_cli.model.errors import LoyaltyError
from tests.config.descriptions.descriptions import ACME
from tests.conftest import Run

Write = Callable[[str], Path]

PROFILES = "profiles: {shop: {provider: acme}, card: {provider: imprint}}\n"
INSIDE = "providers:\n  acme:\n" + "".join(f"    {line}\n" for line in ACME.splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of descriptions, beside the profile file."""
    path = tmp_path / "providers"
    path.mkdir(mode=0o700)
    return path


def described(folder: Path, text: str = ACME, name: str = "acme") -> Path:
    """Write the file of a description."""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


def refused(path: Path) -> tuple[str, str | None]:
    with pytest.raises(LoyaltyError) as caught:
        load(path)
    return caught.value.message.replace(str(path), "FILE"), caught.value.hint


def test_a_profile_can_use_a_description_in_the_profile_file(profile_file: Write) -> None:
    profile = load(profile_file(PROFILES + INSIDE)).profiles["shop"]

    assert (profile.provider.name, profile.provider.title) == ("acme", "Acme")
    assert (profile.base_url, profile.auth.name) == ("https://loyalty.acme.example", "bearer")


def test_a_profile_can_use_a_description_in_the_folder(profile_file: Write, folder: Path) -> None:
    described(folder, f"name: acme\n{ACME}")

    assert load(profile_file(PROFILES)).profiles["shop"].provider.title == "Acme"


def test_a_broken_description_that_no_profile_uses_is_no_error(
    profile_file: Write, folder: Path
) -> None:
    described(folder)
    described(folder, "[", name="broken")

    config = load(profile_file(f"{PROFILES}providers: {{other: {{a: b}}}}\n"))

    assert (list(config.profiles), config.warnings) == (["shop", "card"], ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": look_up: needs the way"),
        ("title: [", ", line 1: "),
        ("name: other\n" + ACME, "line 1: name: must be 'acme', as the file"),
        (ACME.replace("lines", "lnes"), "line 5: lnes: unknown key"),
    ],
)
def test_a_mistake_in_a_file_of_the_folder_names_that_file(
    profile_file: Write, folder: Path, text: str, said: str
) -> None:
    file = described(folder, text)

    message, _ = refused(profile_file(PROFILES))

    assert message.startswith(str(file))
    assert said in message


def test_a_mistake_in_a_description_of_the_profile_file_has_its_line_there(
    profile_file: Write,
) -> None:
    message, hint = refused(profile_file(PROFILES + INSIDE.replace("lines", "lnes")))

    assert message == "FILE, line 8: providers.acme.lnes: unknown key."
    assert hint == "Did you mean 'lines'?"


def test_a_provider_that_is_described_twice_is_refused(profile_file: Write, folder: Path) -> None:
    file = described(folder)

    message, hint = refused(profile_file(PROFILES + INSIDE))

    assert message == f"the provider 'acme' is described twice: in FILE and in {file}."
    assert hint == "Take one of them out."


def test_a_description_may_end_in_yml_but_not_beside_one_that_ends_in_yaml(
    profile_file: Write, folder: Path
) -> None:
    file = described(folder)
    other = file.rename(folder / "acme.yml")

    assert load(profile_file(PROFILES)).profiles["shop"].provider.title == "Acme"

    described(folder)
    message, _ = refused(profile_file(PROFILES))
    assert message == f"the provider 'acme' is described twice: in {file} and in {other}."


@pytest.mark.parametrize("name", ["imprint", "check", "Acme", "-a", "a.b", "a" * 65])
def test_a_description_needs_a_name_of_its_own(
    profile_file: Write, folder: Path, name: str
) -> None:
    described(folder, name=name)
    inside = INSIDE.replace("acme:", f"{name}:")
    profiles = PROFILES.replace("acme", f"'{name}'")

    for text in (profiles, profiles + inside):
        message, _ = refused(profile_file(text))
        assert "provider" in message
        for file in folder.iterdir():
            file.unlink()


def test_a_description_must_not_have_the_name_of_a_packages_provider(
    profile_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "names", lambda: ["imprint", "acme"])

    message, _ = refused(profile_file(PROFILES + INSIDE))

    assert "providers.acme: there is a provider 'acme' already, in an installed package" in message


def test_a_misspelt_provider_may_be_a_described_one(profile_file: Write) -> None:
    _, hint = refused(profile_file(INSIDE + "profiles: {shop: {provider: acne}}\n"))

    assert hint == "Did you mean 'acme'?"


@pytest.mark.parametrize("value", ["[a]", "acme"])
def test_providers_in_the_profile_file_must_be_a_map(profile_file: Write, value: str) -> None:
    message, _ = refused(profile_file(f"{PROFILES}providers: {value}\n"))

    assert message == "FILE, line 2: providers: must be a map of names and descriptions."


def test_a_description_that_others_can_write_is_one_warning_for_all_its_profiles(
    loyalty: Run, profile_file: Write, folder: Path
) -> None:
    file = described(folder)
    file.chmod(0o602)
    folder.chmod(0o770)
    profile_file("profiles: {shop: {provider: acme}, other: {provider: acme}}")

    done = loyalty("profiles")

    assert done.code == 0
    assert done.err.splitlines() == [
        f"Warning: {file} can be written by other users; run chmod 600 on it.",
        f"Warning: {folder} can be written by other users; run chmod 700 on it.",
    ]


def test_a_settings_and_an_option_of_a_description_are_keys_of_the_profile(
    profile_file: Write, folder: Path
) -> None:
    described(folder, f"{ACME}settings: {{shop: its number}}\noptions: {{show: what}}\n")
    path = profile_file("profiles: {a: {provider: acme, shop: 007, options: {show: all}}}")

    profile = load(path).profiles["a"]

    assert (profile.settings, profile.options) == ({"shop": "007"}, {"show": "all"})
