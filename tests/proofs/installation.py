"""A profile, a journal and debits to be made, and whether the journal then says the truth."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from loyalty_cli.debits.journal.entries import OPEN, TRANSITIONS, Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter, Journal
from tests.fakes.postgresql import PostgreSQL
from tests.proofs.programs import Run, start
from tests.proofs.truth_server import Truth

SETTLE = 2.0
TIMEOUT = 1.5


class Row(NamedTuple):
    """A debit of a trial; no two of an account have the same amount, so the truth can tell them."""

    reference: str
    customer: str
    amount: int


class Installation:
    """A folder with a profile file and a journal, before a platform."""

    def __init__(
        self,
        folder: Path,
        url: str,
        journal: str,
        provider: str = "saasquatch",
        timeout: float = TIMEOUT,
        *,
        without: str = "",
    ) -> None:
        self.folder = folder
        self._without = without
        self.journal = journal
        self.config = folder / "config.yaml"
        unit, more = ("points", "") if provider == "gameball" else ("CENTS", "tenant: acme, ")
        self.config.write_text(
            f"journal: '{journal}'\n"
            "default_profile: shop\n"
            f"profiles:\n  shop: {{provider: {provider}, {more}base_url: '{url}',"
            f" timeout: {timeout},"
            f" debit: {{allow: true, unit: {unit}, settle: {SETTLE}}}}}\n"
        )
        self.config.chmod(0o600)
        self.environment: Mapping[str, str] = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "LOYALTY_CONFIG": str(self.config),
            "LOYALTY_SHOP_API_KEY": "key",
            "LOYALTY_SHOP_SECRET_KEY": "secret",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        }

    def start(self, *arguments: str, host: str = "") -> Run:
        """Start the program, without the rule that is switched off, if one is."""
        return start(self.folder, self.environment, *arguments, host=host, without=self._without)

    def finish(self, *arguments: str) -> Run:
        run = self.start(*arguments)
        run.wait()
        return run

    def command(self, rows: Sequence[Row], name: str = "debits") -> list[str]:
        """What makes these debits: a line for one, a file for more."""
        always = ["--yes", "-o", "json"]
        if len(rows) == 1:
            (row,) = rows
            return ["debit", row.customer, str(row.amount), "--reference", row.reference, *always]
        file = self.folder / f"{name}.csv"
        lines = [f"{row.reference},{row.customer},{row.amount}\n" for row in rows]
        content = "".join(["reference,customer,amount\n", *lines])
        if not file.exists() or file.read_text() != content:  # others may be reading it
            part = file.with_suffix(".part")
            part.write_text(content)
            part.replace(file)
        return ["debit", "--from", str(file), *always]

    def entries(self) -> list[Entry]:
        with self._open() as journal:
            return list(journal.find(Filter()))

    def history(self) -> set[tuple[str, str, str]]:
        """All that the journal has on record of anything, to be held against what it has later."""
        with self._open() as journal:
            return {
                (entry.key.reference, event.at.isoformat(), f"{event.before} {event.after}")
                for entry in journal.find(Filter())
                for event in journal.events(entry.key)
            }

    def contradictions(
        self, truth: Truth, rows: Sequence[Row], *, aside: Collection[str] | None = None
    ) -> list[str]:
        """Hold the journal against the truth, when no program runs.

        After an older backup was restored, `aside` is what a person took out of the files.
        """
        with self._open() as journal:
            return list(_contradictions(journal, truth, rows, aside))

    @contextmanager
    def _open(self) -> Iterator[Journal]:
        journal = open_journal(self.journal)
        try:
            yield journal
        finally:
            journal.close()


def _contradictions(
    journal: Journal, truth: Truth, rows: Sequence[Row], aside: Collection[str] | None
) -> Iterator[str]:
    entries = {entry.key.reference: entry for entry in journal.find(Filter())}
    for row in rows:
        if truth.applied(row.customer, row.amount) > 1:
            yield f"{row}: debited {truth.applied(row.customer, row.amount)} times"
        if row.reference not in (aside or ()):
            yield from _contradiction(journal, truth, row, entries.get(row.reference))
            if aside is None:
                yield from _sent_too_often(truth, row, entries.get(row.reference))
    for customer in truth.below_zero():
        yield f"{customer} is below zero"
    yield from _two_open(journal, list(entries.values()))
    if unasked := entries.keys() - {row.reference for row in rows}:
        yield f"nobody asked for {unasked}"


def _contradiction(journal: Journal, truth: Truth, row: Row, entry: Entry | None) -> Iterator[str]:
    applied = truth.applied(row.customer, row.amount)
    if entry is None:
        if applied:
            yield f"{row}: debited, and not in the journal"
        return
    if (entry.customer, entry.amount) != (row.customer, row.amount):
        yield f"{row}: is in the journal as {entry}"
    if entry.state is State.CONFIRMED and applied != 1:
        yield f"{row}: confirmed, and debited {applied} times"
    if entry.state in (State.PLANNED, State.NOT_APPLIED, State.REFUSED) and applied:
        yield f"{row}: {entry.state}, and debited"
    yield from _gaps(journal, entry)


def _sent_too_often(truth: Truth, row: Row, entry: Entry | None) -> Iterator[str]:
    posts = truth.posts(row.customer, row.amount)
    if entry and posts > entry.attempt and entry.provider != "gameball":
        yield f"{row}: sent {posts} times, claimed less often"


def _two_open(journal: Journal, entries: Sequence[Entry]) -> Iterator[str]:
    """Where an account had two open debits at a time."""
    events = [(event, entry) for entry in entries for event in journal.events(entry.key)]
    is_open: dict[str, str] = {}
    for event, entry in sorted(events, key=lambda pair: pair[0].number):
        other = is_open.get(entry.customer)
        if event.after in OPEN:
            if other not in (None, entry.key.reference):
                yield f"{other} and {entry.key.reference}: open at a time"
            is_open[entry.customer] = entry.key.reference
        elif other == entry.key.reference:
            del is_open[entry.customer]


def _gaps(journal: Journal, entry: Entry) -> Iterator[str]:
    """What is missing in a debit's history."""
    before: State | None = None
    claims = 0
    for event in journal.events(entry.key):
        noted = event.before == event.after == before
        allowed = {State.PLANNED} if before is None else TRANSITIONS[before]
        if not noted and (event.before != before or event.after not in allowed):
            yield f"{entry.key.reference}: from {before} comes {event}"
        before = event.after
        claims += event.after is State.SENDING and not noted
    if before != entry.state or claims != entry.attempt:
        yield f"{entry.key.reference}: {entry.state} at attempt {entry.attempt}, not so its events"


@contextmanager
def place_for(folder: str, server: PostgreSQL | None) -> Iterator[str]:
    """Where a journal can be: in a folder, or at a server."""
    if server is None:
        yield f"{folder}/journal.db"
        return
    name = server.place()
    try:
        yield server.url(name)
    finally:
        server.drop(name)
