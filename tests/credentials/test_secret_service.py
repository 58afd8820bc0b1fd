"""The program with a real Secret Service: GNOME's keyring on a D-Bus session of its own."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from loyalty_cli.credentials.keyring_store import TIMEOUT_SECONDS
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve
from tests.fakes.secret_service import SecretService, running_secret_service

Write = Callable[[str], Path]
BALANCE = {"reward_balance": 7, "reward_symbol": "points"}


@pytest.fixture
def secret_service(
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
    profile_file: Write,
) -> Iterator[SecretService]:
    config = {"LOYALTY_CONFIG": str(profile_file("profiles: {card: {provider: imprint}}\n"))}
    folder = tmp_path_factory.mktemp("bus")
    with running_secret_service(folder, environment | config) as service:
        yield service


def test_login_profiles_balance_and_logout_work_with_it(
    secret_service: SecretService, serve: Serve, profile_file: Write, program: Run
) -> None:
    def imprint(request: Received) -> Reply:
        known = request.headers.get("authorization") == "Bearer s3cret of card="
        return Reply(body=BALANCE) if known else Reply(401, {"type": "AUTH", "message": "no"})

    profile_file(f"profiles: {{card: {{provider: imprint, base_url: '{serve(imprint)}'}}}}\n")
    env = secret_service.environment

    login = program("login", "card", "--stdin", input="api_key=s3cret of card=\n", env=env)
    assert (login.code, login.out) == (0, "")
    assert "api_key of card stored in the keyring (SecretService Keyring)" in login.err
    assert secret_service.entries() == {("loyalty-cli/card", "api_key"): "s3cret of card="}

    shown = program("profiles", "-o", "json", env=env)
    (credential,) = shown.record["credentials"]
    assert credential["source"] == "keyring loyalty-cli/card api_key (SecretService Keyring)"
    assert "s3cret" not in shown.out + shown.err

    unnamed = {key: value for key, value in env.items() if key != "PYTHON_KEYRING_BACKEND"}
    asked = program("balance", "C-1", "-p", "card", "-o", "json", env=unnamed)
    assert (asked.code, asked.err) == (0, "")
    assert asked.record["balances"][0]["available"] == 7

    logout = program("logout", "card", env=env)
    assert (logout.code, logout.err) == (0, "api_key of card removed from the keyring.\n")
    assert secret_service.entries() == {}
    assert program("balance", "C-1", "-p", "card", env=env).code == 4


def test_a_token_is_kept_in_it_from_one_run_to_the_next(
    secret_service: SecretService,
    serve: Serve,
    received: list[Received],
    profile_file: Write,
    program: Run,
) -> None:
    def capillary(request: Received) -> Reply:
        received.append(request)
        if request.method == "POST":
            return Reply(body={"data": {"accessToken": "t0ken", "ttlSeconds": 3600}})
        signed = request.headers.get("x-cap-api-oauth-token") == "t0ken"
        return Reply(body={"mainPoints": 5}) if signed else Reply(401, {})

    url = serve(capillary)
    profile_file(f"profiles: {{club: {{provider: capillary, auth: oauth, base_url: '{url}'}}}}\n")
    env = secret_service.environment
    secrets = "client_key=k\nclient_secret=s\n"
    assert program("login", "club", "--stdin", input=secrets, env=env).code == 0

    for _ in range(2):
        assert program("balance", "C-1", "-p", "club", env=env).code == 0

    assert [request.method for request in received] == ["POST", "GET", "GET"]
    assert "t0ken" in secret_service.entries()["loyalty-cli/club", "token"]

    assert program("login", "club", "--stdin", input=secrets, env=env).code == 0
    assert ("loyalty-cli/club", "token") not in secret_service.entries()

    assert program("balance", "C-1", "-p", "club", env=env).code == 0
    gone = program("logout", "club", env=env)
    assert gone.err == "client_key, client_secret, token of club removed from the keyring.\n"


def test_a_locked_one_is_an_error_and_profiles_shows_it(
    secret_service: SecretService, program: Run
) -> None:
    env = secret_service.environment
    secret_service.lock()

    for command in ("balance C-1 -p card", "login card --stdin", "logout card"):
        done = program(*command.split(), input="api_key=x", env=env)
        assert (done.code, done.out) == (4, "")
        assert_it_names(done.err, "SecretService Keyring", "KeyringLocked")
        assert len(done.err.splitlines()) == 2

    shown = program("profiles", "-o", "json", env=env)
    assert (shown.code, shown.err) == (0, "")
    (credential,) = shown.record["credentials"]
    assert credential["error"]["code"] == "credential_unreadable"


@pytest.mark.parametrize("address", [None, "unix:path=/nonexistent/bus", "nonsense"])
def test_no_bus_is_an_error(
    environment: dict[str, str], profile_file: Write, program: Run, address: str | None
) -> None:
    path = profile_file("profiles: {card: {provider: imprint}}\n")
    env = dead(environment, path, address)

    done = program("balance", "C-1", "-p", "card", env=env)

    assert (done.code, done.out) == (4, "")
    assert_it_names(done.err, "keyring.backends.SecretService.Keyring")
    assert len(done.err.splitlines()) == 2


def test_a_bus_that_never_answers_is_an_error(
    environment: dict[str, str],
    profile_file: Write,
    program: Run,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = profile_file("profiles: {card: {provider: imprint}}\n")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path_factory.mktemp("bus") / "bus"))
        silent.listen()
        env = dead(environment, path, f"unix:path={silent.getsockname()}")
        began = time.monotonic()
        done = program("balance", "C-1", "-p", "card", env=env)
        took = time.monotonic() - began

    assert (done.code, done.out) == (4, "")
    assert_it_names(done.err, "keyring.backends.SecretService.Keyring")
    assert took < 2 * TIMEOUT_SECONDS


def test_a_prompt_that_nobody_sees_is_waited_for_once_and_not_for_long(
    secret_service: SecretService, profile_file: Write, program: Run
) -> None:
    profile_file("profiles: {card: {provider: imprint}, points: {provider: gameball}}\n")
    secret_service.lock()

    with secret_service.prompter_that_nobody_sees():
        began = time.monotonic()
        done = program("balance", "C-1", "--all-profiles", env=secret_service.environment)
        took = time.monotonic() - began

    assert (done.code, done.out) == (4, "")
    assert_it_names(done.err, "SecretService Keyring", "did not answer within 5 s")
    assert "LOYALTY_POINTS_API_KEY" in done.err
    assert TIMEOUT_SECONDS <= took < 2 * TIMEOUT_SECONDS


def dead(environment: Mapping[str, str], config: Path, address: str | None) -> dict[str, str]:
    """An environment in which the Secret Service is asked for and cannot be there."""
    env = {
        **environment,
        "LOYALTY_CONFIG": str(config),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
    }
    return env if address is None else env | {"DBUS_SESSION_BUS_ADDRESS": address}


def assert_it_names(message: str, *parts: str) -> None:
    for part in (*parts, "loyalty-cli/card", "LOYALTY_CARD_API_KEY"):
        assert part in message
