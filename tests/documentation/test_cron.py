"""A job without a terminal, a home, a locale or a stdin: normal work or a clear error."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Outcome

BARE: Mapping[str, str] = {}
LOCALES: list[Mapping[str, str]] = [
    {},
    {"LANG": "C"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"TERM": "dumb"},
]


def cron(*arguments: str, env: Mapping[str, str] = BARE) -> Outcome:
    """Run the program with nothing but `env`, and with stdin closed."""
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", str(PROGRAM), *arguments],
        env=dict(env),
        capture_output=True,
        check=False,
        timeout=30,
        start_new_session=True,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def home(environment: Mapping[str, str]) -> Mapping[str, str]:
    return {"HOME": environment["HOME"]}


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_a_balance_and_a_help_page_are_printed_in_any_locale(
    home: Mapping[str, str], locale: Mapping[str, str]
) -> None:
    asking, env = ("--sandbox", "balance", "C-1007", "-p", "imprint"), {**home, **locale}
    done = cron(*asking, env=env)

    assert done.code == 0
    (line,) = done.out.splitlines()[1:]
    assert line.split()[:4] == ["C-1007", "imprint", "Guthaben", "1995"]
    assert line.split()[4] in ("€?", r"\u20ac?")
    assert done.err.startswith("Warning: C-1007 at imprint: ")
    assert cron(*asking, "-o", "json", env=env).record["balances"][0]["unit"] == "€"
    help_page = cron("balance", "--help", env=locale)
    assert (help_page.code, help_page.err) == (0, "")
    assert "--all-profiles" in help_page.out


def test_columns_line_up_where_the_locale_turns_characters_into_escapes(
    home: Mapping[str, str],
) -> None:
    done = cron(
        *("--sandbox", "balance", "C-1007", "C-1008", "-p", "imprint"),
        env={**home, "PYTHONIOENCODING": "ascii"},
    )

    first, second = done.out.splitlines()[1:]
    assert first.endswith("  1995 \\u20ac?")
    assert second.endswith("  -350 $?")
    assert len(first) == len(second)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["providers"], 0),
        (["schema"], 0),
        (["balance", "C-1"], 3),
        (["profiles"], 3),
        (["login", "p"], 3),
        (["logout", "p"], 3),
        (["balance"], 2),
    ],
    ids=str,
)
def test_a_command_without_a_home_folder_works_or_says_why(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    missing = str(tmp_path / "none.yaml")

    done = cron(*arguments, env={"LOYALTY_CONFIG": missing})

    assert done.code == code
    assert "Traceback" not in done.err
    assert "defect" not in done.err
    assert (done.err == "") == (code == 0)


def test_a_home_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = cron("--sandbox", "balance", "C-1001", env={"HOME": str(tmp_path / "file")})

    assert done.code == 3
    assert done.out == ""
    assert 1 <= len(done.err.splitlines()) <= 2
    assert done.err.startswith("Error: ")


def test_login_never_waits_for_a_terminal_that_is_not_there(
    home: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("profiles: {p: {provider: gameball}}\n")
    file.chmod(0o600)
    env = {**home, "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"}

    for more in ([], ["--stdin"]):
        done = cron("--config", str(file), "login", "p", "--allow-plaintext", *more, env=env)
        assert done.code == 2
        assert done.out == ""
        assert done.err.startswith("Error: ")
