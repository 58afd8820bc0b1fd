"""A journal to write in: in a file, and at a real PostgreSQL server."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import (
    Baseline,
    Change,
    Entry,
    Key,
    Planned,
    Process,
    State,
)
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.model.errors import ErrorCode
from tests.fakes.postgresql import PostgreSQL, prepared_folder, prepared_server
from tests.fakes.wiretap import Wiretap

Open = Callable[..., Journal]
SENDER = Process("host", 17, "4711", "boot")
BASELINE = Baseline(available="120", earned="150", redeemed="30")
PLANNED = Planned(Key("shop", "a"), "shop", "saasquatch", "C-1", "CENTS", 1)


def planned(reference: str = "a", platform: str = "shop", **more: Any) -> Planned:
    """A debit that is asked for; `more` says what is not as usual."""
    given = {"key": Key(platform, reference), "customer": f"C-{reference}", **more}
    return replace(PLANNED, **given)


def plan(journal: Journal, reference: str = "a", **more: Any) -> Entry:
    (entry,) = journal.plan([planned(reference, **more)])
    return entry


def claimed(
    journal: Journal,
    entry: Entry | None = None,
    last_event: int | None = None,
    day_limit: int | None = None,
) -> Entry:
    had = replace(BASELINE, last_event=last_event)
    taken = journal.claim(entry or plan(journal), SENDER, had, day_limit)
    assert taken is not None
    return taken


def changed(journal: Journal, entry: Entry, state: State, why: str = "because") -> Entry:
    after = journal.change(entry, state, Change(why))
    assert after is not None
    return after


def brought(journal: Journal, entry: Entry, *states: State) -> Entry:
    for state in states:
        is_claim = state is State.SENDING
        entry = claimed(journal, entry) if is_claim else changed(journal, entry, state)
    return entry


def history(journal: Journal, entry: Entry) -> list[State]:
    """The states that a debit has been in, one for each event."""
    return [event.after for event in journal.events(entry.key)]


def references(path: Path) -> list[str]:
    """The debits of a journal that is closed."""
    with closing(open_journal(str(path))) as journal:
        return [entry.key.reference for entry in journal.find(Filter())]


def refused(path: Path | str, *, create: bool = False, code: ErrorCode = ErrorCode.SETUP) -> str:
    """What is said where a journal cannot be opened."""
    with pytest.raises(JournalError) as raised:
        open_journal(str(path), create=create)
    assert raised.value.code is code
    assert "\n" not in raised.value.message
    assert raised.value.hint
    return f"{raised.value.message} {raised.value.hint}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where there is no file yet, nor a folder for it."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def made(path: Path) -> Path:
    """A journal that is there, and closed."""
    open_journal(str(path), create=True).close()
    return path


@pytest.fixture(scope="session")
def template() -> Iterator[PostgreSQL]:
    """A server that is never started: the others are copies of it."""
    with prepared_server() as server:
        yield server


@pytest.fixture
def own_server(template: PostgreSQL) -> Iterator[PostgreSQL]:
    """A server that the test may stop, and start with other settings."""
    with prepared_server(template) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is no journal yet."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "journal.db")
    server = request.getfixturevalue("server")
    return str(server.url(request.getfixturevalue("own_place")))


@pytest.fixture
def open_it() -> Iterator[Open]:
    with ExitStack() as stack:

        def opening(where: str, *, create: bool = False) -> Journal:
            journal = open_journal(where, create=create)
            stack.callback(journal.close)
            return journal

        yield opening


@pytest.fixture
def journal(open_it: Open, place: str) -> Journal:
    return open_it(place, create=True)


@pytest.fixture
def shared(open_it: Open, server: PostgreSQL, own_place: str) -> Journal:
    return open_it(server.url(own_place), create=True)


@pytest.fixture
def alone(own_server: PostgreSQL, open_it: Open) -> Journal:
    own_server.start()
    return open_it(own_server.url(), create=True)


@pytest.fixture(params=[True, False], ids=["committed", "not committed"])
def wiretap(request: pytest.FixtureRequest, server: PostgreSQL) -> Iterator[Wiretap]:
    """What cuts the connection to the server that tests share at a commit, passed on or not."""
    with (
        prepared_folder() as folder,
        closing(Wiretap(folder, server, passing_it_on=request.param)) as cutting,
    ):
        yield cutting


@pytest.fixture
def tapped(wiretap: Wiretap, open_it: Open, server: PostgreSQL, own_place: str) -> Journal:
    url = server.url(own_place).replace(str(server.folder), str(wiretap.folder))
    return open_it(url, create=True)
