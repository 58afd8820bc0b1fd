"""A platform for the tests of one provider, and for those of the contract."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.providers.contract import Cases, CasesPlatform
from tests.providers.packages import MODULE, Install, unpack

Ask = Callable[[Cases], CasesPlatform]


@pytest.fixture
def ask(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    no_pauses: None,  # noqa: ARG001 - asked for by its name
) -> Iterator[Ask]:
    """Serve the platform of some cases until the test ends."""
    with ExitStack() as served:
        yield lambda cases: served.enter_context(
            CasesPlatform(cases, loyalty, profile_file, monkeypatch).answering()
        )


@pytest.fixture
def platform(request: pytest.FixtureRequest, ask: Ask) -> CasesPlatform:
    """The platform of the provider that the test's module has the cases of."""
    cases: Cases = request.module.CASES
    return ask(cases)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install the package for this process."""

    def installing(change: str = "", **more: str) -> None:
        unpack(tmp_path / "packages", change, **more)
        monkeypatch.syspath_prepend(str(tmp_path / "packages"))
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.delitem(sys.modules, MODULE, raising=False)

    return installing
