"""`loyalty providers`: what there is, and what each can do."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from loyalty_cli import providers
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_schema import json_schema
from tests.config.descriptions.descriptions import ACME
from tests.conftest import Run

NAMES = list(providers.BUILT_IN)


def test_every_provider_is_listed_with_how_to_sign_in(loyalty: Run) -> None:
    done = loyalty("providers")

    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.splitlines()
    assert heading.split()[:3] == ["Provider", "Base", "URL"]
    assert [row.split()[0] for row in rows] == NAMES
    assert "basic: username, password; oauth: client_key, client_secret" in done.out
    in_csv = csv.DictReader(io.StringIO(loyalty("providers", "-o", "csv").out))
    assert [row["provider"] for row in in_csv] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_one_provider_is_shown_with_all_it_has(loyalty: Run, name: str) -> None:
    provider = providers.load(name)

    shown = loyalty("providers", name).out

    assert provider.title in shown
    for auth in provider.auths:
        assert f"auth {auth.name}" in shown
        assert ", ".join(auth.fields) in shown
    for way in provider.ways:
        assert f"by {way.name}" in shown
        assert way.help in shown
    for parameter in (*provider.settings, *provider.options):
        assert parameter.name in shown
        assert parameter.help in shown
    for number, source in provider.numbers.items():
        assert number in shown
        assert source in shown
    for page in provider.pages:
        assert page in shown


@pytest.mark.parametrize(
    ("name", "words"), [("gameball", "100 in 1 s, 1200 in 30 s"), ("omneo", "none published")]
)
def test_one_provider_as_csv_has_a_row_for_each_fact(loyalty: Run, name: str, words: str) -> None:
    rows = list(csv.DictReader(io.StringIO(loyalty("providers", name, "-o", "csv").out)))

    assert rows[0] == {"about": "name", "what": f"{name} ({providers.load(name).title})"}
    assert [row["what"] for row in rows if row["about"] == "read limits"] == [words]


def test_providers_needs_no_profile_file_and_does_not_read_one(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_CONFIG", "/nowhere/at/all.yaml")

    assert loyalty("providers").code == 0


def test_an_unknown_provider_is_an_error(loyalty: Run) -> None:
    done = loyalty("providers", "Gamebal", "-o", "json")

    assert (done.code, done.out) == (2, "")
    assert done.err == "Error: there is no provider 'Gamebal'.\nHint: Did you mean 'gameball'?\n"


@pytest.mark.parametrize("name", NAMES)
def test_one_provider_as_json_names_the_ways_to_name_a_customer_the_id_first(
    loyalty: Run, name: str
) -> None:
    ways = loyalty("providers", name, "-o", "json").record["ways"]

    known = providers.load(name).ways
    assert ways == [{"name": way.name, "help": way.help} for way in known]
    assert ways[0]["name"] == "id"


# Descriptions


@pytest.fixture
def described(tmp_path: Path, profile_file: Callable[[str], Path]) -> Path:
    """A profile file with a description in it, and the folder for others beside it."""
    inside = "".join(f"    {line}\n" for line in ACME.splitlines())
    profile_file(f"profiles: {{shop: {{provider: acme}}}}\nproviders:\n  acme:\n{inside}")
    folder = tmp_path / "providers"
    folder.mkdir()
    return folder


def test_described_providers_are_listed_after_the_others(loyalty: Run, described: Path) -> None:
    (described / "wallet.yaml").write_text(ACME)

    done = loyalty("providers", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert [each["provider"] for each in done.records] == [*NAMES, "acme", "wallet"]


@pytest.mark.parametrize("arguments", [["acme", "-o", "json"], ["-o", "json", "acme"]])
def test_a_described_provider_is_shown_with_all_it_has(
    loyalty: Run, described: Path, arguments: list[str]
) -> None:
    assert described.is_dir()
    record = loyalty("providers", *arguments).record

    assert (record["title"], record["debits"]) == ("Acme", False)
    assert record["auth"] == [{"name": "bearer", "credentials": ["api_key"]}]
    assert record["numbers"] == {"points.available": "customer.points_balance"}


@pytest.mark.parametrize("name", ["broken", "imprint", "check"])
def test_a_broken_description_takes_no_other_provider_away(
    loyalty: Run, described: Path, name: str
) -> None:
    file = described / f"{name}.yaml"
    file.write_text("title: [")

    done = loyalty("providers", "-o", "json")

    assert done.code == 0
    assert [each["provider"] for each in done.records] == [*NAMES, "acme"]
    (warning,) = done.err.splitlines()
    assert warning.startswith(f"Warning: {file}")
    assert loyalty("providers", "acme").code == 0


def test_a_broken_profile_file_takes_no_provider_away(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    path = profile_file("profiles: [")

    done = loyalty("providers", "-o", "json")

    assert (done.code, [each["provider"] for each in done.records]) == (0, NAMES)
    assert done.err.startswith(f"Warning: {path}, line 1: ")
    assert loyalty("providers", "imprint").code == 0


def test_a_broken_description_that_is_asked_for_is_an_error(loyalty: Run, described: Path) -> None:
    (described / "broken.yaml").write_text(ACME.replace("lines", "lnes"))

    done = loyalty("providers", "broken")

    assert (done.code, done.out) == (3, "")
    assert "line 5: lnes: unknown key." in done.err
    assert done.err.endswith("Hint: Did you mean 'lines'?\n")


def test_an_unknown_provider_may_be_a_described_one(loyalty: Run, described: Path) -> None:
    assert described.is_dir()
    done = loyalty("providers", "acne")

    assert (done.code, "Did you mean 'acme'?" in done.err) == (2, True)


def test_the_sandbox_has_no_described_provider(loyalty: Run, described: Path) -> None:
    assert described.is_dir()
    done = loyalty("--sandbox", "providers", "-o", "json")

    assert [each["provider"] for each in done.records] == NAMES


EXAMPLES = """
errors: [{message: error.text, code: error.code, not_found: [none]}]
examples:
  - {customer: "42", body: {customer: {points_balance: 2900}}, available: [2900]}
  - {customer: "43", status: 404, body: {error: {code: none, text: No}}, error: not_found}
