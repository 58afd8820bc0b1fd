"""The commands of the pages run, in their order, with profiles like those of the pages.

A page that is not here has a test of its own, which runs its commands.
"""

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pexpect
import pytest

from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.embedded import serving
from tests.conftest import PROGRAM
from tests.documentation.pages import ROOT, blocks, page
from tests.requires import needs

HERE = (
    *("README.md", "docs/completion.md", "docs/debits.md", "docs/doctor.md", "docs/history.md"),
    *("docs/output.md", "docs/people.md"),
)
SANDBOX = "docs/sandbox.md"
ELSEWHERE = {
    "docs/bulk.md": "tests/documentation/test_bulk.py",
    "docs/commands.md": "tests/commands/help/test_examples.py",
    "docs/cron.md": "tests/documentation/test_cron.py",
    "docs/install.md": "tests/proofs/installs.py",
    "docs/own-platform.md": "tests/documentation/test_own_platform.py",
    "docs/profiles.md": "tests/documentation/test_pages.py",
}
PROVIDERS = {
    "points": "gameball",
    "card": "imprint",
    "club": "capillary",
    "store": "omneo",
    "referrals": "saasquatch",
}
PROFILES = """\
default_profile: referrals
profiles:
  points: {{provider: gameball, base_url: '{url}/gameball', debit: {{allow: true, unit: points}}}}
  card: {{provider: imprint, base_url: '{url}/imprint'}}
  club: {{provider: capillary, base_url: '{url}/capillary', auth: basic}}
  store: {{provider: omneo, base_url: '{url}/omneo'}}
  referrals:
    provider: saasquatch
    base_url: {url}/saasquatch
    tenant: sandbox
    debit: {{allow: true, unit: CENTS}}
history: true
"""
EXPORT = (
    '{"schema_version":2,"profile":"points","provider":"gameball","customer":"C-1001",'
    '"sandbox":false,"asked":{"by":"id"},"platform_customer":null,'
    '"retrieved_at":"2026-11-20T05:00:00Z","balances":[{"name":"Reward Points","kind":"points",'
    '"unit":"points","basis":"stated","includes_pending":true,"sum_of":null,"available":%d,'
    '"pending":null,"total":null,"earned":null,"redeemed":null,"expired":null,"cancelled":null,'
    '"count":null,"value":null,"next_expiry":null}],"details":null,"warnings":[],"error":null}\n'
)
FILES = {
    "customers.csv": "customer\nC-1001\nC-1002\n",
    "people.csv": (
        "person,name,points,card,club,store,referrals\n"
        "ada@example.com,Ada Lovelace,C-1001,C-1001,C-1001,C-1001,C-1001\n"
        "+61 412 345 678,Bob,cus_8812,,,17,\n"
    ),
    "debits.csv": "customer,amount,reference\nC-1001,250,order-1\nC-1001,100,order-2\n",
    "balances-20.jsonl": EXPORT % 1200,
    "balances-21.jsonl": EXPORT % 700,
}
NOT_HERE = {
    "make": "CI runs them",
    "pip install": "tests/proofs/installs.py",
    "pipx install": "tests/proofs/installs.py",
    "loyalty init": "asks everything: tests/commands/init/test_init.py",
    "loyalty login": "needs a keyring: tests/commands/test_login.py",
    "loyalty journal accept-failover": "needs two servers: tests/debits/journal",
}
"""Commands that are not run here, and where they are."""
UNSENT = "env -u LOYALTY_REFERRALS_API_KEY loyalty debit C-1001 5 --reference {} --yes || true"
LOST = "loyalty debit E-lost-reply 5 --reference {} --yes || true"
REFUSED = "loyalty debit E-insufficient 5 --reference {} --yes || true"
RESTORED = "rm .local/state/loyalty/journal.db*; loyalty journal restore journal-2026-11-20.db"
BEFORE = {
    "loyalty journal drop order-17": UNSENT,
    "loyalty journal resolve order-17 --confirmed": LOST,
    "loyalty journal resolve order-17 --not-applied": LOST,
    "loyalty journal resolve order-18": REFUSED,
    "loyalty journal restore --reviewed": RESTORED,
}
"""What makes the debit or the gap that a command is about; its debit has its own reference."""
TO_THE_LETTER = ("README.md", "docs/output.md")
"""The pages whose profiles are those of this test, so that it shows what they show."""
ENDS = {
    "loyalty --sandbox balance E-404": 5,
    "loyalty balance ada@example.com --by email": 5,
    "loyalty debit -P cus_8812": 5,
}
"""The commands about customers that the sandbox does not have."""


