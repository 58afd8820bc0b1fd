"""`loyalty sandbox`: platforms on loopback, for a second program to use."""

import json
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from loyalty_cli import providers
from tests.conftest import PROGRAM, Run

WAYS = [(name, auth.name) for name in providers.BUILT_IN for auth in providers.load(name).auths]
REDEEM = "/gameball/api/v4.0/integrations/transactions/redeem"


class Serving(NamedTuple):
    """A sandbox that another process serves, and the profile file that it printed."""

    process: subprocess.Popen[str]
    file: str
    url: str

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, str]:
        with closing(HTTPConnection(str(urlsplit(self.url).netloc), timeout=20)) as connection:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()


@pytest.fixture
def start() -> Iterator[Callable[..., Serving]]:
    """Start `loyalty sandbox`, and wait until it serves."""
    started: list[subprocess.Popen[str]] = []

    def starting(*arguments: str) -> Serving:
        process = subprocess.Popen(
            [PROGRAM, "sandbox", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stderr is not None
        assert process.stdout is not None
        found = re.fullmatch(r"serving on (\S+); Ctrl-C to stop\.\n", process.stderr.readline())
        assert found
        file = os.read(process.stdout.fileno(), 65536).decode()
        return Serving(process, file, found[1])

    yield starting
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def serving(start: Callable[..., Serving]) -> Serving:
    return start()


@pytest.fixture
def use(
    serving: Serving, profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Take the credentials from the comments, and write the file with another sign-in in it."""
    for name, value in re.findall(r"^#   export (\w+)=(\S+)$", serving.file, re.MULTILINE):
        monkeypatch.setenv(name, value)
    return profile_file


@pytest.mark.parametrize(("provider", "auth"), WAYS)
def test_the_profile_file_of_the_sandbox_works_with_its_credentials(
    loyalty: Run, serving: Serving, use: Callable[[str], Path], provider: str, auth: str
) -> None:
    first = providers.load(provider).auths[0].name
    head, entry, rest = serving.file.partition(f"  {provider}:\n")
    use(head + entry + rest.replace(f"auth: {first}", f"auth: {auth}", 1))

    done = loyalty("balance", "C-1001", "-p", provider, "-o", "json")

    assert (done.code, done.record["error"]) == (0, None)
    assert done.record["balances"]
    assert done.record["sandbox"] is False


def test_the_sandbox_answers_anything_that_speaks_http(serving: Serving) -> None:
    path = "/imprint/v2/customers/C-1001/rewards_balance"

    signed = serving.ask("GET", path, {"Authorization": "Bearer sandbox-imprint-key"})
    unsigned = serving.ask("GET", path, {})

    assert (signed[0], json.loads(signed[1])["reward_balance"]) == (200, 120000)
    assert unsigned[0] == 401


def test_the_sandbox_prints_its_profile_file_alone_and_ctrl_c_frees_the_port(
    serving: Serving, start: Callable[..., Serving]
) -> None:
    serving.process.send_signal(signal.SIGINT)
    out, err = serving.process.communicate(timeout=10)
    again = start("--port", str(urlsplit(serving.url).port))

    assert (serving.process.returncode, out, err) == (130, "", "Interrupted.\n")
    assert serving.file.startswith(f"# The sandbox at {serving.url}.")
    assert serving.file.count("\n  ") >= len(providers.BUILT_IN)
    assert again.url == serving.url


def test_a_port_in_use_is_a_clear_error_of_the_sandbox(program: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = program("sandbox", "--port", str(port))

    assert (done.code, done.out) == (3, "")
    error, hint = done.err.splitlines()
    assert error == f"Error: port {port} of 127.0.0.1 cannot be served: Address already in use."
    assert hint.startswith("Hint: Choose another port")


def test_a_redemption_shows_in_the_embedded_sandbox_until_it_is_reset(
    loyalty: Run, serving: Serving
) -> None:
    def available() -> int:
        done = loyalty("--sandbox", "balance", "C-1001", "-p", "gameball", "-o", "json")
        return int(done.record["balances"][0]["available"])

    before = available()
    order = {"customerId": "C-1001", "transactionId": "T-1", "points": 100}
    order["transactionTime"] = "2026-11-20T05:00:00Z"
    keys = {"apikey": "sandbox-gameball-key", "secretkey": "sandbox-gameball-secret"}

    status, _ = serving.ask("POST", REDEEM, keys, json.dumps(order))

    assert status == 200
    assert available() == before - 100
    said = "the sandbox is reset: all its debits, people and history are gone.\n"
    assert loyalty("sandbox", "reset") == (0, "", said)
    assert available() == before


def test_a_ledger_that_cannot_be_used_is_a_clear_error_until_it_is_reset(
    loyalty: Run, environment: dict[str, str]
) -> None:
    folder = Path(environment["HOME"], ".local", "state", "loyalty")
    folder.mkdir(parents=True)
    (folder / "sandbox.db").write_text("this is no database, " * 100)

    for command in (["sandbox"], ["--sandbox", "balance", "C-1001"]):
        done = loyalty(*command)
        assert (done.code, done.out) == (3, "")
        assert done.err.startswith("Error: ")
        assert len(done.err.splitlines()) <= 2

    assert loyalty("sandbox", "reset").code == 0
    assert loyalty("--sandbox", "balance", "C-1001").code == 0


@pytest.mark.parametrize("command", ["login", "logout"])
def test_the_sandbox_needs_no_credentials_of_anybody(loyalty: Run, command: str) -> None:
    done = loyalty("--sandbox", command, "gameball")

    assert (done.code, done.out) == (2, "")
    assert f"`{command}` has no meaning in the sandbox" in done.err
    assert done.err.endswith("Hint: Leave --sandbox out, or unset LOYALTY_SANDBOX.\n")


def test_the_sandbox_uses_the_state_folder_of_the_environment(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))

    assert loyalty("--sandbox", "balance", "C-1001").code == 0
    assert (tmp_path / "elsewhere" / "loyalty" / "sandbox.db").exists()


def test_sandbox_reset_forgets_the_debits_and_their_journal(loyalty: Run) -> None:
    debit = ("--sandbox", "debit", "C-1001", "5", "--reference", "a", "-y", "-o", "json")
    before = loyalty(*debit).record

    loyalty("sandbox", "reset")

    after = loyalty(*debit).record
    assert (after["replayed"], after["balance_after"]) == (False, before["balance_after"])


def test_sandbox_reset_forgets_people_and_history_of_the_sandbox_alone(
    loyalty: Run, tmp_path: Path, profile_file: Callable[[str], Path]
) -> None:
    profile_file("default_profile: a\nprofiles:\n  a: {provider: gameball}\n")
    path = tmp_path / "people.csv"
    path.write_text("person\nada\n")
    for sandbox in (["--sandbox"], []):
        assert loyalty(*sandbox, "people", "import", str(path)).code == 0
    loyalty("--sandbox", "balance", "C-1001")
    assert loyalty("--sandbox", "history", "C-1001").out

    assert loyalty("sandbox", "reset").code == 0

    assert loyalty("--sandbox", "people", "show", "ada").code == 5
    assert loyalty("--sandbox", "history", "C-1001").out == ""
    assert loyalty("people", "show", "ada").code == 0


def test_hints_in_the_sandbox_name_commands_that_act_in_the_sandbox(loyalty: Run) -> None:
    debit = ("debit", "E-lost-reply", "5", "--reference", "a", "-y", "-o", "json")
    typed = loyalty("--sandbox", *debit)
    assert "`loyalty --sandbox journal reconcile`" in typed.err
    assert "`loyalty --sandbox journal reconcile`" in typed.record["error"]["hint"]


def test_refused_credentials_in_the_sandbox_need_no_login(loyalty: Run) -> None:
    done = loyalty("--sandbox", "balance", "E-401", "-o", "json")

    assert done.code == 4
    assert "login" not in done.err
    assert done.record["error"]["hint"] == (
        "The sandbox does that for this customer alone: try another one."
    )


def test_a_served_sandbox_has_a_journal_of_its_own_until_it_is_reset(
    loyalty: Run, serving: Serving, use: Callable[[str], Path], environment: dict[str, str]
) -> None:
    use(serving.file)
    debit = ("debit", "C-1001", "5", "--reference", "a", "-y", "-o", "json")
    loyalty("--sandbox", *debit)

    assert loyalty(*debit).code == 3  # there is no journal yet
    loyalty("journal", "init")
    made = loyalty(*debit).record

    assert (made["state"], made["replayed"], made["sandbox"]) == ("confirmed", False, False)
    state = Path(environment["HOME"], ".local", "state", "loyalty")
    journals = {"sandbox-journal.db", "served-sandbox-journal.db"}
    assert {each.name for each in state.glob("*journal.db")} == journals
    loyalty("sandbox", "reset")
    assert not [*state.glob("*journal*")]


def test_a_served_sandbox_has_people_of_its_own_until_it_is_reset(
    loyalty: Run, serving: Serving, use: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("person,gameball\nada,C-1001\n")
    use(serving.file)

    assert "served-sandbox-people.db" in loyalty("people", "import", str(path)).err
    assert loyalty("people", "show", "ada").code == 0
    loyalty("sandbox", "reset")
    assert loyalty("people", "show", "ada").code == 5


def test_the_sandbox_of_the_environment_never_takes_the_place_of_a_typed_profile_file(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_SANDBOX", "1")

    done = loyalty("--config", "real.yaml", "balance", "C-1001")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "Error: LOYALTY_SANDBOX is set, so the file that --config names would not be read.\n"
        "Hint: Unset it, or leave --config out.\n"
    )


def test_markdown_of_the_sandbox_says_so(loyalty: Run) -> None:
    said = "\n\nSandbox: these customers are made up.\n"

    look_up = loyalty("--sandbox", "balance", "C-1001", "-o", "markdown").out
    assert look_up.endswith(said)
    assert loyalty("--sandbox", "history", "nobody", "-o", "markdown").out == ""

    loyalty("--sandbox", "debit", "C-1001", "1", "--reference", "a", "-y")
    shown = loyalty("--sandbox", "journal", "show", "a", "-o", "markdown").out
    assert (shown.count(said), shown.count("\n\n| ")) == (1, 1)
