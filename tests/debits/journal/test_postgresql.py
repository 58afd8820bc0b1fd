"""A journal in PostgreSQL: which servers it takes, and what it does when one goes away."""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.entries import Change, State
from loyalty_cli.debits.journal.store import BATCH, Filter, Journal
from loyalty_cli.model.errors import ErrorCode
from tests.conftest import Run
from tests.debits.journal.conftest import (
    BASELINE,
    SENDER,
    Open,
    claimed,
    history,
    plan,
    planned,
    refused,
)
from tests.fakes.postgresql import PostgreSQL, standby_of
from tests.fakes.servers import unused_port
from tests.fakes.wiretap import Wiretap


def test_each_scheme_of_a_postgresql_url_is_taken(
    open_it: Open, server: PostgreSQL, own_place: str
) -> None:
    url = server.url(own_place)
    message = refused(url)
    assert "holds no journal" in message
    assert "loyalty journal init" in message

    for each in (url, url.replace("postgresql", "postgres", 1)):
        journal = open_it(each, create=True)
        assert list(journal.find(Filter())) == []
        assert journal.place.startswith("postgresql://")


def test_many_processes_can_make_the_same_journal_in_postgresql_at_once(
    open_it: Open, server: PostgreSQL, own_place: str
) -> None:
    barrier = Barrier(8)

    def make(_: int) -> int:
        barrier.wait(20)
        return len(list(open_it(server.url(own_place), create=True).find(Filter())))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [0] * 8
    rows = server.execute(f"SELECT version FROM {own_place}.journal_schema")
    assert rows == [(2,)]


@pytest.mark.parametrize("versions", ["(0)", "(3)", "(2), (2)"])
@pytest.mark.usefixtures("shared")
def test_a_journal_in_postgresql_of_another_version_is_refused(
    server: PostgreSQL, own_place: str, versions: str
) -> None:
    server.execute(f"DELETE FROM {own_place}.journal_schema")
    server.execute(f"INSERT INTO {own_place}.journal_schema VALUES {versions}")

    assert "this program knows 2" in refused(server.url(own_place), create=True)


def test_a_server_that_is_not_durable_is_refused_or_warned_of(
    own_server: PostgreSQL, open_it: Open
) -> None:
    own_server.start(fsync="off")
    assert "fsync=off" in refused(own_server.url(), create=True)
    assert own_server.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    own_server.stop()

    own_server.start(full_page_writes="off")
    (warning,) = open_it(own_server.url(), create=True).database.warnings
    assert "full_page_writes=off" in warning


def test_each_transaction_sets_what_it_needs_against_the_databases_defaults(
    server: PostgreSQL, open_it: Open
) -> None:
    settings = {
        "synchronous_commit": ("off", "on"),
        "default_transaction_isolation": ("serializable", "serializable"),
        "transaction_isolation": ("serializable", "read committed"),
        "statement_timeout": ("0", "30s"),
        "lock_timeout": ("0", "20s"),
        "idle_in_transaction_session_timeout": ("0", "30s"),
    }
    theirs = {name: value for name, (value, _) in settings.items() if name[:12] != "transaction_"}
    with server.own_database(**theirs) as name:
        journal = open_it(server.url(database=name), create=True)

        with journal.database.writing() as transaction:
            for setting, (_, ours) in settings.items():
                assert transaction.execute(f"SHOW {setting}").fetchone() == (ours,)
        for setting, (value, _) in settings.items():
            assert server.execute(f"SHOW {setting}", name) == [(value,)]

        entries = journal.plan([planned(f"order-{number}") for number in range(20)])
        with ThreadPoolExecutor(8) as pool:
            claims = pool.map(lambda entry: journal.claim(entry, SENDER, BASELINE), entries * 4)
            assert list(claims).count(None) == 60
        journal.close()


def test_a_slow_reader_of_the_journal_holds_no_transaction_open(
    server: PostgreSQL, shared: Journal
) -> None:
    shared.plan([planned(f"order-{number}") for number in range(BATCH + 1)])

    reading = shared.find(Filter())
    next(reading)
    idle = server.execute("SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'")

    assert idle == []
    assert len([*reading]) == BATCH


@pytest.mark.usefixtures("alone")
def test_a_standby_server_is_refused(own_server: PostgreSQL) -> None:
    with standby_of(own_server) as standby:
        for create in (False, True):
            message = refused(standby.url(), create=create)
            assert "is a standby" in message
            assert "primary" in message


def test_a_server_that_is_not_there_can_be_tried_again(tmp_path: Path) -> None:
    for where in (
        f"postgresql://somebody@127.0.0.1:{unused_port()}/journal",
        f"postgresql://somebody@/journal?host={tmp_path}",
        "postgresql://somebody@no-such-host.invalid/journal",
    ):
        message = refused(where, code=ErrorCode.UNREACHABLE)
        assert "cannot be reached" in message
        assert "Run the same command again" in message


