"""`loyalty config`: the profile file is checked, changed with its comments, and found."""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

from loyalty_cli.config.example import PLACES
from loyalty_cli.config.load import load
from tests.conftest import Run

Write = Callable[[str], Path]

TWO = """\
# My own comments.

profiles:
  # The card.
  card: {provider: imprint}   # the old one
  points:
    provider: gameball
"""


def test_config_check_names_every_mistake_and_no_other(loyalty: Run, profile_file: Write) -> None:
    path = profile_file(
        "default_profile: a\n"
        "unknown: x\n"
        "profiles:\n"
        "  a:\n"
        "    provder: gameball\n"
        "  b:\n"
        "    provider: saasquatch\n"
        "  c: {provider: imprint, timeout: never, minor_units: 99, debit: {alow: true}}\n"
        "  d: {provider: imprint}\n"
        "history: maybe\n"
    )

    done = loyalty("config", "check")

    assert (done.code, done.out) == (3, "")
    errors = [line for line in done.err.splitlines() if line.startswith("Error: ")]
    assert {error.removeprefix(f"Error: {path}, ").split(": ")[0] for error in errors} == {
        *("line 2", "line 5", "line 7", "line 8", "line 10")
    }
    keys = sorted(error.split(": ")[2] for error in errors)
    assert keys == [
        *("history", "profiles.a.provder", "profiles.b.tenant", "profiles.c.debit.alow"),
        *("profiles.c.minor_units", "profiles.c.timeout", "unknown"),
    ]


def test_config_check_names_what_is_wrong_in_a_profile_beside_what_is_missing(
    loyalty: Run, profile_file: Write
) -> None:
    profile_file(
        "profiles:\n"
        "  refer:\n"
        "    provider: saasquatch\n"
        "    tennant: acme\n"
        "    timeout: 10s\n"
        "    debit: {allow: yes, max_amuont: 50}\n"
        "  store: {provider: omneo, ratee: 4}\n"
    )

    done = loyalty("config", "check")

    told = [each.split(": ")[2] for each in done.err.splitlines() if each.startswith("Error: ")]
    assert sorted(told) == [
        *("profiles.refer.debit.allow", "profiles.refer.debit.max_amuont"),
        *("profiles.refer.tenant", "profiles.refer.tennant", "profiles.refer.timeout"),
        *("profiles.store.base_url", "profiles.store.ratee"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("profiles:\n\ta: {}\n", "line 2: this line begins with a TAB"),
        ("profiles:\n", "line 1: profiles: must be a map"),
        ("", "the file is empty"),
        ("profiles: {a: {provider: x}}\n", "line 1: profiles.a.provider: there is no provider"),
        ("- a\n", "line 1: must be a map"),
    ],
)
def test_config_check_ends_with_3_for_a_file_without_a_profile_to_use(
    loyalty: Run, profile_file: Write, text: str, said: str
) -> None:
    profile_file(text)

    done = loyalty("config", "check")

    assert (done.code, done.out, done.err.count("Error: ")) == (3, "", 1)
    assert said in done.err


def test_config_check_says_that_a_file_is_good_and_who_can_write_it(
    loyalty: Run, profile_file: Write
) -> None:
    path = profile_file(TWO)
    done = loyalty("config", "check")
    assert (done.code, done.out, done.err) == (0, "", f"{path} has no mistakes, and 2 profiles.\n")

    path.chmod(0o666)
    assert "can be written by other users" in loyalty("config", "check").err


def test_config_use_sets_the_default_and_keeps_every_comment(
    loyalty: Run, profile_file: Write
) -> None:
    path = profile_file(TWO)
    path.chmod(0o640)
    added = TWO.replace("profiles:", "default_profile: points\nprofiles:", 1)

    done = loyalty("config", "use", "points")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"points is the default profile of {path} now.\n"
    assert path.read_text() == added
    assert stat.S_IMODE(path.stat().st_mode) == 0o640

    assert loyalty("config", "use", "card").code == 0
    assert path.read_text() == added.replace("profile: points", "profile: card")
    assert [each for each in path.parent.iterdir() if each.is_file()] == [path]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("default_profile: 'card'  # mine\n", "default_profile: points  # mine\n"),
        ("default_profile : card\r\n", "default_profile : points\r\n"),
        ("default_profile:\n", "default_profile: points\n"),
        ("\ufeffdefault_profile: card\n", "\ufeffdefault_profile: points\n"),
    ],
    ids=ascii,
)
def test_config_use_changes_one_value_and_nothing_else(
    loyalty: Run, profile_file: Write, before: str, after: str
) -> None:
    path = profile_file("")
    path.write_bytes((before + TWO).encode())

    assert loyalty("config", "use", "points").code == 0
    assert path.read_bytes() == (after + TWO).encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TWO.replace("gameball", "gamebal"), "Did you mean 'gameball'?"),
        ('{"profiles": {"points": {"provider": "gameball"}}}', "the file is written in { }"),
        (f"default_profile:\n  card\n{TWO}", "Write `default_profile: points` by hand."),
        (TWO.replace("points", "other"), "there is no profile 'points'"),
    ],
    ids=ascii,
)
def test_config_use_leaves_a_file_that_it_cannot_change_as_it_is(
    loyalty: Run, profile_file: Write, text: str, said: str
) -> None:
    path = profile_file(text)

    done = loyalty("config", "use", "points")

    assert (done.code, done.out) == (3, "")
    assert said in done.err
    assert path.read_text() == text


def test_config_use_writes_the_file_that_a_link_leads_to(
    loyalty: Run, profile_file: Write, tmp_path: Path
) -> None:
    path = profile_file("")
    path.unlink()
    kept = tmp_path / "kept.yaml"
    kept.write_text(TWO)
    path.symlink_to(kept)

    assert loyalty("config", "use", "points").code == 0
    assert path.is_symlink()
    assert load(kept).default_profile == "points"


def test_config_path_is_the_file_that_commands_use(
    loyalty: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    usual = Path(environment["HOME"]) / ".config" / "loyalty" / "config.yaml"
    assert loyalty("config", "path").out == f"{usual}\n"
    named = tmp_path / "x.yaml"
    assert loyalty("--config", str(named), "config", "path").out == f"{named}\n"


def test_config_example_is_a_whole_profile_file(loyalty: Run, profile_file: Write) -> None:
    done = loyalty("config", "example")

    assert (done.code, done.err) == (0, "")
    path = profile_file(done.out)
    assert len(load(path).profiles) == 5
    assert loyalty("config", "check").code == 0


@pytest.mark.parametrize("command", ["check", "use card", "path"])
def test_config_has_no_meaning_in_the_sandbox(loyalty: Run, command: str) -> None:
    assert loyalty("--sandbox", "config", *command.split()).code == 2


def test_the_example_is_in_the_wheel(tmp_path: Path) -> None:
    (checkout,) = (place for place in PLACES if place.is_file())
    build = "from hatchling.builders.wheel import WheelBuilder as B; import sys"
    run = f"{build}; print(next(B(sys.argv[1]).build(directory=sys.argv[2])))"
    wheel = subprocess.run(
        [sys.executable, "-c", run, checkout.parent, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    with ZipFile(wheel) as content:
        assert content.read("loyalty_cli/config.example.yaml") == checkout.read_bytes()