"""


@pytest.mark.parametrize("output", Format)
def test_a_description_that_keeps_every_promise_passes_the_check(
    loyalty: Run, tmp_path: Path, output: Format
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(ACME + EXAMPLES)

    done = loyalty("providers", "check", str(file), "-o", output)

    assert done.code == 0
    assert done.err == (
        f"{file}: every promise is kept with 2 examples. Acme was not asked:"
        " whether base_url, get, query and the sign-in are right, a look-up shows.\n"
    )
    if output is Format.JSON:
        assert done.records == []


def test_each_shortfall_of_a_description_is_a_record_and_the_exit_code_is_3(
    loyalty: Run, tmp_path: Path
) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(ACME + EXAMPLES.replace("[2900]", "[1]") + "details: [state]\n")

    done = loyalty("providers", "check", str(file), "-o", "json")

    assert done.code == 3
    wrong, doubtful = done.records
    assert wrong == {
        "schema_version": 2,
        "provider": "acme",
        "example": "line 9",
        "check": "the example is answered as it says",
        "status": "broken",
        "message": "available is [2900], not [1]",
    }
    assert (doubtful["status"], doubtful["example"]) == ("warning", None)
    assert done.err.startswith(f"Error: {file}: 1 check fails.\nHint: ")
    Draft202012Validator(json_schema()).validate(json.loads(done.out))

    in_table = loyalty("providers", "check", str(file)).out.splitlines()
    assert [line.split()[0] for line in in_table] == ["Provider", "acme", "acme"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lnes: []\n", "FILE, line 1: lnes: unknown key.\nHint: Did you mean 'lines'?"),
        (ACME.replace("{api_key}", "hunter2"), "FILE, line 3: auth.bearer.headers.Authorization: "),
        (None, "Error: the description FILE cannot be read: No such file or directory."),
        (ACME, "FILE: 1 check fails."),
    ],
    ids=["a misspelt key", "a secret", "no file", "no examples"],
)
def test_a_description_that_cannot_be_checked_is_an_error_in_two_lines(
    loyalty: Run, tmp_path: Path, text: str | None, said: str
) -> None:
    file = tmp_path / "acme.yaml"
    if text is not None:
        file.write_text(text)

    done = loyalty("providers", "check", str(file))

    assert done.code == 3
    assert said in done.err.replace(str(file), "FILE")
    assert len(done.err.splitlines()) <= 2
    assert "hunter2" not in done.err


def test_one_example_is_one_example(loyalty: Run, tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_text(ACME + "\n".join(EXAMPLES.splitlines()[:-1]))

    assert " with 1 example. " in loyalty("providers", "check", str(file)).err


def test_a_file_whose_provider_is_in_the_profile_file_too_does_not_pass_the_check(
    loyalty: Run, described: Path, tmp_path: Path
) -> None:
    for folder, code in ((described, 3), (tmp_path, 0)):
        file = folder / "acme.yaml"
        file.write_text(ACME + EXAMPLES)

        done = loyalty("providers", "check", str(file))

        assert (done.code, "Error: the provider 'acme' is described twice" in done.err) == (
            code,
            code == 3,
        )


def test_a_broken_profile_file_does_not_stop_the_check(
    loyalty: Run, tmp_path: Path, profile_file: Callable[[str], Path]
) -> None:
    path, file = profile_file("profiles: ["), tmp_path / "acme.yaml"
    file.write_text(ACME + EXAMPLES)

    done = loyalty("providers", "check", str(file))

    assert (done.code, done.err.startswith(f"Warning: {path}, line 1: ")) == (0, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the description FILE cannot be read: it is a folder."),
        ("nobody.yaml", "the description FILE cannot be read: No such file or directory."),
        ("config.yaml", "FILE, line 1: this is a profile file, and not a description."),
    ],
)
def test_what_is_no_description_is_told_with_what_to_give(
    loyalty: Run, described: Path, name: str, said: str
) -> None:
    file = described.parent / name

    done = loyalty("providers", "check", str(file))

    assert (done.code, done.out) == (3, "")
    assert done.err.replace(str(file), "FILE").splitlines() == [
        f"Error: {said}",
        "Hint: Give the file of one description; `loyalty help own-platform` shows one.",
    ]


def test_a_description_with_an_ending_that_is_not_read_is_told(
    loyalty: Run, tmp_path: Path
) -> None:
    file = tmp_path / "acme.txt"
    file.write_text(ACME + EXAMPLES)

    done = loyalty("providers", "check", str(file))

    assert (done.code, f"{file}: the name of a description ends in .yaml." in done.err) == (3, True)


def test_check_is_a_command_of_providers(loyalty: Run) -> None:
    done = loyalty("providers", "check", "--help")

    assert (done.code, "FILE" in done.out) == (0, True)
    assert "See `loyalty providers check --help`." in loyalty("providers", "check").err
