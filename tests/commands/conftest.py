"""What the tests of debits and of their journal share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.debit_platform import DebitPlatform, platform


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DebitPlatform]:
    """The platform, and no journal yet."""
    with platform(tmp_path, monkeypatch) as serving:
        yield serving


@pytest.fixture
def ready(there: DebitPlatform, new_journal: Path) -> DebitPlatform:
    """The platform and an empty journal."""
    shutil.copy(new_journal, there.journal)
    return there
