"""A real cache on the way to the platform never fools anybody: neither a debit nor evidence."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loyalty_cli.debits.journal import uptime
from tests.debits.conftest import CliWith, CommandLine
from tests.fakes.faulty_platform import NEVER, as_json, honest
from tests.fakes.servers import Wire, unused_port, wait_for_port
from tests.requires import NOBODY, needs

RULES = """\
http_port 127.0.0.1:{port} accel defaultsite=127.0.0.1 no-vhost
cache_peer 127.0.0.1 parent {behind} 0 no-query originserver name=platform
cache_peer_access platform allow all
http_access allow all
cache_mem 8 MB
cache_effective_user nobody
pid_filename {folder}/squid.pid
access_log none
cache_log /dev/null
cache_store_log none
coredump_dir {folder}
shutdown_lifetime 0 seconds
pinger_enable off
refresh_pattern . 60 100% 60 override-expire ignore-no-store ignore-private {more}
"""
CACHEABLE = ("Cache-Control: public, max-age=3600", "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT")

Cached = Callable[[str], CommandLine]


@pytest.fixture
def cached(cli_with: CliWith, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cached]:
    """Put a cache before the platform, whose balances may be kept for an hour."""
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
    needs("squid")
    running: list[subprocess.Popen[bytes]] = []
    folder = TemporaryDirectory()
    shutil.chown(folder.name, NOBODY)

    def putting(more: str = "") -> CommandLine:
        cli = cli_with()
        port = unused_port()
        rules = Path(folder.name) / "squid.conf"
        behind = cli.platform.url.rpartition(":")[2]
        rules.write_text(RULES.format(port=port, behind=behind, folder=folder.name, more=more))
        running.append(subprocess.Popen(["squid", "-N", "-f", str(rules)]))
        wait_for_port(port)
        cli.configure(cli.platform.url, f"http://127.0.0.1:{port}")

        def may_be_kept(wire: Wire) -> bool:
            wire.send(as_json(cli.platform.balance("/?accountId=C-1"), "200 OK", *CACHEABLE))
            return True

        cli.platform.on_read = may_be_kept
        return cli

    try:
        yield putting
    finally:
        for each in running:
            each.kill()
            each.wait()
        folder.cleanup()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass."""
    began = uptime.seconds_awake_or_asleep()
    passed = [0.0]
    monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: began + passed[0])

    def let(seconds: float) -> None:
        passed[0] += seconds

    return let


def test_an_obedient_cache_passes_each_balance_request_on(
    cached: Cached, passes: Callable[[float], None]
) -> None:
    cli = cached("")
    assert [cli.debit(reference=f"r-{each}").code for each in range(3)] == [0, 0, 0]
    cli.platform.debit = NEVER
    assert cli.debit(reference="lost").code == 8

    for wait, state in [(1000, "unknown"), (61, "not_applied")]:
        passes(wait)
        assert cli.reconcile().record["state"] == state
    assert cli.platform.reads == 6


def test_a_balance_from_a_disobedient_cache_is_neither_credit_nor_evidence(
    cached: Cached, passes: Callable[[float], None]
) -> None:
    cli = cached("ignore-reload")
    cli.platform.debit = NEVER
    assert cli.debit(reference="lost").code == 8
    cli.platform.debit = honest

    for _ in range(3):
        passes(1000)
        done = cli.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert "came from a cache (Age: " in done.record["error"]["message"]
    again = cli.loyalty(
        "journal", "resolve", "lost", "--not-applied", "--why", "the platform's list"
    )
    assert again.code == 0
    assert cli.platform.reads == 1
