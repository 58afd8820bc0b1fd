"""The documentation says what is true: its examples run, its links lead somewhere."""

import re
import runpy
import shlex
from pathlib import Path

import pytest

from loyalty_cli.config import load
from loyalty_cli.errors import ErrorCode, ExitCode
from tests.conftest import Run

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = runpy.run_path(str(ROOT / "docs" / "generate.py"))

SANDBOX_COMMANDS = sorted(
    {
        line.removeprefix("$ ").split("|")[0].split("#")[0].strip()
        for page in PAGES
        for line in page.read_text().splitlines()
        if line.startswith("$ loyalty --sandbox")
    }
)


def test_the_command_reference_is_current() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == GENERATED["commands_page"]()


def test_the_picture_in_the_readme_is_current() -> None:
    assert (ROOT / "docs" / "balance.svg").read_text() == GENERATED["picture"]()


def test_the_readme_opens_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()

    assert [line.split("#")[0].strip() for line in lines[3:5]] == ["$ make demo", "$ make test"]


@pytest.mark.parametrize("command", SANDBOX_COMMANDS)
def test_every_sandbox_example_runs(loyalty: Run, command: str) -> None:
    done = loyalty(*shlex.split(command)[1:])

    expected = ExitCode.NOT_FOUND if "E-404" in command else ExitCode.OK
    assert (done.code, "Error" in done.err) == (expected, expected != ExitCode.OK)


def test_the_readme_has_sandbox_examples_at_all() -> None:
    assert len(SANDBOX_COMMANDS) >= 4


def test_the_first_profile_of_the_readme_loads(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example
    path = tmp_path / "config.yaml"
    path.write_text(example[1])

    assert list(load(path).profiles) == ["points"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_is_in_the_output_page_with_its_exit_code(code: ErrorCode) -> None:
    page = (ROOT / "docs" / "output.md").read_text()
    table = page.partition("| `error.code` | exit code |")[2].partition("\n\n")[0]
    rows = [row for row in table.splitlines() if f"`{code}`" in row]

    assert [row.split("|")[2].strip() for row in rows] == [str(int(code.exit_code))]


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_in_the_readme(code: ExitCode) -> None:
    assert f"| {int(code)} |" in (ROOT / "README.md").read_text()
