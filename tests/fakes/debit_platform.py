"""A sandbox for debits: a profile file, credentials, a journal, and all that it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from loyalty_cli.sandbox.embedded import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Handle, Received, Reply, Server
from tests.fakes.standing_clock import StandingClock

CREDENTIALS = {
    "club.api_key": "sandbox-saasquatch-key",
    "points.api_key": "sandbox-gameball-key",
    "points.secret_key": "sandbox-gameball-secret",
    "card.api_key": "sandbox-imprint-key",
}
PROFILES = """\
default_profile: club
profiles:
  club:
    provider: saasquatch
    base_url: {url}/saasquatch
    tenant: sandbox
    debit: {{allow: true, unit: CENTS, max_amount: 5000, max_total: 20000, settle: {settle}}}
  points:
    provider: gameball
    base_url: {url}/gameball
    debit: {{allow: true, unit: points, max_amount: 5000}}
  closed: {{provider: gameball, base_url: {url}/gameball}}
  card: {{provider: imprint, base_url: {url}/imprint}}
journal: {journal}
"""


class DebitPlatform(NamedTuple):
    """What a test has of it."""

    url: str
    file: Path
    journal: Path
    clock: StandingClock
    asked: list[Received]
    replies: list[Reply]
    """What to answer to the next debits instead."""

    @property
    def debits(self) -> list[Received]:
        """The debits that it was sent, in their order."""
        return list(filter(_is_debit, self.asked))

    def write(self, settle: float = 900) -> None:
        """Write the profile file."""
        text = PROFILES.format(url=self.url, journal=self.journal, settle=settle)
        self.file.write_text(text)
        self.file.chmod(0o600)


def _is_debit(received: Received) -> bool:
    return received.method == "POST" and received.path[-1] != "graphql"


@contextmanager
def platform(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DebitPlatform]:
    """Serve the sandbox with everything in place but the journal."""
    clock, asked, replies = StandingClock(), list[Received](), list[Reply]()
    handle: Handle = sandbox(Ledger(folder / "ledger.db", clock))

    def answer(received: Received) -> Reply:
        asked.append(received)
        if _is_debit(received):
            with suppress(IndexError):
                return replies.pop(0)
        return handle(received)

    with Server(answer) as server:
        there = DebitPlatform(
            server.url, folder / "config.yaml", folder / "journal.db", clock, asked, replies
        )
        there.write()
        monkeypatch.setenv("LOYALTY_CONFIG", str(there.file))
        for name, secret in CREDENTIALS.items():
            monkeypatch.setenv(f"LOYALTY_{name}".upper().replace(".", "_"), secret)
        yield there
