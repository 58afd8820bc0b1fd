"""The program before a locked keyring, and a person who is asked for its password."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Reply
from tests.conftest import Serve
from tests.fakes.desktop import Desktop, running_desktop
from tests.fakes.terminal import terminal, to_the_end

LOCKED = r"The keyring \(SecretService Keyring\) is locked: type its password"
BALANCE = {"customer_id": "C-1", "reward_balance": 7, "reward_symbol": "POINTS"}
PROFILES = ("one", "two", "three", "four", "five", "six", "seven")


@pytest.fixture
def desktop(
    tmp_path_factory: pytest.TempPathFactory,
    environment: dict[str, str],
    serve: Serve,
    profile_file: Callable[[str], Path],
) -> Iterator[Desktop]:
    """A locked keyring with the credentials of seven profiles."""
    url = serve(lambda _: Reply(body=BALANCE))
    lines = (f"  {name}: {{provider: imprint, base_url: '{url}'}}\n" for name in PROFILES)
    config = {"LOYALTY_CONFIG": str(profile_file("profiles:\n" + "".join(lines)))}
    with running_desktop(tmp_path_factory.mktemp("bus"), environment | config) as desktop:
        for name in PROFILES:
            desktop.keyring.store(f"loyalty-cli/{name}", "api_key", f"key of {name}")
        desktop.keyring.lock()
        yield desktop


def test_look_ups_at_seven_profiles_wait_for_one_password(desktop: Desktop) -> None:
    asked = ("balance", "C-1", "--all-profiles", "-o", "jsonl")
    with terminal(*asked, env=desktop.keyring.environment) as child:
        child.expect(LOCKED)
        child.expect("waiting for the keyring… 1 s")
        desktop.type_password()
        shown = to_the_end(child)

    assert child.exitstatus == 0
    assert re.findall(r'"profile":"(\w+)"', shown) == list(PROFILES)
    assert shown.count('"available":7') == len(PROFILES)


def test_a_dismissed_prompt_fails_each_look_up_and_is_not_shown_again(desktop: Desktop) -> None:
    asked = ("balance", "C-1", "--all-profiles")
    with terminal(*asked, env=desktop.keyring.environment) as child:
        child.expect(LOCKED)
        desktop.cancel()
        shown = " ".join(to_the_end(child).split())

    assert child.exitstatus == 4
    for name in PROFILES:
        said = f"{name!r}: the keyring (SecretService Keyring) was not unlocked: its prompt was"
        assert said in shown
        assert f"Unlock or repair the keyring, or set LOYALTY_{name.upper()}_API_KEY." in shown


@pytest.mark.parametrize("command", ["balance C-1 -p one", "profiles"])
def test_ctrl_c_ends_the_wait_for_a_password(desktop: Desktop, command: str) -> None:
    with terminal(*command.split(), env=desktop.keyring.environment) as child:
        child.expect(LOCKED)
        child.sendintr()
        shown = to_the_end(child)

    assert child.exitstatus == 130
    assert shown.rstrip().endswith("Interrupted.")


def test_commands_on_credentials_wait_for_the_password_too(desktop: Desktop) -> None:
    def run(*arguments: str, typed: str | None = None) -> str:
        desktop.keyring.lock()
        with terminal(*arguments, env=desktop.keyring.environment) as child:
            if typed:
                child.expect("api_key of one: ")
                child.sendline(typed)
            child.expect(LOCKED)
            desktop.type_password()
            shown = to_the_end(child)
        assert child.exitstatus == 0
        return shown

    stored = "api_key of one stored in the keyring"
    assert stored in run("login", "one", "--no-check", typed="another key")
    assert desktop.keyring.entries()["loyalty-cli/one", "api_key"] == "another key"
    assert "api_key of one removed from the keyring." in run("logout", "one")
    assert ("loyalty-cli/one", "api_key") not in desktop.keyring.entries()
