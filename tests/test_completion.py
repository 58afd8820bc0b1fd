"""What TAB offers, in the shells themselves, and that nobody has to wait for it."""

import os
import re
import runpy
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pexpect.fdpexpect import fdspawn

from loyalty_cli import cli, providers
from tests.config.descriptions.descriptions import ACME
from tests.conftest import PROGRAM, Run
from tests.requires import needs
from tests.test_cli import loaded

SCRIPTS = Path(cli.__file__).parents[1] / "completions"
PROVIDERS = set(providers.BUILT_IN)
ELSEWHERE = "elsewhere.yaml"
OFFERS: Mapping[str, set[str]] = {
    "loyalty ba": {"balance"},
    "loyalty log": {"login", "logout"},
    "loyalty sandbox ": {"reset"},
    "loyalty balance X -p ": {"points", "club-1", "shop"},
    "loyalty balance X --profile cl": {"club-1"},
    "loyalty balance X -p club-1 -p po": {"points"},
    f"loyalty --config {ELSEWHERE} balance X -p ": {"referrals"},
    f"loyalty balance X --config {ELSEWHERE} -p ": {"referrals"},
    f"loyalty --config ~/{ELSEWHERE} login ": {"at-home"},
    "loyalty --sandbox balance X -p ": PROVIDERS,
    "loyalty balance X --sandbox -p ": PROVIDERS,
    "loyalty balance X -o ": {"table", "json", "jsonl", "csv", "markdown"},
    "loyalty balance X -o js": {"json", "jsonl"},
    "loyalty balance X -p club-1 -O ": {"program_id=", "all_programs="},
    "loyalty balance X -p club-1 --by ": {"id", "mobile", "email", "external_id", "card_number"},
    "loyalty balance X -p points --by ": {"id"},
    "loyalty --sandbox balance X --by e": {"email", "external_id"},
    "loyalty --sandbox balance X -p omneo -O cu": {"currency="},
    "loyalty balance X -p shop -O ": {"show="},
    "loyalty history ": {"import", "prune"},
    "loyalty history C-1 -p cl": {"club-1"},
    "loyalty providers ": {*PROVIDERS, "acme", "broken", "check"},
    "loyalty people ": {"import", "show", "set", "forget", "export"},
    "loyalty people set X ": {"name=", "points=", "club-1=", "shop="},
    "loyalty help cr": {"credentials", "cron"},
    "loyalty help journal re": {"reconcile", "resolve", "restore"},
    "loyalty login ": {"points", "club-1", "shop"},
    "loyalty logout po": {"points"},
}
TYPED = [
    "loyalty ba",
    "loyalty balance X -p ",
    "loyalty balance X -p club-1 -p po",
    f"loyalty --config {ELSEWHERE} balance X -p ",
    f"loyalty --config ~/{ELSEWHERE} login ",
    "loyalty balance X --sandbox -p ",
    "loyalty balance X -o js",
    "loyalty balance X -p club-1 -O ",
    "loyalty balance X -p club-1 --by ",
    "loyalty providers ",
]
"""What is typed into real shells, where each takes a while."""
SHELLS = ["bash", "zsh", "fish", "powershell"]
BROKEN = {
    "nothing": "",
    "no map": "- a\n- b\n",
    "no YAML": "profiles: [[[{{{ \x00",
    "not UTF-8": "profiles: {\udcff: {provider: imprint}}\n",
    "no providers": "profiles: {points: , club: 7}\n",
    "commands": "profiles: {'$(touch x)': {provider: imprint}, '`x`\\$(y)': {provider: omneo}}\n",
}


