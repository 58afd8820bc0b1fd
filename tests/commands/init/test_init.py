"""`loyalty init`: a profile and its credentials, all of it or nothing."""

import io
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from threading import Event

import pexpect
import pytest

from loyalty_cli import providers
from loyalty_cli.config.load import load
from loyalty_cli.model.errors import setup_error
from loyalty_cli.sandbox.server import Received, Reply
from tests.config.descriptions.descriptions import ACME
from tests.conftest import PROGRAM, Outcome, Run, Serve
from tests.fakes import backends

SECRET = "hunter2-s3cret"
OTHER = "hunter3-s3cret"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profile file is to be; there is none, and no folder for it."""
    path = tmp_path / "new" / "loyalty" / "config.yaml"
    monkeypatch.setenv("LOYALTY_CONFIG", str(path))
    return path


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> backends.Memory:
    return backends.use(monkeypatch, backends.Memory())


@pytest.fixture
def gameball(serve: Serve) -> str:
    """A platform that takes SECRET, and knows nobody."""

    def handle(received: Received) -> Reply:
        if received.headers.get("apikey") != SECRET:
            return Reply(401, {"code": 1001, "message": "Not this key."})
        return Reply(404, {"code": 7000, "message": "No such customer."})

    return serve(handle)


Init = Callable[..., Outcome]


@pytest.fixture
def init(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> Init:
    """Run `init` with something on stdin, which is no terminal."""

    def run(*options: str, given: str = "") -> Outcome:
        content = io.TextIOWrapper(io.BytesIO(given.encode()))
        monkeypatch.setattr(sys, "stdin", content)
        return loyalty("init", *options)

    return run


def points(url: str, *more: str) -> tuple[str, ...]:
    return ("--provider", "gameball", "--name", "points", "--set", f"base_url={url}", *more)


BOTH = f"api_key={SECRET}\nsecret_key=x\n"


def test_init_writes_a_private_file_with_comments_and_stores_what_the_platform_takes(
    init: Init, memory: backends.Memory, file: Path, gameball: str
) -> None:
    done = init(*points(gameball, "--stdin"), given=BOTH)

    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "Gameball takes these credentials.",
        f"{file} has the profile 'points' now.",
        "api_key, secret_key of points stored in the keyring (backends Memory).",
        "Try it: loyalty balance CUSTOMER",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [*file.parent.iterdir()] == [file]
    text = file.read_text()
    assert "# The version of the API that your account needs; without it v4.0." in text
    assert SECRET not in text
    config = load(file)
    assert (config.default_profile, config.warnings) == ("points", ())
    assert config.profiles["points"].base_url == gameball
    assert memory.entries == {
        ("loyalty-cli/points", "api_key"): SECRET,
        ("loyalty-cli/points", "secret_key"): "x",
    }


def test_init_writes_nothing_where_the_platform_refuses_the_credentials(
    init: Init, memory: backends.Memory, file: Path, gameball: str
) -> None:
    wrong = f"api_key={OTHER}\nsecret_key=x\n"
    done = init(*points(gameball, "--stdin"), given=wrong)

    assert (done.code, done.out) == (4, "")
    assert "Gameball rejected the credentials of profile 'points'" in done.err
    assert OTHER not in done.err
    assert memory.entries == {}
    assert not file.parent.parent.exists()

    assert init(*points(gameball, "--stdin", "--no-check"), given=wrong).code == 0
    assert load(file).profiles["points"].base_url == gameball
    assert memory.entries["loyalty-cli/points", "api_key"] == OTHER


def test_init_without_a_keyring_says_which_variables_and_files_to_set(
    init: Init, file: Path, gameball: str
) -> None:
    done = init(*points(gameball))

    assert (done.code, done.out) == (0, "")
    for text in ("LOYALTY_POINTS_API_KEY and LOYALTY_POINTS_SECRET_KEY", "points.secret_key in"):
        assert text in done.err
    assert done.err.splitlines()[-1] == "Then try it: loyalty balance CUSTOMER"
    assert load(file).default_profile == "points"


def test_init_writes_nothing_where_it_cannot_keep_what_it_is_sent(
    init: Init, file: Path, gameball: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = init(*points(gameball, "--stdin"), given=BOTH)

    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "Error: the credentials cannot be kept: there is no keyring on this system; nothing was"
        " stored.\n"
        "Hint: Set LOYALTY_POINTS_API_KEY and LOYALTY_POINTS_SECRET_KEY, or write them into"
        " points.api_key and points.secret_key in the folder that LOYALTY_CREDENTIALS_DIR names."
        " Without --stdin, init writes the profile alone.\n"
    )
    assert not file.parent.exists()

    backends.use(monkeypatch, backends.PlaintextMemory())
    done = init(*points(gameball, "--stdin"), given=BOTH)
    assert (done.code, done.out) == (4, "")
    assert "keeps secrets unencrypted in a file; nothing was stored." in done.err
    assert "--allow-plaintext" in done.err
    assert not file.parent.exists()

    allowed = points(gameball, "--stdin", "--allow-plaintext")
    assert init(*allowed, given=BOTH).code == 0
    again = init(*allowed, given=BOTH)
    assert again.code == 2
    assert "or run `loyalty login points` for new credentials." in again.err


@pytest.mark.usefixtures("memory")
def test_init_says_how_to_try_a_key_that_only_its_own_customer_can(init: Init, file: Path) -> None:
    options = ("--provider", "saasquatch", "--name", "refer", "--set", "tenant=t")

    done = init(*options, "--auth", "user_token", "--stdin", given="user_token=abcd1234\n")

    assert (done.code, done.out) == (0, "")
    assert "takes user_token only for its own customer. Look its customer up: `" in done.err
    assert "--customer" not in done.err
    assert file.exists()


@pytest.mark.parametrize("key", [SECRET, OTHER])
def test_init_checks_credentials_that_come_from_the_environment(
    init: Init, file: Path, gameball: str, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", key)
    monkeypatch.setenv("LOYALTY_POINTS_SECRET_KEY", "x")

    done = init(*points(gameball))

    assert done.code == (0 if key == SECRET else 4)
    assert "environment LOYALTY_POINTS_API_KEY" in done.err
    assert file.exists() == (key == SECRET)


def test_init_warns_of_a_variable_that_wins_over_the_keyring(
    init: Init, memory: backends.Memory, gameball: str, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", OTHER)

    done = init(*points(gameball, "--stdin"), given=BOTH)

    assert (done.code, len(memory.entries), file.exists()) == (0, 2, True)
    assert "Warning: LOYALTY_POINTS_API_KEY is set, and is used instead of" in done.err


MINE = """\
# My own comments.
profiles:
  # The card.
  card:
    provider: imprint   # the old one
    #timeout: 3

