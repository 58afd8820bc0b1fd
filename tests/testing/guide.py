"""The guide's provider and its cases, as they are, or with a mistake in them."""

import re
from typing import Any

from msgspec.structs import replace as changed

from loyalty_cli.testing import Cases
from tests.documentation.pages import page

GUIDE = page("loyalty_cli/providers/ADDING.md")


def file_of_the_guide(path: str) -> str:
    """The content of a file that the guide names."""
    found = re.search(rf"`{re.escape(path)}`\n\n```\w+\n(.*?)\n```", GUIDE, re.DOTALL)
    assert found
    return found[1] + "\n"


PROVIDER = file_of_the_guide("loyalty_perks.py")
TESTS = file_of_the_guide("test_loyalty_perks.py")


def run(source: str) -> dict[str, Any]:
    """The names of a module with this source."""
    module: dict[str, Any] = {"__name__": "loyalty_perks"}
    exec(compile(source, "loyalty_perks.py", "exec"), module)
    return module


def perks(*mistakes: tuple[str, str]) -> Any:
    """The guide's provider, with other text in place of some of its source."""
    source = PROVIDER
    for text, other in mistakes:
        assert source.count(text) == 1, text
        source = source.replace(text, other)
    return run(source)["Perks"]()


def cases_with(**fields: Any) -> Cases:
    """The guide's cases, some of them different."""
    cases: Cases = changed(run(TESTS)["CASES"], **fields)
    return cases
