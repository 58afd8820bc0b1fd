"""What the tests of debits and of their journal share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.fakes.debit_platform import Platform, platform


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """The platform, and no journal yet."""
    with platform(tmp_path, monkeypatch) as serving:
        yield serving


@pytest.fixture
def ready(there: Platform, loyalty: Run) -> Platform:
    """The platform and an empty journal."""
    assert loyalty("journal", "init").code == 0
    return there
