"""The jobs of docs/cron.md as cron and systemd run them: no terminal, no HOME, stdin closed."""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import PROGRAM, Outcome
from tests.documentation.pages import blocks, page
from tests.fakes.debit_platform import DebitPlatform, platform
from tests.fakes.systemd import verified
from tests.requires import needs

PAGE = page("docs/cron.md")
DEBITS = "## A job that debits"
SECRETS = {
    "points.api_key": "sandbox-gameball-key",
    "points.secret_key": "sandbox-gameball-secret",
    "referrals.api_key": "sandbox-saasquatch-key",
}
POINTS = "  points: {{provider: gameball, base_url: {url}/gameball}}\n"
UNITS = {block.splitlines()[0].rpartition("/")[2]: block for block in blocks(PAGE, "ini")}
JOBS = [
    line
    for block in blocks(PAGE, "crontab")
    for line in block.splitlines()
    if re.match(r"[\d*]", line)
]
SERVICES = [name for name in UNITS if name.endswith(".service")]


def lines_of(unit: str, key: str) -> list[str]:
    """The values of a key in a unit."""
    return re.findall(rf"^{key}=(.*)$", UNITS[unit], re.MULTILINE)


class Host(NamedTuple):
    """A machine set up as the page says, its folders moved."""

    folder: Path
    platform: DebitPlatform

    def moved(self, text: str) -> str:
        """The page's text with the paths of this machine."""
        text = text.replace("/opt/loyalty/bin/loyalty", str(PROGRAM))
        for place in ("/etc/loyalty", "/var/lib/loyalty"):
            text = text.replace(place, f"{self.folder}{place}")
        return text

    def path(self, path: str) -> Path:
        return Path(self.moved(path))

    def shell(
        self, command: str, env: Mapping[str, str], content: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command with nothing but `env`, no terminal, and stdin closed unless given."""
        closed = "exec <&-; " if content is None else ""
        return subprocess.run(
            [
                *("/usr/bin/env", "-i", *(f"{key}={value}" for key, value in env.items())),
                *("/bin/sh", "-c", closed + self.moved(command)),
            ],
            input=content,
            stdin=subprocess.DEVNULL if content is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            start_new_session=True,
            cwd="/",
        )

    def cron(self, job: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the crontab as cron does."""
        (block,) = {block for block in blocks(PAGE, "crontab") if job in block}
        env = dict(re.findall(r"^([A-Z_]+)=(.*)$", self.moved(block), re.MULTILINE))
        return self.shell(job.split(maxsplit=5)[5], {"PATH": "/usr/bin:/bin", **env})

    def systemd(self, unit: str) -> Outcome:
        """Run a service as systemd does, and read what it appended to its file."""
        credentials = self.folder / "run" / unit
        credentials.mkdir(parents=True, exist_ok=True)
        for each in lines_of(unit, "LoadCredential"):
            name, _, source = each.partition(":")
            shutil.copy(self.path(source), credentials / name)
        variables = (each.split("=", 1) for each in lines_of(unit, "Environment"))
        env = {name: self.moved(value) for name, value in variables}
        (command,) = lines_of(unit, "ExecStart")
        done = self.shell(command, {**env, "CREDENTIALS_DIRECTORY": str(credentials)})
        return Outcome(done.returncode, done.stdout, done.stderr)

    def written(self, name: str) -> list[Any]:
        """The records that a job appended to its file."""
        lines = self.path(f"/var/lib/loyalty/{name}").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def ask_for(self, *rows: str) -> None:
        """Write the file of debits."""
        text = "\n".join(["reference,customer,amount", *rows, ""])
        self.path("/var/lib/loyalty/debits.csv").write_text(text)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    with platform(tmp_path, monkeypatch) as there:
        host = Host(tmp_path, there)
        for place in ("/etc/loyalty", "/var/lib/loyalty"):
            host.path(place).mkdir(parents=True)
        (config,) = blocks(PAGE, "yaml")
        config = config.replace(
            "    tenant: acme\n", f"    tenant: sandbox\n    base_url: {there.url}/saasquatch\n"
        )
        config = config.replace("journal:", POINTS.format(url=there.url) + "journal:")
        host.path("/etc/loyalty/config.yaml").write_text(host.moved(config))
        host.path("/etc/loyalty/config.yaml").chmod(0o600)
        (rows,) = blocks(PAGE, "csv")
        host.path("/var/lib/loyalty/debits.csv").write_text(rows)
        for command in re.findall(r"^\$ (.*)$", "".join(blocks(PAGE, "console")), re.MULTILINE):
            secret = f"{SECRETS.get(command.rpartition('/')[2], '')}\n"
            done = host.shell(command, {"PATH": "/usr/bin:/bin"}, secret)
            assert (done.returncode, done.stdout) == (0, ""), done.stderr
        yield host


def test_the_cron_page_has_each_job_for_cron_and_for_systemd() -> None:
    assert [shlex.split(job)[6] for job in JOBS] == ["balance", "debit", "journal", "journal"]
    assert list(UNITS) == [
        "loyalty-balance.service",
        "loyalty-debits.service",
        "loyalty-debits.timer",
        "loyalty-reconcile.service",
    ]


def test_the_credentials_and_the_journal_of_a_job_are_the_users_alone(host: Host) -> None:
    for name, secret in SECRETS.items():
        path = host.path(f"/etc/loyalty/credentials/{name}")
        assert path.read_text() == f"{secret}\n"
        assert path.stat().st_mode & 0o777 == 0o600
    assert host.path("/var/lib/loyalty/journal.db").stat().st_mode & 0o777 == 0o600


def test_the_jobs_of_the_cron_page_write_their_records_and_print_nothing(host: Host) -> None:
    for job in JOBS:
        done = host.cron(job)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    (balance,) = host.written("balances.jsonl")
    assert balance["balances"][0]["available"] == 1200
    first, second = host.written("debits.jsonl")
    assert (first["reference"], second["reference"]) == ("2026-11-20/1", "2026-11-20/2")
    assert first["state"] == second["state"] == "confirmed"
    assert host.written("reconciled.jsonl") == []


def test_a_job_that_runs_twice_debits_once(host: Host) -> None:
    (debits,) = [job for job in JOBS if " debit " in job]

    codes = [host.cron(debits).returncode for _ in range(2)]

    assert codes == [0, 0]
    assert len(host.platform.debits) == 2
    assert [each["replayed"] for each in host.written("debits.jsonl")] == [False] * 2 + [True] * 2


def test_a_debit_left_unknown_by_one_job_is_settled_by_the_next(host: Host) -> None:
    _, debits, settles, _ = JOBS
    host.ask_for("a,E-lost-reply,250", "b,C-1001,100")

    lost = host.cron(debits)
    settled = host.cron(settles)
    again = host.cron(debits)

    assert (lost.returncode, settled.returncode, again.returncode) == (8, 0, 0)
    assert lost.stderr.startswith("Error: a: the debit was sent, and it is unknown whether it")
    assert [each["state"] for each in host.written("reconciled.jsonl")] == ["confirmed"]
    assert len(host.platform.debits) == 2


def test_the_backup_job_makes_a_file_for_each_night(host: Host) -> None:
    *_, backs_up = JOBS
    host.cron(JOBS[1])

    first, second = host.cron(backs_up), host.cron(backs_up)

    assert (first.returncode, first.stdout) == (0, "")
    assert second.stdout == "no backup of the journal\n"
    (backup,) = host.path("/var/lib/loyalty/backups").iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.db", backup.name)
    made, refused, _ = host.path("/var/lib/loyalty/backups.log").read_text().splitlines()
    assert made.startswith(f"the backup {backup} was made: 2 debits, ")
    assert "exists already" in refused


def test_a_job_without_its_credential_is_an_error_and_asks_nobody(host: Host) -> None:
    host.path("/etc/loyalty/credentials/referrals.api_key").unlink()

    done = host.cron(JOBS[1])

    assert done.returncode == 4
    assert "no api_key for the profile 'referrals'" in done.stderr
    assert host.platform.asked == []
    assert {each["state"] for each in host.written("debits.jsonl")} == {"planned"}


@pytest.mark.parametrize("unit", SERVICES)
def test_each_service_uses_the_credentials_that_systemd_loads(host: Host, unit: str) -> None:
    done = host.systemd(unit)

    assert (done.code, done.err) == (0, "")
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [each["error"] for each in records] == [None] * len(records)
    assert len(records) == {"balance": 1, "debits": 2, "reconcile": 0}[unit.split("-")[1][:-8]]


def test_a_service_that_leaves_a_debit_unknown_fails_and_reconcile_settles_it(
    host: Host,
) -> None:
    host.ask_for("a,E-lost-reply,250")

    assert host.systemd("loyalty-debits.service").code == 8
    assert lines_of("loyalty-debits.service", "OnFailure") == ["loyalty-reconcile.service"]
    assert host.systemd("loyalty-reconcile.service").code == 0


def test_systemd_finds_no_mistake_in_the_units_of_the_cron_page(host: Host, tmp_path: Path) -> None:
    needs("systemd-analyze")
    paths = [tmp_path / name for name in UNITS]
    for path in paths:
        path.write_text(host.moved(UNITS[path.name]))

    assert verified(paths) == (0, [])


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130, 143])
def test_the_cron_page_says_what_a_debit_job_should_do_after_each_exit_code(code: int) -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE.partition(DEBITS)[2], re.MULTILINE)

    assert [str(code) in re.findall(r"\d+", row) for row in rows].count(True) == 1
