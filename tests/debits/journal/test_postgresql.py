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
from loyalty_cli.debits.journal.entries import Baseline, Change, Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import BATCH, Filter
from loyalty_cli.model.errors import ErrorCode
from tests.conftest import Run
from tests.debits.journal.conftest import SENDER, Open, planned
from tests.fakes.postgresql import PostgreSQL, prepared_folder, standby_of
from tests.fakes.servers import unused_port
from tests.fakes.wiretap import Wiretap


def refused(where: str, *, create: bool = True, code: ErrorCode = ErrorCode.SETUP) -> str:
    with pytest.raises(JournalError) as raised:
        open_journal(where, create=create)
    assert raised.value.code is code
    assert "\n" not in raised.value.message
    return f"{raised.value.message} {raised.value.hint}"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_each_way_to_write_the_scheme(
    open_it: Open, server: PostgreSQL, own_place: str, scheme: str
) -> None:
    url = server.url(own_place).replace("postgresql", scheme, 1)

    journal = open_it(url, create=True)

    assert list(journal.find(Filter())) == []
    assert journal.place.startswith("postgresql://")


def test_a_database_without_a_journal_is_refused(server: PostgreSQL, own_place: str) -> None:
    message = refused(server.url(own_place), create=False)

    assert "holds no journal" in message
    assert "loyalty journal init" in message


def test_many_can_make_the_same_journal_at_once(
    open_it: Open, server: PostgreSQL, own_place: str
) -> None:
    url = server.url(own_place)
    barrier = Barrier(8)

    def make(_: int) -> int:
        barrier.wait(20)
        return len(list(open_it(url, create=True).find(Filter())))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(make, range(8))) == [0] * 8
    rows = server.execute(f"SELECT version FROM {own_place}.journal_schema")
    assert rows == [(2,)]


@pytest.mark.parametrize("versions", ["(0)", "(3)", "(2), (2)"])
def test_another_version_is_refused(
    open_it: Open, server: PostgreSQL, own_place: str, versions: str
) -> None:
    url = server.url(own_place)
    open_it(url, create=True)
    server.execute(f"DELETE FROM {own_place}.journal_schema")
    server.execute(f"INSERT INTO {own_place}.journal_schema VALUES {versions}")

    assert "this program knows 2" in refused(url)


def test_a_server_that_need_not_be_durable_is_refused(own_server: PostgreSQL) -> None:
    own_server.start(fsync="off")

    assert "fsync=off" in refused(own_server.url())
    assert own_server.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_server_that_a_loss_of_power_can_destroy_is_warned_of(
    own_server: PostgreSQL, open_it: Open
) -> None:
    own_server.start(full_page_writes="off")

    (warning,) = open_it(own_server.url(), create=True).database.warnings

    assert "full_page_writes=off" in warning


@pytest.mark.parametrize(
    ("setting", "value", "ours"),
    [
        ("synchronous_commit", "off", "on"),
        ("default_transaction_isolation", "serializable", "read committed"),
        ("statement_timeout", "0", "30s"),
        ("lock_timeout", "0", "20s"),
        ("idle_in_transaction_session_timeout", "0", "30s"),
    ],
)
def test_each_transaction_sets_what_it_needs_whatever_the_database_says(
    server: PostgreSQL, open_it: Open, setting: str, value: str, ours: str
) -> None:
    with server.own_database(**{setting: value}) as name:
        journal = open_it(server.url(database=name), create=True)
        shown = "transaction_isolation" if "isolation" in setting else setting

        with journal.database.writing() as transaction:
            assert transaction.execute(f"SHOW {shown}").fetchone() == (ours,)
        journal.close()
        assert server.execute(f"SHOW {setting}", name) == [(value,)]


def test_a_claim_that_another_one_was_quicker_with_is_none_however_isolated_a_database_is(
    server: PostgreSQL, open_it: Open
) -> None:
    with server.own_database(default_transaction_isolation="serializable") as name:
        journal = open_it(server.url(database=name), create=True)
        entries = journal.plan([planned(f"order-{number}") for number in range(20)])

        def claim(entry: Entry) -> bool:
            return journal.claim(entry, SENDER, Baseline()) is not None

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(claim, entries * 4)) == 20
        journal.close()


def test_who_reads_on_at_leisure_holds_no_transaction_open(
    server: PostgreSQL, open_it: Open, own_place: str
) -> None:
    journal = open_it(server.url(own_place), create=True)
    journal.plan([planned(f"order-{number}") for number in range(BATCH + 1)])

    reading = journal.find(Filter())
    next(reading)
    idle = server.execute("SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'")

    assert idle == []
    assert len([*reading]) == BATCH


def test_a_standby_is_refused(own_server: PostgreSQL, open_it: Open) -> None:
    own_server.start()
    open_it(own_server.url(), create=True)
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

        message = refused(url, code=ErrorCode.UNREACHABLE)

    assert "connection slots" in message