def test_a_server_that_is_full_can_be_tried_again(own_server: PostgreSQL) -> None:
    own_server.start(max_connections="4", superuser_reserved_connections="1", max_wal_senders="0")
    own_server.execute("CREATE ROLE shop LOGIN")
    url = own_server.url(user="shop")
    with ExitStack() as others:
        for _ in range(3):
            others.enter_context(psycopg.connect(url))

        assert "connection slots" in refused(url, code=ErrorCode.UNREACHABLE)


@pytest.mark.usefixtures("shared")
def test_a_database_user_without_rights_is_a_clear_error(
    server: PostgreSQL, own_place: str
) -> None:
    with server.role("outsider") as role:
        said = refused(server.url("public", user=role), create=True)
        assert "permission denied" in said
        assert "rights" in said
        server.execute(f"GRANT USAGE ON SCHEMA {own_place} TO {role}")
        assert "permission denied" in refused(server.url(own_place, user=role))


@pytest.mark.parametrize(
    ("password", "message"), [(None, "fe_sendauth"), ("hunter-2-wrong", "authentication failed")]
)
def test_a_missing_or_wrong_password_is_told_with_its_place_and_never_shown(
    server: PostgreSQL, monkeypatch: pytest.MonkeyPatch, password: str | None, message: str
) -> None:
    if password:
        monkeypatch.setenv("PGPASSWORD", password)

    with server.role("guarded", "PASSWORD 'right'"):
        said = refused(server.url(user="guarded", database="guarded"))

    for each in (message, "PGPASSWORD", "PGPASSFILE", "service"):
        assert each in said
    assert "hunter" not in said


def test_a_missing_driver_database_or_journal_is_a_clear_error(
    server: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, message, hint in (
        (server.url(database="none"), '"none" does not exist', "createdb"),
        (server.url(user="nobody"), '"nobody" does not exist', "user in the URL"),
        ("postgresql:///?service=no_such_service", "no_such_service", "PGSERVICEFILE"),
    ):
        said = refused(url)
        assert message in said
        assert hint in said

    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "loyalty-cli[postgresql]" in refused("postgresql://host/journal")


def test_a_job_without_its_server_can_be_run_again(
    loyalty: Run, profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "key")
    nowhere = f"127.0.0.1:{unused_port()}"
    profile_file(
        f"journal: 'postgresql://somebody@{nowhere}/journal'\ndefault_profile: shop\nprofiles:\n"
        f"  shop: {{provider: saasquatch, tenant: acme, base_url: 'http://{nowhere}',"
        " debit: {allow: true, unit: CENTS}}\n"
    )

    done = loyalty("debit", "C-1", "5", "--reference", "a", "--yes")

    assert (done.code, done.out) == (7, "")
    assert "cannot be reached" in done.err


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused(
    server: PostgreSQL, encoding: str
) -> None:
    with server.own_database(encoding) as name:
        message = refused(server.url(database=name), create=True)

        assert encoding in message
        assert "createdb --encoding=UTF8" in message


def test_a_claim_whose_commit_has_no_answer_is_not_a_claim(
    wiretap: Wiretap, tapped: Journal
) -> None:
    entry = plan(tapped)
    wiretap.armed = True

    with pytest.raises(JournalError, match="failed"):
        claimed(tapped, entry)

    wiretap.armed = False
    states = ["planned", "sending"] if wiretap.passing_it_on else ["planned"]
    ends = time.monotonic() + 20
    while history(tapped, entry) != states and time.monotonic() < ends:
        time.sleep(0.02)  # the server may be about to commit it
    assert history(tapped, entry) == states
    assert tapped.present(entry).state == states[-1]


def test_a_server_that_was_killed_has_kept_what_it_committed(
    own_server: PostgreSQL, alone: Journal
) -> None:
    entries = alone.plan([planned(f"order-{number}") for number in range(50)])
    sent = [claimed(alone, entry) for entry in entries[:25]]

    own_server.kill()
    with pytest.raises(JournalError):
        alone.present(entries[0])
    with pytest.raises(JournalError):
        claimed(alone, entries[30])
    own_server.start()

    assert [alone.present(entry) for entry in entries] == [*sent, *entries[25:]]


def test_a_connection_that_was_cut_while_idle_is_made_again(
    server: PostgreSQL, shared: Journal, own_place: str
) -> None:
    entry = plan(shared)
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        f" AND datname = 'postgres' AND query LIKE '%{own_place}%' OR state = 'idle'"
    )

    assert shared.change(claimed(shared, entry), State.CONFIRMED, Change("ok")) is not None
