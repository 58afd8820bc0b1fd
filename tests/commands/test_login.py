"""`loyalty login`: credentials into the keyring, and never anywhere else."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.commands.login import LONGEST_INPUT
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Run, Serve
from tests.fakes import backends

SECRET = "hunter2"

PROFILES = """
profiles:
  card: {provider: imprint}
  points: {provider: gameball}
  club: {provider: capillary, base_url: 'https://h.example', auth: oauth}
"""

Login = Callable[..., Outcome]


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, profile_file: Callable[[str], Path]) -> backends.Memory:
    """A keyring that works, and profiles to log in to."""
    profile_file(PROFILES)
    return backends.use(monkeypatch, backends.Memory())


@pytest.fixture
def login(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Run `login … --stdin` with something on stdin."""

    def run(profile: str, given: str | bytes, *options: str) -> Outcome:
        content = given if isinstance(given, bytes) else given.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return loyalty("login", profile, "--stdin", *options)

    return run


def test_each_line_of_stdin_is_a_field_and_its_value(memory: backends.Memory, login: Login) -> None:
    done = login("points", f"api_key={SECRET}\nsecret_key=two words = one==\n")

    assert (done.code, done.out) == (0, "")
    assert done.err == "api_key, secret_key of points stored in the keyring (backends Memory).\n"
    assert memory.entries == {
        ("loyalty-cli/points", "api_key"): SECRET,
        ("loyalty-cli/points", "secret_key"): "two words = one==",
    }


@pytest.mark.parametrize(
    "given",
    [
        "api_key=a\r\nsecret_key=b\r\n",
        "secret_key=b\napi_key=a",
        "\n\napi_key=a\n\nsecret_key=b\n  \n",
        "\ufeffapi_key=a\nsecret_key=b\n",
    ],
    ids=["windows", "other order, no last line end", "blank lines", "mark at the beginning"],
)
def test_lines_may_come_as_programs_write_them(
    memory: backends.Memory, login: Login, given: str
) -> None:
    assert login("points", given).code == 0
    assert sorted(memory.entries.values()) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "api_key is missing"),
        (f"api_key={SECRET}\n", "secret_key is missing"),
        (f"api_key={SECRET}\nsecret_key=\n", "secret_key is empty"),
        (f"api_key={SECRET}\nsecret_key={SECRET}\x07\n", "secret_key has a character in it"),
        (f"api_key={SECRET}\nsecret_key={SECRET}€\n", "secret_key has a character in it"),
        (f"api_key={SECRET}\n\nsecretkey={SECRET}\n", "Did you mean 'secret_key'?"),
        (
            f"api_key={SECRET}\nsecret_key={SECRET}\nuser={SECRET}\n",
            "is not a credential of points",
        ),
        (f"api_key={SECRET}\n\napi_key={SECRET}\n", "line 3 of stdin repeats a field"),
        (f"api_key={SECRET}\n\n{SECRET}\n", "line 3 of stdin is not field=value"),
        (f"{SECRET}==\n", "is not a credential of points"),
        (f"api_key: {SECRET}\n", "line 1 of stdin is not field=value"),
        (f"api_key={SECRET}\nsecret_key={SECRET}\n".encode("utf-16"), "not UTF-8 text"),
        (f"api_key={SECRET}\nsecret_key=\xe9".encode("latin-1"), "not UTF-8 text"),
        (f"api_key={SECRET}\nsecret_key={'x' * LONGEST_INPUT}", "too long for credentials"),
    ],
)
def test_nothing_is_stored_where_anything_is_wrong(
    memory: backends.Memory, login: Login, given: str | bytes, said: str
) -> None:
    done = login("points", given)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "nothing was stored" in done.err
    assert SECRET not in done.err
    assert len(done.err.splitlines()) <= 2
    assert memory.entries == {}


