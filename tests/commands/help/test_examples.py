"""Every example of a --help is a command that runs, against a served sandbox."""

import io
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pexpect
import pytest

from loyalty_cli.cli import program
from loyalty_cli.commands.help.examples import EXAMPLES
from loyalty_cli.commands.help.page import pages
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.embedded import serving
from loyalty_cli.sandbox.profiles import profile_file
from tests.conftest import PROGRAM, Run
from tests.documentation.pages import blocks, page
from tests.fakes import backends

CREDENTIALS = APIS["gameball"].credentials
FILES: Mapping[str, str] = {
    "customers.csv": "customer\nC-1001\nC-1002\n",
    "debits.csv": "customer,amount,reference\nC-1001,150,a\nC-1001,200,b\n",
    "people.csv": f"person,name,{','.join(APIS)}\n"
    f"ada@example.com,Ada Lovelace{',C-1001' * len(APIS)}\n"
    f"bob@example.com,Bob{',C-1002' * len(APIS)}\n",
    "acme.yaml": blocks(page("docs/own-platform.md"), "yaml")[0],
    "credentials": "".join(f"{name}={value}\n" for name, value in CREDENTIALS.items()),
}
DEBIT = "loyalty debit C-1001 500 --reference invoice-17 --yes"
LOST = "loyalty debit {} 500 --reference {} --yes"
NOT_MADE = "loyalty journal resolve {} --not-applied --why 'not there'"
COPY = "loyalty journal backup journal-copy.db"
IMPORT = "loyalty people import people.csv"
EXPORTS = [
    "loyalty balance C-1001 -p gameball --output-file balances-20.jsonl",
    "loyalty debit C-1001 500 --reference x --yes -p gameball",
    "loyalty balance C-1001 -p gameball --output-file balances-21.jsonl",
]
BEFORE: Mapping[str, Sequence[str]] = {
    "loyalty balance": [IMPORT],
    "loyalty diff": EXPORTS,
    "loyalty history": [IMPORT, "loyalty balance C-1001"],
    "loyalty history import": EXPORTS,
    "loyalty history prune": ["loyalty balance C-1001"],
    "loyalty journal list": [DEBIT],
    "loyalty journal show": [DEBIT],
    "loyalty journal resolve": [
        LOST.format("E-lost-reply", "invoice-17"),
        LOST.format("E-late", "invoice-18"),
    ],
    "loyalty journal drop": [
        LOST.format("E-lost-reply", "invoice-17"),
        NOT_MADE.format("invoice-17"),
        LOST.format("E-late", "invoice-18"),
        NOT_MADE.format("invoice-18"),
    ],
    "loyalty journal restore": [COPY, DEBIT],
    "loyalty people show": [IMPORT],
    "loyalty people set": [IMPORT],
    "loyalty people forget": [IMPORT],
    "loyalty people export": [IMPORT],
}
"""What a person has done before, at a sandbox with an empty journal."""
ANSWERS: Mapping[str, Sequence[str]] = {
    "loyalty login gameball": list(CREDENTIALS.values()),
    "loyalty people forget ada@example.com": ["y"],
}
"""What the person is asked, and answers."""
EXPECTED: Mapping[str, int] = {
    # There is no terminal to ask on, and no key for the new profile.
    "loyalty init": ExitCode.USAGE,
    "loyalty init --provider saasquatch --name referrals --set tenant=acme": ExitCode.USAGE,
    # The journal of the test is a file.
    "loyalty journal accept-failover --why 'no debit was lost'": ExitCode.USAGE,
}
KEYRING = {
    "PYTHON_KEYRING_BACKEND": "tests.fakes.backends.Memory",
    "PYTHONPATH": str(Path(__file__).parents[3]),
}


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the files of the examples, and a profile file for a served sandbox."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    backends.use(monkeypatch, backends.Memory())
    for name, api in APIS.items():
        for field, value in api.credentials.items():
            monkeypatch.setenv(environment_name(name, field), value)
    with serving() as url:
        printed = profile_file(url, tmp_path / "journal.db", tmp_path / "people.db")
        Path("config.yaml").write_text(f"{printed}history: true\n")
        Path("config.yaml").chmod(0o600)
        monkeypatch.setenv("LOYALTY_CONFIG", str(tmp_path / "config.yaml"))
        yield


AtAPrompt = Callable[[str], tuple[int, str]]


@pytest.fixture
def at_a_prompt(account: None, loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> AtAPrompt:
    """Run a line as a shell would, where it can be; give its exit code, and what it said."""
    del account

    def run(line: str) -> tuple[int, str]:
        if line in ANSWERS:
            return asked(line, ANSWERS[line]), ""
        if line.startswith("loyalty sandbox --port"):
            return served(line.partition(">")[0]), ""
        line, _, target = line.partition(" >")
        line, _, source = line.partition(" <")
        content = Path(source).read_bytes() if source else b""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        done = loyalty(*shlex.split(line)[1:])
        if target:
            Path(target).write_text(done.out)
        return done.code, done.err

    return run


def asked(line: str, answers: Sequence[str]) -> int:
    """Run a line that asks for something on a terminal."""
    child = pexpect.spawn(
        str(PROGRAM), shlex.split(line)[1:], env={**os.environ, **KEYRING}, encoding="utf-8"
    )
    for answer in answers:
        child.expect(r"(: |\[y/N\] )$")
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return ExitCode(child.exitstatus or 0)


def served(line: str) -> int:
    """Start a line that ends with Ctrl-C, and end it."""
    with subprocess.Popen(
        [PROGRAM, *line.replace("8080", "0").split()[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        is_ready = process.stdout.readline().startswith(b"# The sandbox at")
        process.send_signal(signal.SIGINT)
    return ExitCode.OK if is_ready else ExitCode.DEFECT


def test_every_command_has_two_to_five_examples() -> None:
    paths = [page.path for page in pages(program(), "loyalty")]

    assert paths == list(dict.fromkeys(paths))
    assert sorted(paths) == sorted(EXAMPLES)
    assert [path for path, each in EXAMPLES.items() if not 2 <= len(each) <= 5] == []


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_examples_of_a_command_run(
    path: str, at_a_prompt: Callable[[str], tuple[int, str]]
) -> None:
    lines = [each.command for each in EXAMPLES[path]]
    first = BEFORE.get(path, ())
    if path != "loyalty journal init":
        first = ["loyalty journal init", *first]

    for line in first:
        code, said = at_a_prompt(line)
        assert code in (ExitCode.OK, ExitCode.OUTCOME_UNKNOWN), said
    for line in lines:
        code, said = at_a_prompt(line)
        assert (line, code) == (line, EXPECTED.get(line, ExitCode.OK)), said
