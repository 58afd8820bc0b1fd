"""Packages with a provider: what each must not say of itself, and that the others work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.parameters import PROFILE_KEYS
from tests.conftest import Run
from tests.providers.packages import MODULE, Install

WHO = "the provider 'kudos' of the package loyalty-kudos"
AUTH = "Auth('bearer', ('api_token',), lambda secrets: {})"

MISTAKES = {
    "another name": (
        "name = 'perk'",
        "calls itself 'perk'",
        "give `name` and the entry point the same name",
    ),
    **{
        f"setting {key}": (
            f"settings = (Parameter({key!r}, 'a key'),)",
            f"has a setting {key!r}, which is a key of every profile",
            "rename the setting",
        )
        for key in PROFILE_KEYS
    },
    "option by": (
        "options = (Parameter('by', 'an option'),)",
        "has an option 'by', which names the way to name a customer",
        "rename the option",
    ),
    "setting and credential": (
        "settings = (Parameter('api_token', 'a key'),)",
        "has 'api_token' as a setting and as a credential",
        "rename one of the two",
    ),
    "a setting twice": (
        "settings = (Parameter('shop', 'a'), Parameter('shop', 'b'))",
        "has the setting 'shop' twice",
        "rename one of the two",
    ),
    "an option twice": (
        "options = (Parameter('shop', 'a'), Parameter('shop', 'b'))",
        "has the option 'shop' twice",
        "rename one of the two",
    ),
    "a sign-in twice": (
        f"auths = ({AUTH}, {AUTH})",
        "has the way to sign in 'bearer' twice",
        "rename one of the two",
    ),
    "no sign-in": ("auths = ()", "has no way to sign in", "add one to `auths`"),
    "no id": ("ways = (Way('email', 'e'),)", "does not begin `ways` with 'id'", "put 'id' there"),
    "no tuple": (
        "pages = ('https://x')",
        "has `pages` that is not a tuple of str",
        "make `pages` one",
    ),
    "no parameter": (
        "options = ('shop',)",
        "has `options` that is not a tuple of Parameter",
        "make `options` one",
    ),
    "no limits": (
        "read_limits = ((50, 10),)",
        "has `read_limits` that is not a tuple of Limit",
        "make `read_limits` one",
    ),
    "an id that is a number": (
        "impossible_customer = 0",
        "has `impossible_customer` that is not text",
        "make it text",
    ),
    "a way of debits": (
        "debit_ways = ('card',)",
        "has 'card' in `debit_ways` and not in `ways`",
        "add 'card' to `ways`",
    ),
    "a sign-in of debits": (
        "debit_auths = ('key',)",
        "has 'key' in `debit_auths` and not in `auths`",
        "add 'key' to `auths`",
    ),
    "an option of debits": (
        "debit_options = (Parameter('by', 'an option'),)",
        "has an option 'by', which names the way to name a customer",
        "rename the option",
    ),
    "no ways": ("ways = ()", "does not begin `ways` with 'id'", "put 'id' there"),
}
"""What a package may not say: its line, what is wrong, and what to change."""

BROKEN = {
    "exits": "raise SystemExit(3)",
    "crashes": "1 / 0",
    "imports nothing": "import nowhere_at_all",
    "has no class": "[].nothing",
}


@pytest.fixture
def profile(profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two profiles: one for the package, one for another provider."""
    monkeypatch.setenv("LOYALTY_MAIN_API_TOKEN", "kudos-t0ken")
    profile_file("profiles:\n  card: {provider: imprint}\n  main: {provider: kudos}\n")


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_a_package_is_one_error_that_says_what_its_author_must_change(
    install: Install, loyalty: Run, name: str
) -> None:
    line, what, change = MISTAKES[name]
    install(f"    {line}\n")

    shown = loyalty("providers", "kudos")
    used = loyalty("balance", "M-1", "-p", "main")

    hint = f"Hint: Update or remove that package; its author must {change}."
    assert (shown.code, used.code) == (3, 3)
    assert shown.err.splitlines() == [f"Error: {WHO} {what}.", hint]
    first, second = used.err.splitlines()
    assert first.endswith(f"line 3: profiles.main.provider: {WHO} {what}.")
    assert second == hint


@pytest.mark.parametrize("missing", ["name", "title", "pages", "auths", "numbers"])
def test_what_every_provider_must_have_is_missed_by_name(
    install: Install, loyalty: Run, missing: str
) -> None:
    install("", without=missing)

    done = loyalty("providers", "kudos")

    assert (done.code, done.err.splitlines()[0]) == (3, f"Error: {WHO} has no `{missing}`.")


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_package_that_does_not_load_is_named_beside_the_providers_that_work(
    install: Install, loyalty: Run, how: str, output: str
) -> None:
    install(f"    {BROKEN[how]}\n")

    done = loyalty("providers", "-o", output)

    assert done.code == 0
    assert done.err.startswith(f"Warning: {WHO} does not load: ")
    assert len(done.err.splitlines()) == 1
    assert "Update or remove that package." in done.err
    assert all(name in done.out for name in providers.BUILT_IN)
    assert "kudos" not in done.out


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize("how", BROKEN)
def test_a_profile_of_a_package_that_does_not_load_is_a_mistake_with_its_line(
    install: Install, loyalty: Run, how: str
) -> None:
    install(f"    {BROKEN[how]}\n")

    done = loyalty("profiles")

    assert (done.code, done.out) == (3, "")
    assert f"line 3: profiles.main.provider: {WHO} does not load: " in done.err


def test_an_entry_point_that_is_no_provider_is_refused(install: Install, loyalty: Run) -> None:
    install(entry=f"kudos = {MODULE}:sign")

    done = loyalty("providers", "kudos")

    assert done.code == 3
    assert f"{MODULE}:sign of the package loyalty-kudos is not a loyalty_cli Provider." in done.err


def test_a_package_without_mistakes_is_listed_after_the_built_in_providers(
    install: Install, loyalty: Run
) -> None:
    install("    settings = (Parameter('shop', 'a shop'),)\n")

    done = loyalty("providers", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert [each["provider"] for each in done.records] == [*providers.BUILT_IN, "kudos"]


@pytest.mark.usefixtures("profile")
@pytest.mark.parametrize("address", ["http://api.kudos.example", "api.kudos.example"])
def test_a_default_address_of_a_package_must_be_one_that_a_profile_may_have(
    install: Install, loyalty: Run, address: str
) -> None:
    install(f"    base_url = {address!r}\n")

    done = loyalty("balance", "M-1", "-p", "main")

    assert (done.code, done.out) == (3, "")
    where = "line 3: profiles.main.provider: Kudos has a default address that must be"
    assert where in done.err
