"""A keyring that works."""

import pytest

from tests.fakes import backends


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> backends.Memory:
    return backends.use(monkeypatch, backends.Memory())
