"""`loyalty profiles`: where each credential would come from, and never what it is."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.conftest import Run, Serve
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


# With --check the platforms are asked.


@pytest.fixture
def checked(
    serve: Serve, profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Profiles at platforms with a good key, a bad one, one that is down, and one without a key."""

    def write(*names: str) -> None:
        replies = {
            "good": Reply(404, {"type": "CUSTOMER_NOT_FOUND_ERROR"}),
            "bad": Reply(401, {"type": "X", "message": f"Not {SECRET}."}),
            "down": Reply(400, {"type": "X", "message": "Not like this."}),
            "none": Reply(500),
        }
        lines = ["profiles:"]
        for name in names:
            url = serve(lambda _, name=name: replies[name])  # type: ignore[misc] # mypy infers no default
            lines.append(f"  {name}: {{provider: imprint, base_url: '{url}'}}")
            if name != "none":
                monkeypatch.setenv(f"LOYALTY_{name.upper()}_API_KEY", SECRET)
        profile_file("\n".join(lines))

    return write


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (("good",), 0),
        (("good", "bad"), 4),
        (("good", "none"), 4),
        (("bad", "down", "none"), 4),
        (("good", "down"), 6),
    ],
)
def test_profiles_with_check_ends_with_4_where_a_key_is_refused_or_missing(
    loyalty: Run, checked: Callable[..., None], names: tuple[str, ...], code: int
) -> None:
    checked(*names)

    done = loyalty("profiles", "--check", "-o", "json")

    assert done.code == code
    results = {"good": "accepted", "bad": "refused", "down": "unclear", "none": "not_asked"}
    assert [each["check"]["result"] for each in done.records] == [results[name] for name in names]
    assert [each["check"]["error"] is None for each in done.records] == [
        name == "good" for name in names
    ]
    assert SECRET not in done.out + done.err
    for name in names:
        assert (f"Error: {name}: " in done.err) == (name != "good")


@pytest.mark.parametrize("output", ["table", "jsonl", "csv", "markdown"])
def test_profiles_with_check_says_the_same_in_every_form(
    loyalty: Run, checked: Callable[..., None], output: str
) -> None:
    checked("good", "bad", "none")

    done = loyalty("profiles", "--check", "-o", output)

    assert done.code == 4
    assert SECRET not in done.out + done.err
    for text in ("accepted", "refused", "Imprint rejected the credentials of profile 'bad'"):
        assert text in done.out + done.err
    assert "They came from environment LOYALTY_BAD_API_KEY." in done.out + done.err
    assert "no api_key for the profile 'none'" in done.out + done.err
    assert ("bad" in done.err) == (output != "markdown")


def test_without_check_no_platform_is_asked(loyalty: Run, checked: Callable[..., None]) -> None:
    checked("bad")

    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.err, done.record["check"]) == (0, "", None)


def test_the_sandbox_takes_its_own_keys(loyalty: Run) -> None:
    done = loyalty("profiles", "--sandbox", "--check", "-o", "json")

    assert done.code == 0
    assert {each["check"]["result"] for each in done.records} == {"accepted"}
