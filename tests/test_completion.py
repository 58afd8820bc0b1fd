"""What TAB offers, in the shells themselves, and that nobody has to wait for it."""

import os
import re
import shlex
import subprocess
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pexpect.fdpexpect import fdspawn

from loyalty_cli import cli, providers
from loyalty_cli.commands.shared_options import FILES
from loyalty_cli.debits.journal.entries import State
from tests.config.descriptions.descriptions import ACME
from tests.conftest import PROGRAM, Run
from tests.requires import needs
from tests.test_cli import loaded

SCRIPTS = Path(cli.__file__).parents[1] / "completions"
PROVIDERS = set(providers.BUILT_IN)
ELSEWHERE = "elsewhere.yaml"
EVERYWHERE = {option for option in cli.GLOBALS if option.startswith("--")}
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
    "loyalty balance X -p club-1 -O all_programs=": {"all_programs=true", "all_programs=false"},
    "loyalty --sandbox balance X -O reward_type=C": {"reward_type=CREDIT"},
    "loyalty balance X -p po -O show=": set(),
    "loyalty balance X --lay": {"--layout"},
    "loyalty balance X --sand": {"--sandbox"},
    "loyalty --vers": {"--version"},
    "loyalty --version ba": {"balance"},
    "loyalty debit C-1 5 --unit ": {"CENTS", "miles"},
    "loyalty debit C-1 5 -p club-1 --unit ": {"CENTS"},
    "loyalty --sandbox debit C-1 5 -p gameball --unit ": {"points", "CENTS"},
    "loyalty journal list --state ": {str(state) for state in State},
    "loyalty journal list --state not": {"not_applied"},
    "loyalty init --provider gam": {"gameball"},
    "loyalty init --provider capillary --auth ": {"basic", "oauth"},
    "loyalty init --provider saasquatch --set ": {
        *("tenant=", "options.user_id=", "options.reward_type=", "base_url="),
    },
    "loyalty completion ": {"bash", "zsh", "fish", "powershell"},
    "loyalty completion bash --": {"--install", "--help"} | EVERYWHERE,
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
    "loyalty journal list --state ",
    "loyalty debit C-1 5 --unit ",
    "loyalty balance X -p club-1 --by ",
    "loyalty providers ",
]
"""What is typed into real shells, where each takes a while."""
FILE_NAMES = [
    *("loyalty --config ", "loyalty balance X --config ", "loyalty balance X --config=o"),
    *("loyalty balance --from ", "loyalty balance -f ", "loyalty balance --output-file o"),
    *(
        "loyalty balance --output-file=",
        "loyalty debit --from ",
        "loyalty diff ",
        "loyalty diff A ",
    ),
    *(
        "loyalty diff A ",
        "loyalty people import ",
        "loyalty history import ",
        "loyalty history import A ",
    ),
    *(
        "loyalty providers check ",
        "loyalty journal backup ",
        "loyalty journal restore ",
        "loyalty doctor --bundle ",
    ),
]
NOTHING = [
    *("loyalty balance ", "loyalty balance C-1 ", "loyalty balance C", "loyalty debit "),
    *("loyalty debit C-1 ", "loyalty debit C-1 5 --reference ", "loyalty balance --timeout "),
    *("loyalty journal list --customer ", "loyalty journal resolve R --why ", "loyalty profiles "),
    *("loyalty balance -P ", "loyalty journal show ", "loyalty schema "),
]
SHELLS = ["bash", "zsh", "fish", "powershell"]
BROKEN = {
    "nothing": "",
    "no map": "- a\n- b\n",
    "no YAML": "profiles: [[[{{{ \x00",
    "not UTF-8": "profiles: {\udcff: {provider: imprint}}\n",
    "no providers": "profiles: {points: , club: 7}\n",
    "commands": "profiles: {'$(touch x)': {provider: imprint}, '`x`\\$(y)': {provider: omneo}}\n",
}


Tab = Callable[[str, str], set[str]]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in force, one in the folder the shell is in, and one at home."""
    monkeypatch.chdir(tmp_path)
    in_force = tmp_path / "config.yaml"
    in_force.write_text(
        "profiles: {points: {provider: gameball, debit: {unit: miles}},"
        " club-1: {provider: capillary, base_url: 'https://c.example', debit: {unit: CENTS}},"
        " shop: {provider: acme}}\n"
    )
    (tmp_path / "providers").mkdir()
    described = {"acme": f"{ACME}options: {{show: what}}\n", "broken": "[", "$(touch x)": ACME}
    for name, text in described.items():
        (tmp_path / "providers" / f"{name}.yaml").write_text(text)
    (tmp_path / ELSEWHERE).write_text("profiles: {referrals: {provider: saasquatch, tenant: a}}\n")
    Path(environment["HOME"], ELSEWHERE).write_text("profiles: {at-home: {provider: imprint}}\n")
    monkeypatch.setenv("LOYALTY_CONFIG", str(in_force))


def asked(shell: str, line: str) -> tuple[dict[str, str], list[str]]:
    """The variables and the arguments with which a shell's script asks the program."""
    words = line.split(" ")[1:]
    asked = {"_LOYALTY_COMPLETE": shell}
    match shell:
        case "bash":
            return asked, [re.split("[=:@]", words[-1])[-1], line]
        case "powershell":
            return asked | {"_LOYALTY_WORDS": "\n".join(words)}, []
        case _:
            return asked, words


