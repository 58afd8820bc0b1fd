"""Two platforms that also have providers in Python, described in YAML: the same cases."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from loyalty_cli.config.descriptions.read import read_description
from loyalty_cli.config.yaml_nodes import parse
from loyalty_cli.providers.description.provider import DescribedProvider, provider_of
from loyalty_cli.testing import Cases, ProviderContract
from loyalty_cli.testing.description import shortfalls
from tests.providers import test_imprint as imprint
from tests.providers import test_omneo as omneo

FOLDER = Path(__file__).parents[1] / "described"
MOST_LINES = 30


def described(name: str) -> DescribedProvider:
    return provider_of(read_description(name, parse((FOLDER / f"{name}.yaml").read_text())))


def without(cases: Cases, *unsaid: str) -> Cases:
    """The cases without those that begin so: what the closed operators cannot say."""
    return replace(
        cases,
        reads={name: each for name, each in cases.reads.items() if not name.startswith(unsaid)},
        fails={name: each for name, each in cases.fails.items() if not name.startswith(unsaid)},
    )


class TestImprint(ProviderContract):
    """Not in YAML: the words of its own warning, `param`, and a colon before the details."""

    cases = without(
        replace(
            imprint.CASES,
            provider=described("imprint"),
        ),
        *("money", "a param", "a gateway with details", "a gateway with odd details"),
        "no customer without a message",
    )


class TestOmneo(ProviderContract):
    """Not in YAML: amounts in the currency that was asked for, and a doubt about a named one."""

    cases = without(
        replace(omneo.CASES, provider=described("omneo"), warnings=[]),
        *("a currency that was asked for", "a currency of text", "mistakes without"),
        *("localised ", "a currency in another case"),
    )


@pytest.mark.parametrize("name", ["imprint", "omneo"])
def test_a_described_platform_passes_its_own_check_in_a_few_lines(name: str) -> None:
    found = [each for each in shortfalls(described(name).description) if not each.doubtful]

    assert found == []
    assert len((FOLDER / f"{name}.yaml").read_text().splitlines()) <= MOST_LINES
