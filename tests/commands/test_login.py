"""`loyalty login`: credentials into the keyring, and never anywhere else."""

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.commands.credential_input import LONGEST_INPUT
from loyalty_cli.sandbox.server import Reply
from tests.conftest import PROGRAM, Outcome, Run
from tests.fakes import backends
from tests.fakes.servers import unused_port

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
    """Run `login … --stdin --no-check` with something on stdin."""

    def run(profile: str, given: str | bytes, *options: str) -> Outcome:
        content = given if isinstance(given, bytes) else given.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return loyalty("login", profile, "--stdin", *(options or ("--no-check",)))

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


OLD, NEW = "0ld-s3cret", "n3w-s3cret"
REFUSED = Reply(401, {"type": "X", "message": f"Not {NEW}."})
NO_CUSTOMER = Reply(404, {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No."})
BALANCE = {"customer_id": "C-1", "reward_balance": 7, "reward_symbol": "points"}


@pytest.fixture
def at(
    monkeypatch: pytest.MonkeyPatch,
    card: Callable[..., Path],
    answer: Callable[..., str],
) -> Callable[[Reply], backends.Memory]:
    """Let the platform of `card` answer so; the keyring has a key for it."""

    def platform(reply: Reply) -> backends.Memory:
        card(answer(reply))
        monkeypatch.delenv("LOYALTY_CARD_API_KEY")
        memory = backends.use(monkeypatch, backends.Memory())
        memory.set_password("loyalty-cli/card", "api_key", OLD)
        return memory

    return platform


def test_login_stores_a_key_that_the_platform_takes(
    at: Callable[[Reply], backends.Memory], login: Login
) -> None:
    memory = at(NO_CUSTOMER)

    done = login("card", f"api_key={NEW}", "--allow-plaintext")

    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "Imprint takes these credentials.",
        "api_key of card stored in the keyring (backends Memory).",
    ]
    assert list(memory.entries.values()) == [NEW]


def test_login_keeps_the_old_key_where_the_platform_refuses_the_new_one(
    at: Callable[[Reply], backends.Memory], login: Login
) -> None:
    memory = at(REFUSED)

    done = login("card", f"api_key={NEW}", "--allow-plaintext")

    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "Error: Imprint rejected the credentials of profile 'card' (HTTP 401, X: Not ***)."
        " They came from stdin. Nothing was stored.\n"
        "Hint: Check them, and give the right ones. --no-check stores them anyway.\n"
    )
    assert list(memory.entries.values()) == [OLD]
    assert login("card", f"api_key={NEW}", "--no-check").code == 0
    assert list(memory.entries.values()) == [NEW]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(503, b""), "Imprint cannot answer now (HTTP 503).\n"),
        (Reply(404, b"<html>"), "is not Imprint (HTTP 404, application/json)."),
        (Reply(body=BALANCE), "Imprint answered about another customer: 'C-1', not"),
    ],
    ids=ascii,
)
@pytest.mark.usefixtures("no_pauses")
def test_login_stores_a_key_with_a_warning_where_the_platform_does_not_tell(
    at: Callable[[Reply], backends.Memory], login: Login, reply: Reply, said: str
) -> None:
    memory = at(reply)

    done = login("card", f"api_key={NEW}", "--allow-plaintext")

    assert (done.code, done.out) == (0, "")
    assert "Warning: it is unclear whether Imprint takes these credentials: " in done.err
    assert said in done.err
    replaced = "Warning: the credentials of card that the keyring had before were replaced.\n"
    assert done.err.endswith(replaced)
    assert list(memory.entries.values()) == [NEW]

    again = login("card", f"api_key={NEW}", "--allow-plaintext")
    assert (again.code, replaced in again.err) == (0, False)


@pytest.mark.usefixtures("no_pauses")
def test_login_says_no_more_than_why_where_nobody_answers(
    at: Callable[[Reply], backends.Memory], login: Login, card: Callable[..., Path]
) -> None:
    memory = at(NO_CUSTOMER)
    card(f"http://127.0.0.1:{unused_port()}")

    done = login("card", f"api_key={NEW}", "--allow-plaintext")

    assert done.code == 0
    assert "cannot be reached" in done.err
    assert "Nothing was changed" not in done.err
    assert list(memory.entries.values()) == [NEW]


def test_login_asks_for_the_customer_that_it_is_told(
    at: Callable[[Reply], backends.Memory], login: Login
) -> None:
    memory = at(Reply(body=BALANCE))

    done = login("card", f"api_key={NEW}", "--customer", "C-1")

    assert (done.code, done.err.splitlines()[0]) == (0, "Imprint takes these credentials.")
    assert list(memory.entries.values()) == [NEW]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--customer", "C-1", "--no-check"), "--customer is for the check"),
        (("--customer", ""), "must not be empty"),
        (("--customer", ".."), "would change the address"),
    ],
)
def test_login_refuses_a_customer_that_cannot_be_asked_for_before_it_reads_anything(
    at: Callable[[Reply], backends.Memory], loyalty: Run, options: tuple[str, ...], said: str
) -> None:
    memory = at(NO_CUSTOMER)

    done = loyalty("login", "card", *options)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert list(memory.entries.values()) == [OLD]


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

    allowed = ("login", "card", "--stdin", "--allow-plaintext", "--customer", "C-1")
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
    with terminal("login", "points", "--allow-plaintext", "--no-check") as screen:
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


@forks
def test_login_asks_a_person_before_it_replaces_a_key_by_one_that_nobody_checked(
    terminal: Callable[..., "pexpect.spawn[str]"],
    profile_file: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    with terminal("login", "card", "--allow-plaintext", "--no-check") as screen:
        screen.expect_exact("api_key of card: ")
        screen.sendline(OLD)
        screen.expect(pexpect.EOF)
    (kept,) = tmp_path.rglob("keyring_pass.cfg")
    before = kept.read_bytes()
    url = f"http://127.0.0.1:{unused_port()}"
    profile_file(f"profiles: {{card: {{provider: imprint, base_url: '{url}'}}}}")

    for answer, code in (("n", 6), ("y", 0)):
        with terminal("login", "card", "--allow-plaintext") as screen:
            screen.expect_exact("api_key of card: ")
            screen.sendline(NEW)
            screen.expect_exact("[y/N]")
            screen.sendline(answer)
            screen.expect(pexpect.EOF)
        assert screen.exitstatus == code
        assert (kept.read_bytes() == before) == (answer == "n")
