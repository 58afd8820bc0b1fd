"""How long a journal's server is waited for: never for ever, and as long as that has hope."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import psycopg
import pytest

from loyalty_cli.database import server_connection
from loyalty_cli.debits.journal import server as at_server
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Change, Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.server_errors import journal_error
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.model.errors import ErrorCode
from tests.debits.conftest import DebitMaker
from tests.debits.journal.conftest import Open, claimed, history, plan
from tests.fakes.faulty_platform import FaultyPlatform
from tests.fakes.postgresql import OWNER, PostgreSQL, prepared_folder
from tests.fakes.wiretap import Wiretap

MADE = Change("answered", balance_after="5", provider_reference="x")
LONG = 60.0
REAL = (
    at_server.ANSWER_SECONDS,
    at_server.INSISTING_SECONDS,
    server_connection.CONNECT_SECONDS,
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, but shorter ones; psycopg's own shortest to connect is 2 s."""
    monkeypatch.setattr(at_server, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(at_server, "LOCK_SECONDS", 1)
    monkeypatch.setattr(at_server, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(server_connection, "CONNECT_SECONDS", 2)


def unreachable(action: Callable[[], object]) -> str:
    began = time.monotonic()
    with pytest.raises(JournalError) as raised:
        action()
    assert time.monotonic() - began < 15
    assert raised.value.code is ErrorCode.UNREACHABLE
    return f"{raised.value.message} {raised.value.hint}"


def first_failure(monkeypatch: pytest.MonkeyPatch) -> Event:
    """What is set when the server has failed for the first time."""
    failed, failure = Event(), journal_error

    def noted(*given: Any) -> JournalError:
        failed.set()
        return failure(*given)

    monkeypatch.setattr(at_server, "journal_error", noted)
    return failed


def test_a_job_at_a_server_that_hangs_ends_within_a_minute() -> None:
    answer, insisting, connect = REAL
    assert answer + connect <= LONG
    assert insisting + connect <= LONG
    assert answer > at_server.STATEMENT_SECONDS


@pytest.fixture(params=["unix", "tcp"])
def silent(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of what takes connections and says nothing."""
    with prepared_folder() as folder:
        if request.param == "unix":
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(folder / ".s.PGSQL.5432"))
            url = f"postgresql://me@/journal?host={folder}"
        else:
            listener = socket.create_server(("127.0.0.1", 0))
            url = f"postgresql://me@127.0.0.1:{listener.getsockname()[1]}/journal"
        with closing(listener):
            listener.listen()
            yield url


def test_a_server_that_takes_connections_and_says_nothing_is_an_error(silent: str) -> None:
    assert "cannot be reached" in unreachable(lambda: open_journal(silent))


def test_a_server_that_hangs_is_an_error_within_its_timeouts(
    own_server: PostgreSQL, alone: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_server, "INSISTING_SECONDS", 1.0)
    entry = claimed(alone)

    with own_server.hung():
        unreachable(lambda: alone.present(entry))
        unreachable(alone.database.check_unchanged)
        unreachable(lambda: alone.change(entry, State.CONFIRMED, MADE))
        alone.close()

    assert alone.present(entry) == entry


def test_a_server_that_stops_after_a_result_leaves_no_debit_unknown(
    own_server: PostgreSQL, alone: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, change = first_failure(monkeypatch), alone.change

    def change_and_lose_the_server(*given: Any) -> Entry | None:
        changed = change(*given)
        own_server.stop()
        return changed

    def bring_it_back() -> None:
        assert failed.wait(LONG)
        own_server.start()

    monkeypatch.setattr(alone, "change", change_and_lose_the_server)
    with FaultyPlatform() as platform, ThreadPoolExecutor(1) as pool:
        back = pool.submit(bring_it_back)
        settled = DebitMaker(platform, alone).debit()
        back.result()

    assert (settled.entry.state, settled.error) == (State.CONFIRMED, None)


def test_a_session_that_hangs_is_left_for_another(server: PostgreSQL, open_it: Open) -> None:
    with server.own_database() as name:
        journal = open_it(server.url(database=name), create=True)
        entry = claimed(journal)
        backends = server.backends(name)
        assert backends
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            journal.database.check_unchanged()
            assert journal.change(entry, State.CONFIRMED, MADE) is not None
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)
            journal.close()


def locked(server: PostgreSQL, place: str) -> "psycopg.Connection[Any]":
    connection = psycopg.connect(host=str(server.folder), dbname="postgres", user=OWNER)
    connection.execute(f"LOCK TABLE {place}.debits".encode())
    return connection


def test_a_claim_that_finds_the_tables_locked_can_be_tried_again(
    server: PostgreSQL, own_place: str, shared: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_server, "ANSWER_SECONDS", LONG)
    entry = plan(shared)

    with locked(server, own_place):
        said = unreachable(lambda: claimed(shared, entry))

    assert "lock timeout" in said
    assert "Run the same command again" in said
    assert shared.present(entry) == entry


def test_a_result_waits_for_a_lock_to_go(
    server: PostgreSQL, own_place: str, shared: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = claimed(shared)
    tried = first_failure(monkeypatch)
    with ThreadPoolExecutor() as pool:
        with locked(server, own_place):
            writing = pool.submit(shared.change, entry, State.CONFIRMED, MADE)
            assert tried.wait(LONG)
        after = writing.result(LONG)

    assert after is not None
    assert shared.present(entry) == after
    assert history(shared, entry) == [State.PLANNED, State.SENDING, State.CONFIRMED]


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_result_is_recorded_after_a_restart_of_the_server(
    own_server: PostgreSQL, alone: Journal, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = claimed(alone)
    tried = first_failure(monkeypatch)

    getattr(own_server, how)()
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(alone.change, entry, State.UNKNOWN, MADE)
        assert tried.wait(LONG)
        own_server.start()
        after = writing.result(LONG)

    assert after is not None
    assert alone.present(entry) == after
    assert history(alone, entry) == [State.PLANNED, State.SENDING, State.UNKNOWN]


def test_a_claim_at_a_stopped_server_is_not_tried_again(
    own_server: PostgreSQL, alone: Journal
) -> None:
    entry = plan(alone)
    own_server.stop()

    began = time.monotonic()
    said = unreachable(lambda: claimed(alone, entry))

    assert time.monotonic() - began < 1
    assert "Nothing more was sent" in said


def test_a_result_whose_commit_has_no_answer_is_recorded_once(
    wiretap: Wiretap, tapped: Journal
) -> None:
    entry = claimed(tapped)
    wiretap.cut_once()

    after = tapped.change(entry, State.CONFIRMED, MADE)

    assert after is not None
    assert tapped.present(entry) == after
    assert history(tapped, entry) == [State.PLANNED, State.SENDING, State.CONFIRMED]


@pytest.mark.parametrize("wiretap", [False], indirect=True, ids=["not committed"])
def test_a_result_that_another_process_recorded_is_not_taken_for_ours(
    wiretap: Wiretap, tapped: Journal, shared: Journal
) -> None:
    entry = claimed(tapped)
    wiretap.cut_once(lambda: shared.change(entry, State.UNKNOWN, Change("the sender is gone")))

    assert tapped.change(entry, State.CONFIRMED, MADE) is None
    assert shared.present(entry).state is State.UNKNOWN
