"""What the tests of debits and of their journal share."""

import shutil
from collections.abc import Callable, Iterator
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


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Write a file of debits, and give its name."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "debits"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write