# Where debits are.
journal: null
"""
EXPECTED = """\
# My own comments.
default_profile: card
profiles:
  # The card.
  card:
    provider: imprint   # the old one
    #timeout: 3

  points:
"""


def test_init_adds_a_profile_behind_the_others_and_keeps_every_comment(
    init: Init, file: Path, gameball: str
) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    file.chmod(0o640)

    done = init(*points(gameball))

    assert done.code == 0
    assert done.err.splitlines()[-1] == "Then try it: loyalty balance CUSTOMER -p points"
    text = file.read_text()
    assert text.startswith(EXPECTED)
    assert text.endswith("\n# Where debits are.\njournal: null\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    config = load(file)
    assert (list(config.profiles), config.default_profile) == (["card", "points"], "card")


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_init_makes_a_profile_that_loads_for_each_platform_and_sign_in(
    init: Init, file: Path, name: str
) -> None:
    provider = providers.load(name)
    needed = [each.name for each in provider.settings if each.required]
    given = [f"--set={each}=acme" for each in needed]
    given += [] if provider.base_url else ["--set=base_url=https://h.example"]

    for auth in provider.auths:
        done = init("--provider", name, "--name", auth.name, "--auth", auth.name, *given)
        assert done.code == 0

    profiles = load(file).profiles
    assert {each.auth for each in profiles.values()} == set(provider.auths)
    text = file.read_text()
    for setting in provider.settings:
        assert f"{setting.name}:" in text


def test_init_takes_options_and_rules_of_debits(init: Init, file: Path) -> None:
    given = ("options.reward_type=CREDIT", "debit.allow=true", "tenant=null", "by=id")
    done = init(
        *("--provider", "saasquatch", "--name", "a", "--auth", "user_token"),
        *(f"--set={pair}" for pair in given),
    )

    assert done.code == 0
    profile = load(file).profiles["a"]
    assert (profile.options, profile.debit.allow) == ({"reward_type": "CREDIT"}, True)
    assert profile.settings == {"tenant": "null"}
    assert profile.auth.name == "user_token"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "--provider and --name are missing"),
        (["--provider", "gameball"], "--name is missing"),
        (["--name", "a"], "--provider is missing"),
        (["--name", "a", "--provider", "saasquatch"], "--set tenant=… is missing"),
        (["--name", "a", "--provider", "omneo"], "--set base_url=… is missing"),
        (["--name", "a", "--provider", "gameball"], "--stdin is missing"),
        (["--name", "a", "--provider", "gamebal"], "Did you mean 'gameball'?"),
        (["--name", "a b", "--provider", "gameball"], "--name 'a b' must be letters"),
        (["--name", "a", "--provider", "gameball", "--auth", "x"], "--auth must be one of keys"),
        (["--name", "a", "--provider", "gameball", "--set", "x"], "number 1 of --set is not KEY="),
        (["--name", "a", "--provider", "gameball", "--set", "x=1"], "x of the new profile: unkno"),
        (["--name", "a", "--provider", "gameball", "--set", "auth=x"], "Use --auth."),
        (["--name", "a", "--provider", "gameball", "--set", "timeout=x"], "timeout of the new"),
        (["--name", "a", "--provider", "gameball", "--set", f"api_key={SECRET}"], "a credential"),
        (["--name", "a", "--provider", "gameball", "--set", SECRET], "is not KEY=VALUE"),
        (["--name", "a", "--provider", "gameball", "--set", "a: b=c"], "is not KEY=VALUE"),
        (["--name", "a", "--provider", "gameball", "--stdin"], "api_key is missing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@pytest.mark.usefixtures("memory")
def test_init_without_a_terminal_names_what_is_missing_or_wrong_and_writes_nothing(
    init: Init, file: Path, options: list[str], said: str
) -> None:
    done = init(*options)

    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert SECRET not in done.err
    assert len(done.err.splitlines()) <= 2
    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("profiles:\n  a:\n  provider: imprint\n", 3, "line 3: profiles.provider: stands beside"),
        ("profiles: {a: {provider: imprint}}\n", 3, "line 1: profiles: the profiles are written"),
        ('{"profiles": {"a": {"provider": "imprint"}}}\n', 3, "the file is written in { }"),
        ("profiles:\n  points: {provider: imprint}\n", 2, "--name 'points' is a profile of"),
        ("profiles:\n  POINTS: {provider: gameball}\n", 2, "shares the environment variable"),
    ],
    ids=ascii,
)
def test_init_leaves_a_file_that_it_cannot_extend_as_it_is(
    init: Init, file: Path, text: str, code: int, said: str
) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)

    done = init("--provider", "gameball", "--name", "points")

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert file.read_text() == text
    assert [*file.parent.iterdir()] == [file]


def test_init_takes_the_credentials_out_again_where_the_file_cannot_be_written(
    init: Init,
    memory: backends.Memory,
    gameball: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_: Path, __: str, ___: str | None) -> None:
        setup_error(f"the profile file {file} cannot be written: No space left on device.")

    monkeypatch.setattr("loyalty_cli.commands.init.action.replace_file", full)

    done = init(*points(gameball, "--stdin"), given=BOTH)

    assert done.code == 3
    assert "the profile file" in done.err
    assert memory.entries == {}


def test_init_has_no_meaning_in_the_sandbox(loyalty: Run) -> None:
    assert loyalty("--sandbox", "init").code == 2


# A person at a terminal.

# Python 3.12 warns of any fork in a process with threads; the child of this one only execs.
forks = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")
Start = Callable[..., "pexpect.spawn[str]"]


@pytest.fixture
def terminal(file: Path, tmp_path: Path) -> Start:
    """Start `init` on a terminal of its own, with a keyring in a file."""
    env = {
        **os.environ,
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring",
        "HOME": str(tmp_path),
        "LOYALTY_CONFIG": str(file),
    }

    def start(*options: str) -> "pexpect.spawn[str]":
        arguments = ["init", "--allow-plaintext", *options]
        return pexpect.spawn(str(PROGRAM), arguments, env=env, encoding="utf-8", timeout=30)

    return start


@forks
def test_init_asks_a_person_until_each_answer_is_one(
    terminal: Start, file: Path, gameball: str, tmp_path: Path
) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(MINE)
    with terminal("--set", f"base_url={gameball}") as screen:
        screen.expect_exact("Platform (imprint, gameball, capillary, omneo, saasquatch): ")
        screen.sendline("gamebal")
        screen.expect_exact("Did you mean 'gameball'?")
        screen.sendline("gameball")
        screen.expect_exact("Name of the profile [gameball]: ")
        screen.sendline("card")
        screen.expect_exact("'card' is a profile of")
        screen.expect_exact("Name of the profile [gameball]: ")
        screen.sendline("")
        for key in (OTHER, SECRET):
            screen.expect_exact("api_key of gameball: ")
            screen.sendline(key)
            screen.expect_exact("secret_key of gameball: ")
            screen.sendline("x")
        screen.expect_exact("Gameball takes these credentials.")
        screen.expect(pexpect.EOF)
        shown = screen.before or ""

    assert screen.exitstatus == 0
    assert "Try it: loyalty balance CUSTOMER -p gameball" in shown
    assert SECRET not in shown
    assert [*load(file).profiles] == ["card", "gameball"]
    assert [*tmp_path.rglob("keyring_pass.cfg")]


@forks
@pytest.mark.parametrize(
    "at", ["Platform", "Name of", "Sign-in", "Address", "username", "password"]
)
def test_ctrl_c_at_any_question_of_init_leaves_nothing(
    terminal: Start, file: Path, tmp_path: Path, at: str
) -> None:
    answers = {
        "Platform": "capillary",
        "Name of": "club",
        "Sign-in": "basic",
        "Address": "https://h.example",
        "username": "x",
    }
    with terminal("--no-check") as screen:
        for question, answer in answers.items():
            if question == at:
                break
            screen.expect_exact(question)
            screen.sendline(answer)
        screen.expect(f"{at}[^\n]*: ")
        screen.sendcontrol("c")
        screen.expect(pexpect.EOF)

    assert screen.exitstatus == 130
    assert "Interrupted." in (screen.before or "")
    assert not file.parent.parent.exists()
    assert not [*tmp_path.rglob("keyring_pass.cfg")]


@forks
def test_ctrl_c_while_the_platform_is_asked_leaves_nothing(
    terminal: Start, file: Path, tmp_path: Path, serve: Serve
) -> None:
    asked = Event()

    def slow(_: Received) -> Reply:
        asked.set()
        return Reply(delay=30)

    with terminal(*points(serve(slow))) as screen:
        for field in ("api_key", "secret_key"):
            screen.expect_exact(f"{field} of points: ")
            screen.sendline("x")
        assert asked.wait(30)
        screen.sendcontrol("c")
        screen.expect(pexpect.EOF)

    assert screen.exitstatus == 130
    assert not file.parent.parent.exists()
    assert not [*tmp_path.rglob("keyring_pass.cfg")]


def test_init_makes_a_profile_of_a_platform_that_the_file_describes(init: Init, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(f"providers:\n  acme:\n{indent(ACME, '    ')}")

    done = init("--provider", "acme", "--name", "mine", "--set", "base_url=https://h.example")

    assert done.code == 0
    assert load(file).profiles["mine"].provider.title == "Acme"