def offered(shell: str, answer: str) -> set[str]:
    """The words in the program's answer to a shell; bash gets the ends of them."""
    kind, _, rest = answer.partition("\n")
    if kind == "files":
        return {FILES}
    lines = rest.splitlines()
    match shell:
        case "bash":
            return {"".join(shlex.split(line)) for line in lines}
        case "zsh":
            texts = [re.split(r"(?<!\\):", line)[0] for line in lines]
            return {re.sub(r"\\(.)", r"\1", text) for text in texts}
        case _:
            return {line.partition("\t")[0] for line in lines}


@pytest.fixture
def tab(loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], set[str]]:
    """Ask as a shell's script does, and give what is offered; nothing may go wrong."""

    def ask(shell: str, line: str) -> set[str]:
        variables, arguments = asked(shell, line)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        done = loyalty(*arguments)
        for name in variables:
            monkeypatch.delenv(name)
        assert (done.code, done.err) == (0, "")
        return offered(shell, done.out)

    return ask


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line", OFFERS)
def test_tab_offers_what_fits_in_every_shell(tab: Tab, shell: str, line: str) -> None:
    expected = OFFERS[line]
    if shell == "bash":  # what is after "=" is another word there
        typed = f"{line.rpartition(' ')[2].partition('=')[0]}="
        expected = {word.removeprefix(typed) for word in expected}

    assert tab(shell, line) == expected


@pytest.mark.parametrize("line", FILE_NAMES)
def test_tab_leaves_the_names_of_files_to_the_shell_where_files_are_meant(
    tab: Tab, line: str
) -> None:
    assert {shell: tab(shell, line) for shell in SHELLS} == {shell: {FILES} for shell in SHELLS}


@pytest.mark.parametrize("line", NOTHING)
def test_tab_offers_nothing_where_nothing_is_known(tab: Tab, line: str) -> None:
    assert {shell: tab(shell, line) for shell in SHELLS} == {shell: set() for shell in SHELLS}


