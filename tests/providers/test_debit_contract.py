"""The contract of debits: the same questions to every provider that can make them."""

from typing import Any

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import DebitProvider
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Outcome, Run
from tests.providers.conftest import Ask
from tests.providers.contract import Cases, CasesPlatform, DebitCases, cases_of

ALL = [
    cases
    for name in providers.BUILT_IN
    if isinstance(providers.load(name), DebitProvider) and (cases := cases_of(name))
]
every_debit_provider = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.name)
CODES = [
    pytest.param(cases, code, state, id=f"{cases.name}-{code}")
    for cases in ALL
    if cases.debits
    for code, state in cases.debits.codes.items()
]


def debits_of(cases: Cases) -> DebitCases:
    assert cases.debits is not None, f"{cases.name} can debit, and its CASES have no debits"
    return cases.debits


class RefusedDebits:
    """Debits at a platform that says no in one way."""

    def __init__(self, platform: CasesPlatform, loyalty: Run, no: Reply) -> None:
        self.posts = 0
        self._loyalty = loyalty
        self._customer = platform.cases.customer
        self._answer, self._no = Reply(body=platform.cases.answer), no
        platform.script = self._handle
        unit = debits_of(platform.cases).unit
        provider = platform.provider
        assert isinstance(provider, DebitProvider)
        platform.profile(by=provider.debit_ways[0], debit={"allow": True, "unit": unit})
        assert loyalty("journal", "init").code == 0

    def debit(self) -> Outcome:
        return self._loyalty(
            "debit", self._customer, "1", "--reference", "r-1", "--yes", "-o", "json"
        )

    def _handle(self, received: Received) -> Reply:
        if received.method == "GET":
            return self._answer
        self.posts += 1
        return self._no


@every_debit_provider
def test_a_provider_knows_every_error_code_of_a_debit(cases: Cases) -> None:
    provider: Any = cases.loaded

    assert set(provider.debit_codes) == set(debits_of(cases).codes)


@pytest.mark.parametrize(("cases", "code", "state"), CODES)
def test_each_error_code_of_a_platform_leaves_a_debit_in_the_right_state(
    ask: Ask, loyalty: Run, cases: Cases, code: str, state: str
) -> None:
    debits = RefusedDebits(ask(cases), loyalty, debits_of(cases).refuses(code))

    first = debits.debit()
    assert (first.record["state"], debits.posts) == (state, 1)
    assert (first.code == 8) == (state == "unknown")
    if state == "unknown":
        return

    assert first.record["error"]["provider_code"] == code
    second = debits.debit()
    if state == "refused":  # for good
        assert (second.record, debits.posts) == (first.record | {"replayed": True}, 1)
    else:  # for now: the next run makes a new attempt
        assert first.record["error"]["hint"].endswith(
            "run the same command again to make the debit."
        )
        assert (second.record["attempt"], second.record["replayed"], debits.posts) == (2, False, 2)
