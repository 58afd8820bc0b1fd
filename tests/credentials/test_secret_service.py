"""The program with a real Secret Service: GNOME's keyring on a D-Bus session of its own."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loyalty_cli.credentials.keyring_store import TIMEOUT_SECONDS
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve
from tests.fakes.secret_service import SecretService, running_secret_service

Write = Callable[[str], Path]


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


def test_every_command_works_with_credentials_and_token_in_a_secret_service(
    secret_service: SecretService,
    serve: Serve,
    received: list[Received],
    profile_file: Write,
    program: Run,
) -> None:
    secrets = {"client_key": "k", "client_secret": "s3cret of club="}

    def capillary(request: Received) -> Reply:
        received.append(request)
        if request.method == "POST":
            known = json.loads(request.body) == {"key": "k", "secret": secrets["client_secret"]}
            data = {"accessToken": "t0ken", "ttlSeconds": 3600}
            return Reply(body={"data": data}) if known else Reply(401, {})
        signed = request.headers.get("x-cap-api-oauth-token") == "t0ken"
        return Reply(body={"mainPoints": 7}) if signed else Reply(401, {})

    url = serve(capillary)
    profile_file(f"profiles: {{club: {{provider: capillary, auth: oauth, base_url: '{url}'}}}}\n")
    env = secret_service.environment
    unnamed = {key: value for key, value in env.items() if key != "PYTHON_KEYRING_BACKEND"}
    lines = "".join(f"{name}={value}\n" for name, value in secrets.items())

    for _ in range(2):  # the second takes the token out that the first got
        login = program("login", "club", "--stdin", input=lines, env=env)
        assert (login.code, login.out) == (0, "")
        assert "client_secret of club stored in the keyring (SecretService Keyring)" in login.err
        assert secret_service.entries() == {
            ("loyalty-cli/club", name): value for name, value in secrets.items()
        }
        for _ in range(2):
            asked = program("balance", "C-1", "-p", "club", "-o", "json", env=unnamed)
            assert (asked.code, asked.err) == (0, "")
            assert asked.record["balances"][0]["available"] == 7
        assert "t0ken" in secret_service.entries()["loyalty-cli/club", "token"]
    assert [request.method for request in received] == ["POST", "GET", "POST", "GET", "GET"] * 2

    shown = program("profiles", "-o", "json", env=env)
    sources = {each["source"] for each in shown.record["credentials"]}
    assert "keyring loyalty-cli/club client_secret (SecretService Keyring)" in sources
    assert "s3cret" not in shown.out + shown.err

    logout = program("logout", "club", env=env)
    assert logout.code == 0
    assert logout.err == "client_key, client_secret, token of club removed from the keyring.\n"
    assert secret_service.entries() == {}
    assert program("balance", "C-1", "-p", "club", env=env).code == 4


def test_a_profile_made_by_init_works_with_a_secret_service(
    secret_service: SecretService, serve: Serve, program: Run, tmp_path: Path
) -> None:
    def imprint(request: Received) -> Reply:
        if request.headers["authorization"] != "Bearer s3cret":
            return Reply(401, {"type": "X", "message": "No."})
        customer = request.path[2]
        body = {"customer_id": customer, "reward_balance": 7, "reward_symbol": "points"}
        return Reply(body=body)

    file = tmp_path / "new" / "config.yaml"
    env = {**secret_service.environment, "LOYALTY_CONFIG": str(file)}
    options = ("--provider", "imprint", "--name", "own", "--set", f"base_url={serve(imprint)}")

    refused = program("init", *options, "--stdin", input="api_key=wr0ng\n", env=env)
    assert (refused.code, file.exists(), secret_service.entries()) == (4, False, {})

    made = program("init", *options, "--stdin", input="api_key=s3cret\n", env=env)
    assert (made.code, made.out) == (0, "")
    assert made.err.splitlines()[-1] == "Try it: loyalty balance CUSTOMER"
    asked = program("balance", "C-1", "-o", "json", env=env)
    assert (asked.code, asked.record["profile"]) == (0, "own")


def test_a_locked_secret_service_is_an_error_that_profiles_shows(
    secret_service: SecretService, program: Run
) -> None:
    env = secret_service.environment
    secret_service.lock()

    for command in ("balance C-1 -p card", "login card --stdin --no-check", "logout card"):
        done = program(*command.split(), input="api_key=x", env=env)
        assert (done.code, done.out) == (4, "")
        assert_it_names(done.err, "SecretService Keyring", "was not unlocked")
        assert len(done.err.splitlines()) == 2

    shown = program("profiles", "-o", "json", env=env)
    assert (shown.code, shown.err) == (0, "")
    (credential,) = shown.record["credentials"]
    assert credential["error"]["code"] == "credential_unreadable"


@pytest.mark.parametrize(
    "address", [None, "unix:path=/nonexistent/bus", "nonsense", "unix:path={silent}"]
)
def test_a_d_bus_that_is_missing_or_never_answers_is_an_error(
    environment: dict[str, str],
    profile_file: Write,
    program: Run,
    tmp_path_factory: pytest.TempPathFactory,
    address: str | None,
) -> None:
    env = {
        **environment,
        "LOYALTY_CONFIG": str(profile_file("profiles: {card: {provider: imprint}}\n")),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring",
    }
    silent = str(tmp_path_factory.mktemp("bus") / "bus")
    if address:
        env["DBUS_SESSION_BUS_ADDRESS"] = address.format(silent=silent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(silent)
        listener.listen()
        began = time.monotonic()
        done = program("balance", "C-1", "-p", "card", env=env)
        took = time.monotonic() - began

    assert (done.code, done.out) == (4, "")
    assert_it_names(done.err, "keyring.backends.SecretService.Keyring")
    assert len(done.err.splitlines()) == 2
    assert took < 2 * TIMEOUT_SECONDS


def test_a_keyring_prompt_that_nobody_sees_is_waited_for_once_and_briefly(
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


def assert_it_names(message: str, *parts: str) -> None:
    for part in (*parts, "loyalty-cli/card", "LOYALTY_CARD_API_KEY"):
        assert part in message