def test_a_closed_stdin_is_told(
    memory: backends.Memory, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    assert "stdin is closed" in loyalty("login", "card", "--stdin").err
    assert "no terminal to ask on" in loyalty("login", "card").err
    assert memory.entries == {}


def test_without_a_terminal_it_asks_nothing_and_says_what_to_do(
    memory: backends.Memory, program: Run
) -> None:
    done = program("login", "card")
    assert done.code == 4  # there is no keyring in that process

    env = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    done = program("login", "card", input=f"{SECRET}\n", env=env)
    assert (done.code, done.out) == (2, "")
    assert "there is no terminal to ask on" in done.err
    assert "--stdin" in done.err
    assert memory.entries == {}


def test_the_sandbox_needs_none(memory: backends.Memory, login: Login) -> None:
    done = login("imprint", f"api_key={SECRET}", "--sandbox")

    assert (done.code, memory.entries) == (2, {})
    assert "`loyalty login` has no meaning in the sandbox" in done.err


def test_a_profile_that_is_not_there_is_told_with_the_nearest(
    memory: backends.Memory, login: Login
) -> None:
    done = login("crad", f"api_key={SECRET}")

    assert (done.code, memory.entries) == (3, {})
    assert "Did you mean 'card'?" in done.err


def test_a_variable_that_goes_before_the_keyring_is_warned_of(
    memory: backends.Memory, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_CARD_API_KEY", "other")

    done = login("card", f"api_key={SECRET}")

    assert (done.code, list(memory.entries.values())) == (0, [SECRET])
    assert "Warning: LOYALTY_CARD_API_KEY is set, and is used instead of the keyring." in done.err


def test_logging_in_again_replaces_the_credentials_and_drops_the_token(
    memory: backends.Memory, login: Login
) -> None:
    memory.entries = {
        ("loyalty-cli/club", "client_key"): "old",
        ("loyalty-cli/club", "token"): "old",
    }

    assert login("club", "client_key=new\nclient_secret=new\n").code == 0

    assert memory.entries == {
        ("loyalty-cli/club", "client_key"): "new",
        ("loyalty-cli/club", "client_secret"): "new",
    }


def test_balance_signs_in_with_the_stored_credentials(
    memory: backends.Memory,
    login: Login,
    loyalty: Run,
    serve: Serve,
    profile_file: Callable[[str], Path],
) -> None:
    def handle(request: Received) -> Reply:
        good = request.headers.get("authorization") == f"Bearer {SECRET}"
        return Reply(200 if good else 401, {"reward_balance": 7, "reward_symbol": "points"})

    url = serve(handle)
    profile_file(f"profiles: {{card: {{provider: imprint, base_url: '{url}'}}}}\n")
    assert loyalty("balance", "C-1", "-p", "card").code == 4

    assert login("card", f"api_key={SECRET}").code == 0

    assert loyalty("balance", "C-1", "-p", "card").code == 0
    assert memory.entries


# Keyrings that cannot be used.


def test_without_a_keyring_it_names_the_variable_to_set(
    login: Login, profile_file: Callable[[str], Path]
) -> None:
    profile_file(PROFILES)

    done = login("points", f"api_key={SECRET}\nsecret_key={SECRET}")

    assert (done.code, done.out) == (4, "")
    assert "there is no keyring on this system (entries loyalty-cli/points)" in done.err
    assert "the environment instead: LOYALTY_POINTS_API_KEY, LOYALTY_POINTS_SECRET_KEY" in done.err


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (backends.Raising(OSError("stuck")), "(backends Raising) failed: OSError: stuck"),
        (backends.Talkative(), "(backends Talkative) failed: ValueError"),
        (backends.Failing(at="api_key"), "nothing was stored"),
    ],
    ids=["broken", "talkative", "full"],
)
def test_a_keyring_that_fails_is_told_without_the_secret(
    memory: backends.Memory,
    login: Login,
    monkeypatch: pytest.MonkeyPatch,
    backend: backends.Memory,
    said: str,
) -> None:
    backends.use(monkeypatch, backend)

    done = login("card", f"api_key={SECRET}")

    assert (done.code, done.out) == (4, "")
    assert said in done.err
    assert "loyalty-cli/card" in done.err
    assert "LOYALTY_CARD_API_KEY" in done.err
    assert SECRET not in done.err
    assert memory.entries == {}


