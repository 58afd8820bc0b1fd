"""`loyalty login`: credentials into the keyring, and never anywhere else."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.commands.login import LONGEST_INPUT
from tests.conftest import PROGRAM, Outcome, Run
from tests.fakes import backends

SECRET = "hunter2"

PROFILES = """
profiles:
  card: {provider: imprint}
  points: {provider: gameball}
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


def test_each_line_of_stdin_is_a_credential_for_login(
    memory: backends.Memory, login: Login
) -> None:
    done = login("points", f"api_key={SECRET}\nsecret_key=two words = one==\n")

    assert (done.code, done.out) == (0, "")
    assert done.err == "api_key, secret_key of points stored in the keyring (backends Memory).\n"
    assert memory.entries == {
        ("loyalty-cli/points", "api_key"): SECRET,
        ("loyalty-cli/points", "secret_key"): "two words = one==",
    }


@pytest.mark.parametrize(
    "given",
    ["api_key=a\r\nsecret_key=b\r\n", "\ufeff\n\nsecret_key=b\n  \n\napi_key=a"],
    ids=["Windows", "a mark, blank lines, another order, and no last line end"],
)
def test_login_takes_lines_as_other_programs_write_them(
    memory: backends.Memory, login: Login, given: str
) -> None:
    assert login("points", given).code == 0
    assert memory.get_password("loyalty-cli/points", "api_key") == "a"
    assert memory.get_password("loyalty-cli/points", "secret_key") == "b"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "api_key is missing"),
        (f"api_key={SECRET}\nsecret_key={SECRET}\x07\n", "secret_key has a character in it"),
        (f"api_key={SECRET}\n\nsecretkey={SECRET}\n", "Did you mean 'secret_key'?"),
        (f"api_key={SECRET}\n\napi_key={SECRET}\n", "line 3 of stdin repeats a field"),
        (f"api_key={SECRET}\n\n{SECRET}\n", "line 3 of stdin is not field=value"),
        (f"{SECRET}==\n", "is not a credential of points"),
        (f"api_key: {SECRET}\n", "line 1 of stdin is not field=value"),
        (f"api_key={SECRET}\nsecret_key={SECRET}\n".encode("utf-16"), "not UTF-8 text"),
        (f"api_key={SECRET}\nsecret_key=\xe9".encode("latin-1"), "not UTF-8 text"),
        (f"api_key={SECRET}\nsecret_key={'x' * LONGEST_INPUT}", "too long for credentials"),
    ],
    ids=ascii,
)
def test_login_stores_nothing_where_any_line_is_wrong(
    memory: backends.Memory, login: Login, given: str | bytes, said: str
) -> None:
    done = login("points", given)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "nothing was stored" in done.err
    assert SECRET not in done.err
    assert len(done.err.splitlines()) <= 2
    assert memory.entries == {}


def test_login_without_stdin_or_a_terminal_says_what_to_do(
    memory: backends.Memory, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    for _ in range(2):
        asked = loyalty("login", "card")
        assert asked.code == 2
        assert "there is no terminal to ask on" in asked.err
        assert "--stdin" in asked.err
        monkeypatch.setattr(sys, "stdin", None)

    assert "stdin is closed" in loyalty("login", "card", "--stdin").err
    assert memory.entries == {}


def test_login_warns_of_a_variable_that_wins_over_the_keyring(
    memory: backends.Memory, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_CARD_API_KEY", "other")

    done = login("card", f"api_key={SECRET}")

    assert (done.code, list(memory.entries.values())) == (0, [SECRET])
    assert "Warning: LOYALTY_CARD_API_KEY is set, and is used instead of the keyring." in done.err


def in_a_process(named: str, home: Path) -> dict[str, str]:
    return {**os.environ, "PYTHON_KEYRING_BACKEND": named, "HOME": str(home)}


def test_login_uses_a_keyring_without_encryption_only_where_it_is_allowed(
    program: Run, card: Callable[..., Path], answer: Callable[..., str], tmp_path: Path
) -> None:
    card(answer({"customer_id": "C-1", "reward_balance": 7, "reward_symbol": "points"}))
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
@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [(f"{SECRET}\n", 0, "api_key, secret_key of points stored"), ("\x03", 130, "Interrupted.")],
    ids=["an answer", "Ctrl-C"],
)
def test_login_asks_a_person_echoes_nothing_and_stores_all_or_nothing(
    terminal: Callable[..., "pexpect.spawn[str]"], tmp_path: Path, typed: str, code: int, said: str
) -> None:
    with terminal("login", "points", "--allow-plaintext") as screen:
        screen.expect_exact("api_key of points: ")
        screen.sendline(SECRET)
        screen.expect_exact("secret_key of points: ")
        between = screen.before
        screen.send(typed)
        screen.expect(pexpect.EOF)
        shown = between + screen.before

    assert screen.exitstatus == code
    assert said in shown
    assert SECRET not in shown
    assert "Traceback" not in shown
    assert bool([*tmp_path.rglob("keyring_pass.cfg")]) == (code == 0)
