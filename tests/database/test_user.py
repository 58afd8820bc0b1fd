"""Who wrote into a database."""

import os
import pwd

import pytest

from loyalty_cli.database.user import user_name


def test_a_user_is_known_by_the_name_of_the_system_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, "somebody")

    assert user_name() == pwd.getpwuid(os.getuid()).pw_name


def test_a_user_without_a_name_is_known_by_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_123)

    assert user_name() == "uid 4000000123"