class Machine(NamedTuple):
    """A home with a profile file, and the files that the pages name."""

    home: Path

    def run(self, command: str) -> tuple[str, int]:
        """Run a command in a terminal, and answer its questions: what it shows, and its end."""
        program = pexpect.spawn(
            "/bin/sh", ["-c", command], cwd=self.home, timeout=60, encoding="utf-8"
        )
        shown = ""
        while program.expect([pexpect.EOF, r"\[y/N\] $"]):
            shown += str(program.before)
            program.sendline("y")
        program.close()
        assert program.exitstatus is not None
        return shown + str(program.before), program.exitstatus


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    home = tmp_path / "home"
    (home / "bin").mkdir()
    (home / "bin/loyalty").symlink_to(PROGRAM)
    maker = home / "bin/make-debits"
    maker.write_text("#!/bin/sh\nprintf 'customer,amount,reference\\nC-1001,5,order-9\\n'\n")
    maker.chmod(0o700)
    for name, text in FILES.items():
        (home / name).write_text(text)
    variables = {
        "PATH": f"{home}/bin:{os.environ['PATH']}",
        "TERM": "xterm",
    }
    for profile, provider in PROVIDERS.items():
        for field, secret in APIS[provider].credentials.items():
            variables[f"LOYALTY_{profile}_{field}".upper()] = secret
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    with serving() as url:
        config = home / ".config/loyalty/config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(PROFILES.format(url=url))
        config.chmod(0o600)
        yield Machine(home)


@pytest.mark.parametrize("path", sorted(HERE))
def test_the_commands_of_a_page_run_in_their_order(path: str, machine: Machine) -> None:
    needs("jq")
    for number, command in enumerate(commands(path)):
        if any(command.startswith(each) for each in NOT_HERE):
            continue
        moved = command.replace("/var/backups", str(machine.home))
        for begins, before in BEFORE.items():
            if command.startswith(begins):
                machine.run(before.format(f"its-{number}"))
                moved = re.sub(r"order-1[78]", f"its-{number}", moved, count=1)
        expected = next((code for begins, code in ENDS.items() if command.startswith(begins)), 0)

        shown, code = machine.run(moved)

        assert code == expected, f"{moved}\n{shown}"
        if path in TO_THE_LETTER:
            for line in outputs(path)[number]:
                assert line.partition("…")[0] in shown.replace("\r\n", "\n"), command


def test_the_sandbox_is_served_as_its_page_says(machine: Machine) -> None:
    needs("curl")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve, *asking = (each.replace("8080", str(port)) for each in commands(SANDBOX))
    served = pexpect.spawn("/bin/sh", ["-c", serve.replace(" &", "")], cwd=machine.home)
    served.expect("Ctrl-C")
    try:
        for command in asking:
            shown, code = machine.run(command)
            assert code == 0, shown
            assert "120000" in shown
    finally:
        served.sendintr()
        served.expect(pexpect.EOF)
        served.close()


def test_every_page_with_commands_has_a_test_that_runs_them() -> None:
    pages = ["README.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
    with_commands = {path for path in pages if blocks(page(path), "console")}
    assert with_commands == {*HERE, SANDBOX, *ELSEWHERE}
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())


def commands(path: str) -> list[str]:
    """The commands of a page, each with the lines that go on with it."""
    found: list[str] = []
    for block in blocks(page(path), "console"):
        continues = False
        for line in block.splitlines():
            text = line.strip()
            if text.startswith("$ "):
                found.append(text.removeprefix("$ "))
            elif continues:
                found[-1] += f"\n{text}"
            continues = text.endswith(("|", "\\"))
    return found


def outputs(path: str) -> list[list[str]]:
    """What a page shows of each of its commands; what stands for more ends with `…`."""
    found: list[list[str]] = []
    for block in blocks(page(path), "console"):
        continues = False
        for line in map(str.strip, block.splitlines()):
            if line.startswith("$ "):
                found.append([])
            elif not continues:
                found[-1].append(line)
            continues = line.endswith(("|", "\\"))
    return found