def in_a_process(named: str, home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHON_KEYRING_BACKEND": named, "HOME": str(home)}


def test_a_keyring_that_keeps_nothing_is_found_out(
    program: Run, profile_file: Callable[[str], Path], tmp_path: Path
) -> None:
    profile_file(PROFILES)
    env = in_a_process("keyring.backends.null.Keyring", tmp_path)

    done = program("login", "card", "--stdin", input=f"api_key={SECRET}", env=env)

    assert (done.code, done.out) == (4, "")
    assert "the keyring (null Keyring) did not keep what was stored" in done.err


def test_a_keyring_that_does_not_encrypt_is_used_only_where_it_is_allowed(
    program: Run, card: Callable[..., Path], answer: Callable[..., str], tmp_path: Path
) -> None:
    card(answer({"reward_balance": 7, "reward_symbol": "points"}))
    env = in_a_process("keyrings.alt.file.PlaintextKeyring", tmp_path)
    del env["LOYALTY_CARD_API_KEY"]

    done = program("login", "card", "--stdin", input=f"api_key={SECRET}", env=env)
    assert (done.code, done.out) == (4, "")
    assert "(file PlaintextKeyring) keeps secrets unencrypted in a file; nothing was st" in done.err
    assert "--allow-plaintext" in done.err
    assert program("balance", "C-1", env=env).code == 4

    allowed = ("login", "card", "--stdin", "--allow-plaintext")
    assert program(*allowed, input=f"api_key={SECRET}", env=env).code == 0

    done = program("balance", "C-1", env=env)
    assert done.code == 0
    assert done.err.count("Warning: the keyring (file PlaintextKeyring) keeps secrets") == 1


# A person at a terminal.


@pytest.fixture
def terminal(
    profile_file: Callable[[str], Path], tmp_path: Path
) -> Callable[..., "pexpect.spawn[str]"]:
    """Start the program on a terminal of its own, with a keyring in a file."""
    profile_file(PROFILES)

    def start(*arguments: str) -> "pexpect.spawn[str]":
        return pexpect.spawn(
            str(PROGRAM),
            list(arguments),
            env=in_a_process("keyrings.alt.file.PlaintextKeyring", tmp_path),
            encoding="utf-8",
            timeout=30,
        )

    return start


# Python 3.12 warns of any fork in a process with threads; the child of this one only execs.
forks = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")


@forks
def test_a_person_is_asked_for_each_field_and_nothing_is_echoed(
    terminal: Callable[..., "pexpect.spawn[str]"], tmp_path: Path
) -> None:
    with terminal("login", "points", "--allow-plaintext") as screen:
        screen.expect_exact("api_key of points: ")
        screen.sendline(SECRET)
        between = screen.before
        screen.expect_exact("secret_key of points: ")
        between += screen.before
        screen.sendline(SECRET)
        screen.expect(pexpect.EOF)
        shown = between + screen.before

    assert screen.exitstatus == 0
    assert "api_key, secret_key of points stored in the keyring" in shown
    assert SECRET not in shown
    assert [*tmp_path.rglob("keyring_pass.cfg")]


@forks
def test_ctrl_c_at_the_question_stores_nothing(
    terminal: Callable[..., "pexpect.spawn[str]"], tmp_path: Path
) -> None:
    with terminal("login", "points", "--allow-plaintext") as screen:
        screen.expect_exact("api_key of points: ")
        screen.sendline(SECRET)
        screen.expect_exact("secret_key of points: ")
        screen.sendintr()
        screen.expect(pexpect.EOF)
        shown = screen.before

    assert screen.exitstatus == 130
    assert "Interrupted." in shown
    assert "Traceback" not in shown
    assert not [*tmp_path.rglob("keyring_pass.cfg")]


@forks
def test_an_answer_that_cannot_be_sent_is_refused(
    terminal: Callable[..., "pexpect.spawn[str]"], tmp_path: Path
) -> None:
    with terminal("login", "card", "--allow-plaintext") as screen:
        screen.expect_exact("api_key of card: ")
        screen.sendline(f"{SECRET} ")
        screen.expect(pexpect.EOF)
        shown = screen.before

    assert screen.exitstatus == 2
    assert "api_key begins or ends with a space; nothing was stored" in shown
    assert SECRET not in shown
    assert not [*tmp_path.rglob("keyring_pass.cfg")]
