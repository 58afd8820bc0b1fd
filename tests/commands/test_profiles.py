"""`loyalty profiles`: where each credential would come from, and never what it is."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.fakes import backends

SECRET = "hunter2"

SOURCES = {
    "card": "environment LOYALTY_CARD_API_KEY",
    "points": "file {folder}/points.api_key",
    "store": "keyring loyalty-cli/store api_token (backends Memory)",
    "referrals": None,
}


@pytest.fixture
def sources(
    profile_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str | None]:
    """Profiles with a credential in each place, one of them in none and one in a broken one."""
    profile_file(
        "default_profile: points\n"
        "profiles:\n"
        "  card: {provider: imprint}\n"
        "  points: {provider: gameball}\n"
        "  store: {provider: omneo, base_url: 'https://h.example'}\n"
        "  referrals: {provider: saasquatch, tenant: acme}\n"
    )
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "points.api_key").write_text(SECRET)
    (folder / "points.api_key").chmod(0o600)
    (folder / "points.secret_key").mkdir()
    monkeypatch.setenv("LOYALTY_CREDENTIALS_DIR", str(folder))
    monkeypatch.setenv("LOYALTY_CARD_API_KEY", SECRET)
    memory = backends.use(monkeypatch, backends.Memory())
    memory.set_password("loyalty-cli/store", "api_token", SECRET)
    return {name: text and text.format(folder=folder) for name, text in SOURCES.items()}


def test_profiles_as_json_has_a_source_or_an_error_for_each_credential(
    loyalty: Run, sources: dict[str, str | None]
) -> None:
    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert SECRET not in done.out
    found = {record["profile"]: record["credentials"] for record in done.records}
    assert list(found) == ["card", "points", "store", "referrals"]
    assert {name: fields[0]["source"] for name, fields in found.items()} == sources
    assert found["card"] == [{"field": "api_key", "source": sources["card"], "error": None}]
    assert found["referrals"] == [{"field": "api_key", "source": None, "error": None}]
    broken = found["points"][1]
    assert (broken["field"], broken["source"]) == ("secret_key", None)
    assert broken["error"]["code"] == "credential_unreadable"
    assert "points.secret_key cannot be read: it is a folder" in broken["error"]["message"]
    assert [record["default"] for record in done.records] == [False, True, False, False]


def test_profiles_as_csv_has_a_row_for_each_credential(
    loyalty: Run, sources: dict[str, str | None]
) -> None:
    done = loyalty("profiles", "-o", "csv")

    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert (done.code, done.err) == (0, "")
    assert SECRET not in done.out
    assert [(row["profile"], row["credential"]) for row in rows] == [
        ("card", "api_key"),
        ("points", "api_key"),
        ("points", "secret_key"),
        ("store", "api_token"),
        ("referrals", "api_key"),
    ]
    shown = [row["source"] for row in rows]
    assert shown[:2] == [sources["card"], sources["points"]]
    assert shown[2].startswith("cannot be read: the credential file ")
    assert shown[3:] == [sources["store"], "missing: LOYALTY_REFERRALS_API_KEY"]


def test_profiles_as_a_table_shows_the_same_without_a_secret(
    loyalty: Run, sources: dict[str, str | None]
) -> None:
    done = loyalty("profiles")

    assert (done.code, done.err) == (0, "")
    assert SECRET not in done.out
    for text in (*filter(None, sources.values()), "cannot be read:", "missing", "points (default)"):
        assert text in done.out


def test_the_sandboxs_profiles_come_from_the_sandbox(loyalty: Run) -> None:
    done = loyalty("profiles", "--sandbox", "-o", "json")

    assert done.code == 0
    assert {each["source"] for record in done.records for each in record["credentials"]} == {
        "sandbox"
    }
    assert all(record["sandbox"] for record in done.records)
