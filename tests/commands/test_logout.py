"""`loyalty logout`: remove a profile's credentials from the keyring."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.fakes import backends


def test_logout_removes_all_of_a_profile_from_the_keyring_and_no_other(
    loyalty: Run, profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    profile_file("profiles: {card: {provider: imprint}, points: {provider: gameball}}\n")
    memory = backends.use(monkeypatch, backends.Memory())
    names = ["api_key", "secret_key", "token"]
    memory.entries = {("loyalty-cli/points", name): "x" for name in names}
    memory.entries["loyalty-cli/card", "api_key"] = "y"

    first = loyalty("logout", "points")
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", "x")
    second = loyalty("logout", "points")

    removed = "api_key, secret_key, token of points removed from the keyring.\n"
    nothing = "the keyring had no credentials of points.\n"
    warning = "Warning: LOYALTY_POINTS_API_KEY is still set.\n"
    assert (first, second) == ((0, "", removed), (0, "", nothing + warning))
    assert memory.entries == {("loyalty-cli/card", "api_key"): "y"}
    assert loyalty("logout", "crad").code == 3
