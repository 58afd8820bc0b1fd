"""What the tests of lists share: a platform, and a list for it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.commands.balance.lists import At, BalancePlatform, EachAt, Listed, found
from tests.conftest import Serve


@pytest.fixture
def at(serve: Serve, card: Callable[..., Path]) -> At:
    """Serve a platform that answers so, as the profile `card`, with more keys or none."""

    def serving(answer: Callable[[str], Reply] = found, more: str = "") -> BalancePlatform:
        platform = BalancePlatform(answer)
        card(serve(platform), more)
        return platform

    return serving


@pytest.fixture
def each_at(
    serve: Serve, profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> EachAt:
    """Serve platforms, each as the profile that the keyword names; the first is the default."""

    def serving(more: str = "", **platforms: BalancePlatform) -> None:
        rows = [
            f"  {name}: {{provider: imprint, base_url: '{serve(platform)}'{more}}}\n"
            for name, platform in platforms.items()
        ]
        profile_file(f"default_profile: {next(iter(platforms))}\nprofiles:\n" + "".join(rows))
        for name in platforms:
            monkeypatch.setenv(f"LOYALTY_{name.upper()}_API_KEY", f"secret-of-{name}")

    return serving


@pytest.fixture
def listed(tmp_path: Path) -> Listed:
    """Write a list, and give the file's name."""

    def write(content: str | bytes) -> str:
        path = tmp_path / "list"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write