def test_tab_says_what_each_offer_is_where_the_shell_shows_it(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {}
    for shell in SHELLS:
        variables, arguments = asked(shell, "loyalty sandbox re")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        shown[shell] = loyalty(*arguments).out.splitlines()[1]

    what = "Forget all debits of the sandbox"
    assert shown["bash"] == "reset"
    assert shown["zsh"].startswith(f"reset:{what}")
    assert shown["fish"].startswith(f"reset\t{what}")
    assert shown["powershell"].startswith(f"reset\t{what}")


@pytest.mark.parametrize("broken", [*BROKEN, "no file", "a folder", "a pipe"])
def test_tab_prints_no_error_for_a_broken_profile_file(
    tab: Tab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str
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

    for line in (
        *("loyalty balance X -p ", "loyalty login ", "loyalty balance X -O nothing"),
        *("loyalty balance -P ", "loyalty journal show ", "loyalty debit C-1 5 --unit "),
    ):
        assert {each for shell in SHELLS for each in tab(shell, line)} == set()


ON_RECORD = ("loyalty balance -P ", "loyalty people show ", "loyalty journal show ")


@pytest.mark.parametrize(
    "broken",
    [b"", b"\0\1" * 3000, b"SQLite format 3\0" + b"\1" * 9000, "a pipe", "a folder", "a server"],
)
def test_tab_offers_nothing_and_says_nothing_of_a_broken_database(
    tab: Tab, tmp_path: Path, broken: bytes | str
) -> None:
    file = tmp_path / "broken.db"
    place: str | Path = file
    match broken:
        case "a pipe":
            os.mkfifo(file)
        case "a folder":
            file.mkdir()
        case "a server":
            place = "postgresql://192.0.2.1/loyalty"  # nobody answers there
        case bytes():
            file.write_bytes(broken)
    with (tmp_path / "config.yaml").open("a") as config:
        config.write(f"journal: {place}\npeople: {place}\n")

    assert {line: tab("fish", line) for line in ON_RECORD} == {line: set() for line in ON_RECORD}


def test_tab_finds_the_databases_that_the_profile_file_names(
    loyalty: Run, tab: Tab, tmp_path: Path
) -> None:
    with (tmp_path / "config.yaml").open("a") as config:
        config.write("journal: own/j.db\npeople: own/p.db\n")
    (tmp_path / "people.csv").write_text("person,name\nada@example.com,Ada\n")
    assert loyalty("people", "import", str(tmp_path / "people.csv")).code == 0
    assert loyalty("journal", "init").code == 0

    assert [tab("zsh", line) for line in ON_RECORD] == [{"ada@example.com", "Ada"}] * 2 + [set()]
    assert tab("zsh", "loyalty journal list -P ") == {"ada@example.com", "Ada"}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "line", ["loyalty ba", "loyalty balance X -p ", "loyalty balance X -O ", "loyalty providers "]
)
def test_tab_loads_nothing_that_takes_long(shell: str, line: str) -> None:
    variables, arguments = asked(shell, line)

    modules = loaded(*arguments, env={**os.environ, **variables})

    assert "typer" in modules
    assert not {"requests", "urllib3", "ssl", "keyring", "rich", "sqlite3"} & modules


@pytest.mark.parametrize(
    "line",
    [
        *("loyalty balance -P ", "loyalty journal show ", "loyalty debit C-1 5 --unit "),
        *("loyalty --sandbox balance -P ", "loyalty --sandbox debit C-1 5 --unit "),
    ],
)
def test_tab_loads_neither_network_nor_keyring_for_what_is_on_record(line: str) -> None:
    variables, arguments = asked("zsh", line)

    modules = loaded(*arguments, env={**os.environ, **variables})

    assert not {"requests", "urllib3", "keyring", "rich", "psycopg"} & modules


@contextmanager
def interactive(shell: list[str], set_up: str) -> Iterator[Any]:
    """A shell that believes that somebody types."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (50, 200))
    path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(
        ["setsid", "--ctty", *shell],  # fish wants a terminal of its own
        env={**os.environ, "PATH": path, "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
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


PEOPLE = """\
person,name
"1 O'Brien; $(touch x) `touch x`",Pat
"2 ""q"" \\b *?[a]{b,c}~#&|<>!^",
3:a@b=c %d+e,Zoë: q
~root,
-dash,
"""
REFERENCE = "it's 5: $HOME"
WHOLE = {
    "-P 1": "<-P><1 O'Brien; $(touch x) `touch x`>",
    "-P '1": "<-P><1 O'Brien; $(touch x) `touch x`>",
    '-P "1': "<-P><1 O'Brien; $(touch x) `touch x`>",
    r"-P 1\ O\'B": "<-P><1 O'Brien; $(touch x) `touch x`>",
    "--person=1": "<--person=1 O'Brien; $(touch x) `touch x`>",
    "-P 2": r"""<-P><2 "q" \b *?[a]{b,c}~#&|<>!^>""",
    "-P 3:a@": "<-P><3:a@b=c %d+e>",
    "-P Z": "<-P><Zoë: q>",
    r"-P \~": "<-P><~root>",
    "--output=jsonl": "<--output=jsonl>",
    "-p saasquatch -O reward_type=F": "<-p><saasquatch><-O><reward_type=FUELTANK>",
    "-f my": "<-f><my 'list'.csv>",
    "--from=my": "<--from=my 'list'.csv>",
    "C-1 my": "<C-1><my>",
}
"""What is typed after `show --sandbox balance`, and what the program gets after TAB and Enter."""
SHOW = "show() { printf '<%s>' \"$@\"; echo; }"
FISH = """\
complete -c show -f -a '(__loyalty_complete)'; function show; printf '<%s>' $argv; echo; end\
"""
SHOWING = {
    "bash": (BASH[0], f"{BASH[1]}; complete -F _loyalty show; {SHOW}"),
    "zsh": (ZSH, f"{INSTALLED[1]}; compdef _loyalty show; {SHOW}"),
    "fish": (
        ["fish", "-N", "-i"],
        f"{FISH}; source {SCRIPTS}/loyalty.fish",
    ),
}


@pytest.mark.parametrize("shell", SHOWING)
def test_whatever_a_name_has_in_it_tab_types_it_whole_and_the_shell_runs_none_of_it(
    loyalty: Run, tmp_path: Path, shell: str
) -> None:
    needs(shell)
    folder = tmp_path / "folder"
    (tmp_path / "people.csv").write_text(PEOPLE)
    assert loyalty("--sandbox", "people", "import", str(tmp_path / "people.csv")).code == 0
    debit = ("--sandbox", "debit", "C-1001", "5", "-p", "gameball", "-y", "--reference", REFERENCE)
    assert loyalty(*debit).code == 0
    folder.mkdir()
    (folder / "my 'list'.csv").write_text("profiles: {at-home: {provider: imprint}}\n")
    program, set_up = SHOWING[shell]
    lines = {
        f"--sandbox balance {typed}": f"<--sandbox><balance>{got}" for typed, got in WHOLE.items()
    }
    lines |= {
        "--sandbox journal show it": f"<--sandbox><journal><show><{REFERENCE}>",
        r"--config my\ \'list\'.csv login at": "<--config><my 'list'.csv><login><at-home>",
    }

    with interactive(program, f"cd {folder}; {set_up}") as child:
        for typed, got in lines.items():
            child.send(f"show {typed}\t\r")
            child.expect_exact(got)

    assert [each.name for each in folder.iterdir()] == ["my 'list'.csv"]


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
        offers = dict(each.partition("\t")[::2] for each in answer.splitlines())
        assert offers.keys() == OFFERS[line]
        assert bool(offers.get("balance")) == ("balance" in offers)  # what it is
