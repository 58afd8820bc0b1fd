"""A platform for the tests of one provider, and for those of the contract."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.providers.contract import Cases, CasesPlatform

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