@pytest.fixture(autouse=True)
def files(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in force, one in the folder the shell is in, and one at home."""
    monkeypatch.chdir(tmp_path)
    in_force = tmp_path / "config.yaml"
    in_force.write_text(
        "profiles: {points: {provider: gameball},"
        " club-1: {provider: capillary, base_url: 'https://c.example'}, shop: {provider: acme}}\n"
    )
    (tmp_path / "providers").mkdir()
    described = {"acme": f"{ACME}options: {{show: what}}\n", "broken": "[", "$(touch x)": ACME}
    for name, text in described.items():
        (tmp_path / "providers" / f"{name}.yaml").write_text(text)
    (tmp_path / ELSEWHERE).write_text("profiles: {referrals: {provider: saasquatch, tenant: a}}\n")
    Path(environment["HOME"], ELSEWHERE).write_text("profiles: {at-home: {provider: imprint}}\n")
    monkeypatch.setenv("LOYALTY_CONFIG", str(in_force))


def protocol(shell: str, line: str) -> dict[str, str]:
    """What a shell's script tells the program about the line."""
    words = line.split(" ")
    asked = {"_LOYALTY_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": line}
    match shell:
        case "bash":
            return asked | {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
        case "fish":
            return asked | {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        case "powershell":
            return asked | {"_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1]}
        case _:
            return asked


def offered(shell: str, answer: str) -> set[str]:
    """The words in the program's answer to a shell."""
    if shell == "zsh":
        return set(re.findall(r'(?:^|\(\()"(.+?)"(?=:"|$|\)\))', answer, re.MULTILINE))
    between = {"fish": "\t", "powershell": ":::"}.get(shell, "\n")
    return {line.partition(between)[0] for line in answer.splitlines()} - {""}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", OFFERS)
def test_tab_offers_what_fits_in_every_shell(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, shell: str, line: str
) -> None:
    for name, value in protocol(shell, line).items():
        monkeypatch.setenv(name, value)

    done = loyalty()

    assert (done.code, done.err) == (0, "")
    assert offered(shell, done.out) == OFFERS[line]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("broken", [*BROKEN, "no file", "a folder", "a pipe"])
def test_tab_prints_no_error_for_a_broken_profile_file(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str, broken: str
) -> None:
    file = tmp_path / "broken.yaml"
    monkeypatch.setenv("LOYALTY_CONFIG", str(file))
    match broken:
        case "a folder":
            file.mkdir()
        case "a pipe":
            os.mkfifo(file)
        case content if content in BROKEN:
            file.write_bytes(BROKEN[content].encode(errors="surrogateescape"))

    for line in ("loyalty balance X -p ", "loyalty login ", "loyalty balance X -O nothing"):
        for name, value in protocol(shell, line).items():
            monkeypatch.setenv(name, value)
        done = loyalty()
        assert (done.code, done.err) == (0, "")
        assert offered(shell, done.out) <= {"_files"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "line", ["loyalty ba", "loyalty balance X -p ", "loyalty balance X -O ", "loyalty providers "]
)
def test_tab_loads_nothing_that_takes_long(shell: str, line: str) -> None:
    modules = loaded(env={**os.environ, **protocol(shell, line)})

    assert "typer" in modules
    assert not {"requests", "urllib3", "ssl", "keyring", "rich", "sqlite3"} & modules


def test_the_completion_scripts_are_those_that_the_generator_writes() -> None:
    scripts: Callable[[], Mapping[str, str]] = runpy.run_path(str(SCRIPTS / "generate.py"))[
        "scripts"
    ]

    written = {path.name: path.read_text() for path in SCRIPTS.iterdir() if path.is_file()}
    del written["generate.py"]
    assert written == scripts()


@contextmanager
def interactive(shell: list[str], set_up: str) -> Iterator[Any]:
    """A shell that believes that somebody types."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (50, 200))
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        shell,
        env={**os.environ, "PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    child = fdspawn(master, encoding="utf-8", timeout=20)
    try:
        child.send(f"{set_up}; echo set''-up\r")
        child.expect("set-up\r\n")
        yield child
    finally:
        process.kill()
        process.wait()
        child.close()


def press_tab(child: Any, line: str, words: set[str]) -> str:
    """Type a line and TAB, wait until every word is there, and give what the shell showed."""
    child.send(f"{line}\t")
    child.expect("".join(f"(?=[^$]*{re.escape(word)})" for word in words))
    child.send("\x15echo en''d\r")
    child.expect("end\r\n")
    return str(child.before)


BASH = (["bash", "--norc", "--noprofile", "-i"], f"PS1='> '; source {SCRIPTS}/loyalty.bash")
ZSH = ["zsh", "-f", "-i"]
INSTALLED = (ZSH, f"PS1='> '; fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -u -D")
SOURCED = (ZSH, f"PS1='> '; autoload -Uz compinit; compinit -u -D; source {SCRIPTS}/_loyalty")


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("shell", "set_up", "lines"),
    [
        (BASH[0], f"bind 'set show-all-if-ambiguous on'; {BASH[1]}", TYPED),
        (ZSH, f"{INSTALLED[1]}; unsetopt list_ambiguous", TYPED),
        (*SOURCED, TYPED[:1]),
    ],
    ids=["bash", "zsh", "zsh, sourced"],
)
def test_a_real_shell_offers_what_fits_from_the_first_tab_on(
    shell: list[str], set_up: str, lines: list[str]
) -> None:
    needs(shell[0])

    with interactive(shell, set_up) as child:
        for line in lines:
            assert "Error" not in press_tab(child, line, OFFERS[line])


@pytest.mark.parametrize(("shell", "set_up"), [BASH, INSTALLED], ids=["bash", "zsh"])
def test_tab_adds_no_space_between_an_option_and_its_value(shell: list[str], set_up: str) -> None:
    needs(shell[0])

    with interactive(shell, set_up) as child:
        child.send("loyalty --sandbox balance X -p omneo -O cu\tNZD -o c\tEND")
        child.expect("-O currency=NZD -o csv (\x08 )?END")  # zsh goes over its space again


def test_fish_offers_what_fits() -> None:
    needs("fish")
    asking = [f"echo '# {line}'; complete -C '{line}'" for line in TYPED]

    done = subprocess.run(
        ["fish", "-N", "-c", "; ".join([f"source {SCRIPTS}/loyalty.fish", *asking])],
        env={**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stderr == ""
    _, *answers = re.split(r"^# .*\n", done.stdout, flags=re.MULTILINE)
    for line, answer in zip(TYPED, answers, strict=True):
        assert offered("fish", answer) == OFFERS[line]
