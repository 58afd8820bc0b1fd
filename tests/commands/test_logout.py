"""`loyalty logout`: remove a profile's credentials from the keyring."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.fakes import backends

PROFILES = """
profiles:
  card: {provider: imprint}
  club: {provider: capillary, base_url: 'https://h.example', auth: oauth}
"""


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, profile_file: Callable[[str], Path]) -> backends.Memory:
    profile_file(PROFILES)
    return backends.use(monkeypatch, backends.Memory())


def test_all_of_a_profile_is_taken_out_and_nothing_of_another(
    memory: backends.Memory, loyalty: Run
) -> None:
    names = ["username", "password", "client_key", "client_secret", "token"]
    memory.entries = {("loyalty-cli/club", name): "x" for name in names}
    memory.entries["loyalty-cli/card", "api_key"] = "y"

    done = loyalty("logout", "club")

    assert (done.code, done.out) == (0, "")
    assert done.err == f"{', '.join(names)} of club removed from the keyring.\n"
    assert memory.entries == {("loyalty-cli/card", "api_key"): "y"}


def test_where_there_was_nothing_it_says_so(memory: backends.Memory, loyalty: Run) -> None:
    done = loyalty("logout", "club")

    assert (done.code, done.out, memory.entries) == (0, "", {})
    assert done.err == "the keyring had no credentials of club.\n"


def test_a_variable_that_is_still_set_is_warned_of(
    memory: backends.Memory, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.entries["loyalty-cli/card", "api_key"] = "y"
    monkeypatch.setenv("LOYALTY_CARD_API_KEY", "x")

    done = loyalty("logout", "card")

    assert done.code == 0
    assert "Warning: LOYALTY_CARD_API_KEY is still set." in done.err


def test_a_keyring_that_fails_is_told_with_what_is_gone_already(
    memory: backends.Memory, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = backends.use(monkeypatch, backends.Failing(at="client_secret"))
    failing.entries = {("loyalty-cli/club", name): "x" for name in ("client_key", "client_secret")}

    done = loyalty("logout", "club")

    assert (done.code, done.out, memory.entries) == (4, "", {})
    assert "(backends Failing) failed: OSError: the disk is full" in done.err
    assert "client_key was removed" in done.err


def test_without_a_keyring_there_is_nothing_to_log_out_of(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    profile_file(PROFILES)

    done = loyalty("logout", "card")

    assert done.code == 4
    assert "there is no keyring on this system" in done.err


def test_the_sandbox_and_an_unknown_profile_are_refused(
    memory: backends.Memory, loyalty: Run
) -> None:
    assert loyalty("--sandbox", "logout", "imprint").code == 2
    assert loyalty("logout", "crad").code == 3
    assert memory.entries == {}
