"""A profile's entries in the keyring: all of them or, with a word about which, some."""

from collections.abc import Callable

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail

from loyalty_cli import providers
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.login import (
    check_credentials,
    put,
    require_backend,
    shadowed,
    take_out,
)
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.fakes import backends

GAMEBALL = providers.load("gameball")
CAPILLARY = providers.load("capillary")
POINTS = Profile("points", GAMEBALL, GAMEBALL.auths[0], "https://api.example")
CLUB = Profile("club", CAPILLARY, CAPILLARY.auths[1], "https://api.example")

BOTH = {"api_key": "hunter2", "secret_key": "hunter3"}


def test_the_credentials_of_a_sign_in_are_taken_as_they_are() -> None:
    assert check_credentials(POINTS, BOTH) == BOTH


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"api_key": "hunter2"}, "secret_key is missing"),
        ({}, "api_key is missing"),
        ({**BOTH, "api_kye": "hunter2"}, "a name on stdin is not a credential of points"),
        ({**BOTH, "secret_key": ""}, "secret_key is empty"),
        ({**BOTH, "secret_key": "hunter2\n"}, "secret_key has a line break in it"),
        ({**BOTH, "secret_key": "hunter2€"}, "secret_key has a character in it"),
        ({**BOTH, "secret_key": " hunter2"}, "secret_key begins or ends with a space"),
    ],
    ids=ascii,
)
def test_wrong_credentials_for_login_are_a_usage_error_without_the_value(
    given: dict[str, str], said: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_credentials(POINTS, given)

    assert caught.value.code is ErrorCode.USAGE
    assert said in caught.value.message
    assert "nothing was stored" in caught.value.message
    assert "hunter" not in f"{caught.value.message} {caught.value.hint}"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is said, message and hint, where a keyring cannot do something."""

    def failing(backend: KeyringBackend, action: Callable[[KeyringStore], object]) -> str:
        backends.use(monkeypatch, backend)
        with pytest.raises(LoyaltyError) as caught:
            action(KeyringStore())
        assert caught.value.code is ErrorCode.CREDENTIAL_UNREADABLE
        assert "hunter" not in f"{caught.value.message} {caught.value.hint}"
        return f"{caught.value.message} {caught.value.hint}"

    return failing


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        (backends.Failing(at="secret_key"), "Failing) failed: OSError: the disk is full{} api_key"),
        (backends.Failing(at="api_key"), "Failing) failed: OSError: the disk is full{} Nothing"),
        (backends.Talkative(), "ValueError: loyalty-cli/points api_key … is too long{} Nothing"),
    ],
    ids=["in the middle", "at first", "talkative"],
)
def test_a_failed_login_names_the_credentials_stored_before(
    said: Callable[..., str], backend: KeyringBackend, message: str
) -> None:
    assert said(backend, lambda keyring: put(keyring, POINTS, BOTH)).endswith(
        f"{message.format(' (entries loyalty-cli/points).')} was stored. Unlock or repair the"
        " keyring and run it again, or set LOYALTY_POINTS_API_KEY, LOYALTY_POINTS_SECRET_KEY."
    )


def test_a_failed_logout_names_the_credentials_removed_before(said: Callable[..., str]) -> None:
    backend = backends.Failing(at="secret_key")
    backend.entries = {("loyalty-cli/points", name): "x" for name in BOTH}

    message = said(backend, lambda keyring: take_out(keyring, POINTS))

    assert "(entries loyalty-cli/points). api_key was removed." in message
    assert backend.entries == {("loyalty-cli/points", "secret_key"): "x"}


def test_logout_removes_the_credentials_of_every_sign_in_and_the_token(
    memory: backends.Memory,
) -> None:
    names = ["username", "password", "client_key", "client_secret", "token"]
    memory.entries = {("loyalty-cli/club", name): "x" for name in names}
    memory.entries["loyalty-cli/other", "token"] = "y"

    assert take_out(KeyringStore(), CLUB) == names
    assert memory.entries == {("loyalty-cli/other", "token"): "y"}
    assert take_out(KeyringStore(), CLUB) == []


def test_login_replaces_the_credentials_and_removes_their_token(
    memory: backends.Memory,
) -> None:
    memory.entries = {("loyalty-cli/club", name): "old" for name in ("client_key", "token")}

    put(KeyringStore(), CLUB, {"client_key": "k", "client_secret": "s"})

    assert memory.entries == {
        ("loyalty-cli/club", "client_key"): "k",
        ("loyalty-cli/club", "client_secret"): "s",
    }


def test_login_needs_a_keyring_that_encrypts_unless_plaintext_is_allowed(
    said: Callable[..., str],
) -> None:
    def ask(keyring: KeyringStore, *, allowed: bool = False) -> str:
        return require_backend(keyring, POINTS, allow_plaintext=allowed)

    none = said(fail.Keyring(), ask)  # type: ignore[no-untyped-call] # keyring's
    assert none == (
        "there is no keyring on this system; nothing was stored. Set LOYALTY_POINTS_API_KEY and"
        " LOYALTY_POINTS_SECRET_KEY, or write them into points.api_key and points.secret_key in the"
        " folder that LOYALTY_CREDENTIALS_DIR names."
    )
    plaintext = said(backends.PlaintextMemory(), ask)
    assert "keeps secrets unencrypted in a file; nothing was stored" in plaintext
    assert "--allow-plaintext" in plaintext
    assert ask(KeyringStore(), allowed=True) == "backends PlaintextMemory"


def test_environment_variables_that_win_over_the_keyring_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert shadowed(POINTS) == []
    monkeypatch.setenv("LOYALTY_POINTS_SECRET_KEY", "")
    assert shadowed(POINTS) == ["LOYALTY_POINTS_SECRET_KEY"]
