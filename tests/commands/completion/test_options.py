"""`loyalty completion`: the script is printed, or put where the shell itself finds it."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from loyalty_cli.commands.completion.scripts import NAMES
from tests.conftest import PROGRAM, Run
from tests.requires import needs
from tests.test_completion import SCRIPTS, interactive, press_tab

BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
PLACES = {
    "bash": ".local/share/bash-completion/completions/loyalty",
    "zsh": ".local/share/zsh/site-functions/_loyalty",
    "fish": ".config/fish/completions/loyalty.fish",
}


@pytest.fixture
def home(environment: Mapping[str, str]) -> Path:
    return Path(environment["HOME"])


@pytest.mark.parametrize("shell", NAMES)
def test_the_script_that_is_printed_is_the_one_in_the_folder(loyalty: Run, shell: str) -> None:
    done = loyalty("completion", shell)

    assert (done.code, done.err) == (0, "")
    assert done.out == (SCRIPTS / NAMES[shell]).read_text()


@pytest.mark.parametrize(
    ("variable", "shell"),
    [
        ("/bin/bash", "bash"),
        ("/usr/local/bin/zsh", "zsh"),
        ("fish", "fish"),
        ("pwsh", "powershell"),
    ],
)
def test_without_a_name_it_is_the_script_for_the_users_shell(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, variable: str, shell: str
) -> None:
    monkeypatch.setenv("SHELL", variable)

    assert loyalty("completion").out == loyalty("completion", shell).out


@pytest.mark.parametrize("variable", [None, "", "/bin/tcsh"])
def test_a_shell_that_is_not_known_is_told_with_those_that_are(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    if variable is not None:
        monkeypatch.setenv("SHELL", variable)

    for done in (loyalty("completion"), loyalty("completion", "--install")):
        assert (done.code, done.out) == (2, "")
        assert "bash, zsh, fish, powershell" in done.err


@pytest.mark.parametrize("shell", PLACES)
def test_install_writes_the_script_once_and_then_says_that_it_is_there(
    loyalty: Run, home: Path, shell: str
) -> None:
    path = home / PLACES[shell]

    first = loyalty("completion", shell, "--install")
    written = path.stat().st_mtime_ns
    second = loyalty("completion", shell, "--install")

    assert (first.code, first.out, second.code, second.out) == (0, "", 0, "")
    assert f"the script for {shell} is now in {path}" in " ".join(first.err.split())
    assert f"the script for {shell} was in {path}" in " ".join(second.err.split())
    assert path.read_text() == (SCRIPTS / NAMES[shell]).read_text()
    assert path.stat().st_mtime_ns == written


@pytest.mark.parametrize("shell", PLACES)
def test_install_takes_the_folders_that_the_shell_is_told_to_take(
    loyalty: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    for name in ("data", "config"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(tmp_path / name))

    loyalty("completion", shell, "--install")

    assert (tmp_path / PLACES[shell].replace(".local/share", "data").replace(".", "", 1)).is_file()


@pytest.mark.parametrize("shell", PLACES)
def test_install_writes_a_new_script_over_our_own_and_over_nothing_else(
    loyalty: Run, home: Path, shell: str
) -> None:
    path = home / PLACES[shell]
    loyalty("completion", shell, "--install")
    script = path.read_text()

    path.write_text(f"{script}# of an older version\n")
    assert loyalty("completion", shell, "--install").code == 0
    assert path.read_text() == script

    for foreign in (b"complete -W mine loyalty\n", b"\xff\x00", b""):
        path.write_bytes(foreign)
        done = loyalty("completion", shell, "--install")
        assert (done.code, done.out) == (3, "")
        assert "it was left as it is" in " ".join(done.err.split())
        assert path.read_bytes() == foreign


@pytest.mark.parametrize("there", ["folder", "file above"])
def test_a_place_that_cannot_be_written_is_an_error_of_set_up(
    loyalty: Run, home: Path, there: str
) -> None:
    path = home / PLACES["fish"]
    if there == "folder":
        path.mkdir(parents=True)
    else:
        path.parents[1].parent.mkdir()
        path.parents[1].touch()

    done = loyalty("completion", "fish", "--install")

    assert (done.code, done.out) == (3, "")
    assert "cannot be written" in done.err


def test_powershell_gets_a_line_for_its_own_file(loyalty: Run) -> None:
    done = loyalty("completion", "powershell", "--install")

    assert (done.code, done.out) == (2, "")
    assert "loyalty completion powershell | Out-String | Invoke-Expression" in done.err


def test_powershell_can_read_its_script(tmp_path: Path) -> None:
    if shutil.which("pwsh") is None:  # Debian has no package of it
        pytest.skip("needs pwsh, which is not installed")
    parse = (
        "$errors = $null; [void][System.Management.Automation.Language.Parser]::ParseFile("
        f"'{SCRIPTS / NAMES['powershell']}', [ref]$null, [ref]$errors); exit $errors.Count"
    )

    done = subprocess.run(["pwsh", "-NoProfile", "-Command", parse], cwd=tmp_path, check=False)

    assert done.returncode == 0


def test_bash_finds_the_installed_script_by_itself(loyalty: Run) -> None:
    needs("dh_bash-completion")  # of the same package
    loyalty("completion", "bash", "--install")
    bash = ["bash", "--norc", "--noprofile", "-i"]

    with interactive(bash, f"PS1='> '; source {BASH_COMPLETION}") as child:
        press_tab(child, "loyalty balance --output=m", {"--output=markdown"})


def said(done: str) -> str:
    """The line that is to be added, as the program says it."""
    return done.split("`")[-2]


def test_bash_finds_it_by_the_line_that_is_told(loyalty: Run) -> None:
    line = said(loyalty("completion", "bash", "--install").err)

    with interactive(["bash", "--norc", "--noprofile", "-i"], f"PS1='> '; {line}") as child:
        press_tab(child, "loyalty balance --output=m", {"--output=markdown"})


def test_zsh_finds_it_by_the_line_that_is_told(loyalty: Run, home: Path) -> None:
    needs("zsh")
    line = said(loyalty("completion", "zsh", "--install").err)
    (home / ".zshrc").write_text(f"{line}\nautoload -Uz compinit\ncompinit -u -D\nPS1='> '\n")

    with interactive(["zsh", "--no-globalrcs", "-i"], ":") as child:
        press_tab(child, "loyalty balance --output=m", {"--output=markdown"})


def test_fish_finds_it_by_itself(loyalty: Run) -> None:
    needs("fish")
    loyalty("completion", "fish", "--install")

    done = subprocess.run(
        ["fish", "--private", "-c", "complete -C 'loyalty log'"],
        env={**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )

    assert [line.partition("\t")[0] for line in done.stdout.splitlines()] == ["login", "logout"]
