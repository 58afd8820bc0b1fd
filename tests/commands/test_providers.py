"""`loyalty providers`: what there is, and what each can do."""

import csv
import io

import pytest

from loyalty_cli import providers
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