def test_a_user_without_rights_is_told_so(
    server: PostgreSQL, own_place: str, open_it: Open
) -> None:
    open_it(server.url(own_place), create=True)
    with server.role("outsider") as role:
        assert "permission denied" in (said := refused(server.url("public", user=role)))
        assert "rights" in said
        server.execute(f"GRANT USAGE ON SCHEMA {own_place} TO {role}")
        assert "permission denied" in refused(server.url(own_place, user=role), create=False)


def test_a_database_or_a_user_that_is_not_there_is_a_clear_error(server: PostgreSQL) -> None:
    assert '"none" does not exist' in (said := refused(server.url(database="none")))
    assert "createdb" in said
    assert '"nobody" does not exist' in (said := refused(server.url(user="nobody")))
    assert "user in the URL" in said


def test_a_password_that_is_missing_is_asked_for_where_it_belongs(
    server: PostgreSQL, own_place: str
) -> None:
    with server.role("guarded", "PASSWORD 'right'"):
        message = refused(server.url(own_place, user="guarded", database="guarded"))

    for source in ("PGPASSWORD", "PGPASSFILE", "service"):
        assert source in message


def test_a_service_that_is_not_there_is_named() -> None:
    assert "PGSERVICEFILE" in refused("postgresql:///?service=no_such_service")


def test_a_wrong_password_is_refused_and_never_shown(
    server: PostgreSQL, own_place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter-2-wrong")

    with server.role("guarded", "PASSWORD 'right'"):
        message = refused(server.url(own_place, user="guarded", database="guarded"))

    assert "password authentication failed" in message
    assert "PGPASSFILE" in message
    assert "hunter" not in message


def test_without_psycopg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    assert "loyalty-cli[postgresql]" in refused("postgresql://host/journal")


def test_a_job_without_its_server_can_be_run_again(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LOYALTY_SHOP_API_KEY", "key")
    profile_file(
        f"journal: 'postgresql://somebody@/journal?host={tmp_path}'\n"
        "default_profile: shop\nprofiles:\n"
        f"  shop: {{provider: saasquatch, tenant: acme, base_url: 'http://127.0.0.1:{unused_port()}',"
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
        message = refused(server.url(database=name))

        assert encoding in message
        assert "createdb --encoding=UTF8" in message


@pytest.mark.parametrize("passing_it_on", [True, False], ids=["committed", "not committed"])
def test_a_claim_whose_commit_has_no_answer_is_not_a_claim(
    open_it: Open, server: PostgreSQL, own_place: str, passing_it_on: bool
) -> None:
    with prepared_folder() as folder:
        wiretap = Wiretap(folder, server, passing_it_on=passing_it_on)
        try:
            url = server.url(own_place).replace(str(server.folder), str(folder))
            journal = open_it(url, create=True)
            (entry,) = journal.plan([planned("a")])
            wiretap.armed = True

            with pytest.raises(JournalError, match="failed"):
                journal.claim(entry, SENDER, Baseline())

            wiretap.armed = False
            ends = time.monotonic() + 20
            expected = State.SENDING if passing_it_on else State.PLANNED
            present = journal.get(entry.key)
            while present and present.state is not expected and time.monotonic() < ends:
                time.sleep(0.02)  # the server may be about to commit it
                present = journal.get(entry.key)
        finally:
            journal.close()
            wiretap.close()
    assert present is not None
    assert present.state is expected
    events = open_it(server.url(own_place)).events(entry.key)
    assert [event.after for event in events][1:] == (["sending"] if passing_it_on else [])


def test_a_server_that_was_killed_has_kept_what_it_was_told(
    own_server: PostgreSQL, open_it: Open
) -> None:
    own_server.start()
    journal = open_it(own_server.url(), create=True)
    entries = journal.plan([planned(f"order-{number}") for number in range(50)])
    claimed = [journal.claim(entry, SENDER, Baseline()) for entry in entries[:25]]

    own_server.kill()
    with pytest.raises(JournalError):
        journal.get(entries[0].key)
    with pytest.raises(JournalError):
        journal.claim(entries[30], SENDER, Baseline())
    own_server.start()

    assert [journal.get(entry.key) for entry in entries[:25]] == claimed
    assert [journal.get(entry.key) for entry in entries[25:]] == entries[25:]


def test_a_connection_that_was_cut_while_idle_is_made_again(
    server: PostgreSQL, open_it: Open, own_place: str
) -> None:
    journal = open_it(server.url(own_place), create=True)
    (entry,) = journal.plan([planned("a")])
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        f" AND datname = 'postgres' AND query LIKE '%{own_place}%' OR state = 'idle'"
    )

    taken = journal.claim(entry, SENDER, Baseline())

    assert taken is not None
    assert journal.change(taken, State.CONFIRMED, Change("ok")) is not None
