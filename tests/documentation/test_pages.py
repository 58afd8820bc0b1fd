"""The documentation says what is true: its examples run, its links lead somewhere."""

import json
import re
import runpy
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli import providers
from loyalty_cli.config.load import load
from loyalty_cli.credentials.sources import FOLDER_VARIABLES
from loyalty_cli.model.errors import ENDING, ErrorCode
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of
from loyalty_cli.model.records import WarningCode
from loyalty_cli.network.tls import BUNDLE_VARIABLES
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.output.meanings import WARNINGS
from loyalty_cli.providers.contract import DebitProvider, Limit
from tests.conftest import Run
from tests.documentation.pages import ROOT, blocks, page, section

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
    assert page("docs/commands.md") == GENERATED["commands_page"]()


def test_the_picture_in_the_readme_is_current() -> None:
    assert page("docs/balance.svg") == GENERATED["picture"]()


def test_the_readme_opens_with_two_commands_and_has_sandbox_examples() -> None:
    lines = page("README.md").splitlines()

    assert [line.split("#")[0].strip() for line in lines[3:5]] == ["$ make demo", "$ make test"]
    assert len(SANDBOX_COMMANDS) >= 4


@pytest.mark.parametrize("command", SANDBOX_COMMANDS)
def test_every_sandbox_example_runs(loyalty: Run, command: str) -> None:
    done = loyalty(*shlex.split(command)[1:])

    expected = ExitCode.NOT_FOUND if "E-404" in command else ExitCode.OK
    assert (done.code, "error" in done.err.lower()) == (expected, expected != ExitCode.OK)


def test_the_first_profile_of_the_readme_loads(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(blocks(page("README.md"), "yaml")[0])

    assert list(load(path).profiles) == ["points"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text())

    assert [file for file, _ in targets if not (page.parent / file).exists()] == []
    assert [(file, to) for file, to in targets if to and to not in headings(page, file)] == []


def headings(page: Path, file: str) -> list[str]:
    """The headings of the file that a link on a page leads to, as links name them."""
    text = (page.parent / file if file else page).read_text()
    prose = "".join(re.split(r"^```.*?^```$", text, flags=re.MULTILINE | re.DOTALL))
    titles = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]


def test_every_record_in_the_output_page_fits_the_schema() -> None:
    records = blocks(page("docs/output.md"), "json")
    validator = Draft202012Validator(json_schema())

    assert len(records) == 7
    for block in records:
        validator.validate([json.loads(block)])


def test_the_output_page_names_what_ends_a_run() -> None:
    text = " ".join(page("docs/output.md").split())
    names = text.partition("These are the codes ")[2].partition(", and ")[0]

    assert set(re.findall(r"`(\w+)`", names)) == ENDING


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_the_limits_that_a_platform_publishes_are_on_the_providers_page(name: str) -> None:
    provider = providers.load(name)
    text = section(page("docs/providers.md"), provider.title)
    published = [f"look-ups: {spelt(provider.read_limits)}"] if provider.read_limits else []
    if isinstance(provider, DebitProvider) and provider.debit_limits:
        published.append(f"debits: {spelt(provider.debit_limits)}")

    assert text
    assert re.findall(r"^\| published limits \| (.*) \|$", text, re.MULTILINE) == (
        ["; ".join(published)] if published else []
    )


def spelt(limits: Sequence[Limit]) -> str:
    """Limits as the pages have them."""
    return " and ".join(
        f"{each.requests:,} in {each.seconds:g} second{'' if each.seconds == 1 else 's'}"
        for each in limits
    )


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_is_in_the_output_page_with_its_exit_code(code: ErrorCode) -> None:
    text = page("docs/output.md")
    table = text.partition("| `error.code` | exit code |")[2].partition("\n\n")[0]
    rows = [row for row in table.splitlines() if f"`{code}`" in row]

    assert [row.split("|")[2].strip() for row in rows] == [str(int(exit_code_of(code)))]


@pytest.mark.parametrize("code", WarningCode)
def test_every_warning_code_is_in_the_output_page_with_its_meaning(code: WarningCode) -> None:
    assert meanings("`code` of a warning")[code] == WARNINGS[code]


@pytest.mark.parametrize(
    ("heading", "record"),
    [
        ("key", "Lookup"),
        ("key of a balance line", "Balance"),
        ("key of `error`", "Failure"),
        ("key of a summary", "SummaryRecord"),
        ("key of a difference", "DiffRecord"),
        ("key of a total", "DiffTotalRecord"),
        ("key of a change", "HistoryRecord"),
        ("key of a debit between", "DebitBetween"),
        ("key of a debit", "DebitRecord"),
        ("key of a debit's history", "DebitHistory"),
        ("key of a summary of the journal", "JournalSummaryRecord"),
        ("key of a message", "MessageRecord"),
    ],
)
def test_the_output_page_and_the_schema_say_the_same_about_every_key(
    heading: str, record: str
) -> None:
    properties = json_schema()["$defs"][record]["properties"]
    explained = {
        key: each["description"] for key, each in properties.items() if "description" in each
    }

    assert [*meanings(heading).items()] == [*explained.items()]


def meanings(heading: str) -> dict[str, str]:
    """The rows of a table of the output page: a name, and what it means."""
    table = page("docs/output.md").partition(f"\n| {heading} | meaning |\n")[2].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[1:]]
    return {name.strip("`"): meaning for name, meaning in rows}


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_explained(code: ExitCode) -> None:
    assert f"| {int(code)} |" in page("docs/exit-codes.md")


def test_the_readme_has_the_exit_codes_of_their_page() -> None:
    assert page("README.md") == GENERATED["readme"]()
    assert page("README.md").count("\n| 0 | all done |\n") == 1


def test_the_environment_page_has_every_variable_that_the_program_reads() -> None:
    table = page("docs/environment.md").partition("| variable | what it does |\n")[2]
    names = "".join(row.split("|")[1] for row in table.splitlines())
    documented = set(re.findall(r"`([A-Z][A-Z_<>]+)`", names))
    code = "".join(path.read_text() for path in (ROOT / "loyalty_cli").rglob("*.py"))
    read = set(re.findall(r"""["'](LOYALTY_[A-Z_]+)["']""", code))
    # A name that begins with _ is between the program and its own scripts.
    read |= set(re.findall(r"""environ(?:\.get\(|\[)["']([A-Z]\w+)["']""", code))
    read |= {"LOYALTY_<PROFILE>_<FIELD>", *FOLDER_VARIABLES, *BUNDLE_VARIABLES}

    assert len(documented) > 20
    assert read <= documented
    assert {each for each in documented if each.startswith("LOYALTY_")} <= read
