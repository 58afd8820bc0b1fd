"""Where a credential comes from, and what becomes of one that cannot be used."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli import providers
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import Holder, StoredToken
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential, Credentials, check_secret
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.providers.contract import Request, Token
from loyalty_cli.sandbox.server import Reply
from tests.conftest import Run
from tests.fakes import backends

SECRET = "hunter2"
VARIABLE = "LOYALTY_MY_CARD_API_KEY"

IMPRINT = providers.load("imprint")
CARD = Profile("my-card", IMPRINT, IMPRINT.auths[0], "https://api.example")
Find = Callable[..., Credential | None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.mkdir()
    return path


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def find(warnings: list[str]) -> Find:
    """Look for the credential of CARD with these variables set."""

    def look(**variables: object) -> Credential | None:
        environment = {name: str(value) for name, value in variables.items()}
        credentials = Credentials(environment, KeyringStore(), warnings.append)
        return credentials.find(CARD, "api_key")

    return look


@pytest.fixture
def broken(find: Find, memory: backends.Memory) -> Callable[..., str]:
    """What is said of a source that is there and broken, with a keyring behind it that works."""
    memory.set_password("loyalty-cli/my-card", "api_key", "from the keyring")

    def said(**variables: object) -> str:
        with pytest.raises(LoyaltyError) as caught:
            find(**variables)
        assert caught.value.code is ErrorCode.CREDENTIAL_UNREADABLE
        assert exit_code_of(caught.value.code) == 4
        assert caught.value.hint
        assert SECRET not in caught.value.message + caught.value.hint
        return caught.value.message

    return said


def test_a_credential_comes_from_the_environment_the_folder_or_the_keyring(
    find: Find, folder: Path, tmp_path: Path, memory: backends.Memory
) -> None:
    assert find() is None

    memory.set_password("loyalty-cli/my-card", "api_key", "from the keyring")
    found = find()
    assert found == Credential(
        "from the keyring", "keyring loyalty-cli/my-card api_key (backends Memory)", "keyring"
    )
    assert find(LOYALTY_CREDENTIALS_DIR=folder) == found

    path = folder / "my-card.api_key"
    path.write_text("from a file")
    assert find(LOYALTY_CREDENTIALS_DIR=folder) == Credential("from a file", f"file {path}", "file")
    assert find(CREDENTIALS_DIRECTORY=folder) == find(LOYALTY_CREDENTIALS_DIR=folder)
    own = tmp_path / "own"
    own.mkdir()
    assert find(CREDENTIALS_DIRECTORY=folder, LOYALTY_CREDENTIALS_DIR=own) == found

    everything = {"LOYALTY_CREDENTIALS_DIR": folder, VARIABLE: "from the environment"}
    assert find(**everything) == Credential(
        "from the environment", f"environment {VARIABLE}", "environment"
    )


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"two words = one", "two words = one"),
        ("schlüssel".encode(), "schlüssel"),
    ],
)
def test_one_line_end_is_dropped_from_a_credential_file(
    find: Find, folder: Path, content: bytes, secret: str
) -> None:
    (folder / "my-card.api_key").write_bytes(content)

    found = find(LOYALTY_CREDENTIALS_DIR=folder)

    assert found
    assert found.secret == secret


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "is empty"),
        (f"{SECRET}\n{SECRET}", "has a line break in it"),
        (f"{SECRET}\r", "has a line break in it"),
        (f"{SECRET}\0", "cannot be printed"),
        (f"\ufeff{SECRET}", "cannot be printed"),
        (f"{SECRET}\udcff", "cannot be printed"),
        (f"{SECRET}€", "not Latin-1"),
        (f" {SECRET}", "begins or ends with a space"),
        (f"{SECRET} ", "begins or ends with a space"),
    ],
)
def test_a_credential_that_cannot_be_sent_is_an_error_from_every_source(
    broken: Callable[..., str], memory: backends.Memory, secret: str, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        check_secret(secret)

    assert re.fullmatch(f"{VARIABLE} in the environment .*{said}.*", broken(**{VARIABLE: secret}))
    memory.set_password("loyalty-cli/my-card", "api_key", secret)
    assert re.fullmatch(f"the keyring entry loyalty-cli/my-card api_key .*{said}.*", broken())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n", "is empty"),
        (b"hunter2\n\n", "has a line break in it"),
        (b"hunter2\r\n\r\n", "has a line break in it"),
        (b"hunter2\n\r", "has a line break in it"),
        (b"hunter2\xff", "cannot be read: it is not UTF-8 text"),
        (b"x" * 100_000, "cannot be read: it is larger than 64 KiB"),
        (Path.mkdir, "cannot be read: it is a folder"),
        (lambda path: path.symlink_to("nowhere"), "is a broken link"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_credential_file_that_cannot_be_sent_is_an_error(
    broken: Callable[..., str], folder: Path, content: bytes | Callable[[Path], None], said: str
) -> None:
    path = folder / "my-card.api_key"
    path.write_bytes(content) if isinstance(content, bytes) else content(path)

    message = broken(LOYALTY_CREDENTIALS_DIR=folder)

    assert message.startswith(f"the credential file {path} ")
    assert said in message


@pytest.mark.parametrize("variable", ["LOYALTY_CREDENTIALS_DIR", "CREDENTIALS_DIRECTORY"])
def test_a_credential_folder_that_is_no_folder_is_an_error(
    broken: Callable[..., str], tmp_path: Path, variable: str
) -> None:
    missing, file = tmp_path / "missing", tmp_path / "file"
    file.touch()

    assert broken(**{variable: missing}) == (
        f"there is no folder {missing}, which {variable} names."
    )
    assert "Not a directory" in broken(**{variable: file})
    assert broken(**{variable: ""}) == f"{variable} in the environment is empty."


def test_a_keyring_that_fails_is_an_error_that_names_other_sources(
    find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends.use(monkeypatch, backends.Raising(OSError("the door\nis stuck")))

    with pytest.raises(LoyaltyError) as caught:
        find()

    assert caught.value.code is ErrorCode.CREDENTIAL_UNREADABLE
    assert caught.value.message == (
        "api_key of the profile 'my-card': the keyring (backends Raising) failed:"
        " OSError: the door is stuck (entry loyalty-cli/my-card api_key)."
    )
    assert VARIABLE in str(caught.value.hint)


def test_a_keyring_that_does_not_encrypt_is_warned_of_once(
    warnings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = backends.use(monkeypatch, backends.PlaintextMemory())
    gameball = providers.load("gameball")
    points = Profile("points", gameball, gameball.auths[0], "https://api.example")
    for field in points.auth.fields:
        memory.set_password("loyalty-cli/points", field, SECRET)

    Credentials({}, KeyringStore(), warnings.append).require(points)

    assert warnings == [
        "the keyring (backends PlaintextMemory) keeps secrets unencrypted in a file."
    ]


def test_a_missing_credential_is_an_error_that_names_every_source(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    profile_file("profiles: {my-card: {provider: imprint}}\n")

    done = loyalty("balance", "C-1", "-p", "my-card")
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        f"Error: no api_key for the profile 'my-card': {VARIABLE} is not set,"
        " and there is no keyring on this system.\n"
        f"Hint: Set {VARIABLE}, or write it into my-card.api_key in the folder that"
        " LOYALTY_CREDENTIALS_DIR names.\n"
    )

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    backends.use(monkeypatch, backends.Memory())
    said = loyalty("balance", "C-1", "-p", "my-card").err
    assert f"{folder} has no file my-card.api_key, and the keyring (backends Memory) has" in said


def test_all_credentials_that_are_missing_are_named_at_once(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> None:
    profile_file(
        "profiles:\n"
        "  points: {provider: gameball}\n"
        "  club: {provider: capillary, base_url: 'https://h.example', auth: oauth}\n"
    )
    done = loyalty("balance", "C-1", "-p", "points")
    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "Error: no api_key and no secret_key for the profile 'points': LOYALTY_POINTS_API_KEY and"
        " LOYALTY_POINTS_SECRET_KEY are not set, and there is no keyring on this system.\n"
        "Hint: Set LOYALTY_POINTS_API_KEY and LOYALTY_POINTS_SECRET_KEY, or write them into"
        " points.api_key and points.secret_key in the folder that LOYALTY_CREDENTIALS_DIR names.\n"
    )

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("LOYALTY_CLUB_CLIENT_KEY", SECRET)
    backends.use(monkeypatch, backends.Memory())
    done = loyalty("balance", "C-1", "--all-profiles", "-o", "json")
    points, club = (record["error"] for record in done.records)
    assert done.code == 4
    assert "no file points.api_key or points.secret_key, and the keyring" in points["message"]
    assert points["message"].endswith("(backends Memory) has none of them.")
    assert "`loyalty login points`, or set LOYALTY_POINTS_API_KEY and" in points["hint"]
    assert club["message"].startswith("no client_secret for the profile 'club': LOYALTY_CLUB_CLI")


@pytest.mark.parametrize(
    ("mode", "folder_mode", "said"),
    [
        (0o600, 0o755, []),
        (0o440, 0o750, []),
        (0o644, 0o700, ["{path} can be read by other users; run chmod 600 on it."]),
        (0o666, 0o700, ["{path} can be read by other users; run chmod 600 on it."]),
        (0o620, 0o700, ["{path} can be written by other users; run chmod 600 on it."]),
        (0o600, 0o777, ["{folder} can be written by other users; run chmod 700 on it."]),
        (0o600, 0o1777, []),
    ],
    ids=lambda value: oct(value) if isinstance(value, int) else None,
)
def test_a_credential_file_that_others_can_read_and_its_folder_are_warned_of_once(
    folder: Path, warnings: list[str], mode: int, folder_mode: int, said: list[str]
) -> None:
    path = folder / "my-card.api_key"
    path.write_text(SECRET)
    path.chmod(mode)
    folder.chmod(folder_mode)
    credentials = Credentials(
        {"LOYALTY_CREDENTIALS_DIR": str(folder)}, KeyringStore(), warnings.append
    )

    for _ in range(2):
        credentials.require(CARD)

    assert warnings == [text.format(path=path, folder=folder) for text in said]


@pytest.mark.parametrize("source", ["environment", "folder", "keyring"])
def test_a_refused_key_is_told_with_the_source_that_it_came_from(
    answer: Callable[..., str],
    card: Callable[..., Path],
    folder: Path,
    *,
    loyalty: Run,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    card(answer(Reply(401, {"type": "X", "message": f"Not {SECRET}."})))
    monkeypatch.delenv("LOYALTY_CARD_API_KEY")
    memory = backends.use(monkeypatch, backends.Memory())
    match source:
        case "environment":
            monkeypatch.setenv("LOYALTY_CARD_API_KEY", SECRET)
            where = "environment LOYALTY_CARD_API_KEY"
        case "folder":
            monkeypatch.setenv("LOYALTY_CREDENTIALS_DIR", str(folder))
            (folder / "card.api_key").write_text(SECRET)
            where = f"file {folder}/card.api_key"
        case _:
            memory.set_password("loyalty-cli/card", "api_key", SECRET)
            where = "keyring loyalty-cli/card api_key (backends Memory)"

    error = loyalty("balance", "C-1", "-o", "json").record["error"]

    assert error["code"] == "credential_refused"
    assert error["message"].endswith(f"(HTTP 401, X: Not ***). They came from {where}.")
    how = (
        " with `loyalty login card`" if source == "keyring" else ""
    )  # else there may be no keyring
    assert error["hint"] == f"Put the right ones there{how}."


@pytest.mark.parametrize("source", ["environment", "folder", "keyring"])
def test_keyring_is_imported_only_if_no_other_source_has_the_credential(
    answer: Callable[..., str],
    card: Callable[..., Path],
    environment: dict[str, str],
    folder: Path,
    source: str,
) -> None:
    path = card(answer({"customer_id": "C-1", "reward_balance": 1, "reward_symbol": "points"}))
    (folder / "card.api_key").write_text(SECRET)
    given = {
        "environment": {"LOYALTY_CARD_API_KEY": SECRET},
        "folder": {"LOYALTY_CREDENTIALS_DIR": str(folder)},
        "keyring": {},
    }[source]

    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "loyalty_cli", "balance", "C-1"],
        env={**environment, **given, "LOYALTY_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    imported = set(re.findall(r"^import time:.*\| +(\S+)$", done.stderr, flags=re.MULTILINE))
    assert "loyalty_cli.credentials.sources" in imported
    assert ("keyring" in imported) == (source == "keyring")
    assert done.returncode == (4 if source == "keyring" else 0)


def test_a_printed_record_shows_no_secret() -> None:
    records = [
        Credential(SECRET, "file x", "file"),
        Token(SECRET, 60),
        Request(("v1",), headers={"Authorization": SECRET}, json={"key": SECRET}),
        StoredToken(SECRET, 1.0, "owner"),
        Holder(CARD, {"api_key": SECRET}, lambda: Token(SECRET, 60), keep=False),
    ]

    for record in records:
        shown = f"{record!r} {record} {[record]} { ({'a': record}) }"
        assert type(record).__name__ in shown
        assert SECRET not in shown
