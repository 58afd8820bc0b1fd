"""A standby that lagged takes the primary's place: nothing is sent before a person has looked."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from loyalty_cli.database.user import user_name
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.model.errors import ErrorCode
from tests.conftest import Run
from tests.debits.journal.conftest import Open
from tests.fakes.debit_platform import DebitPlatform, platform
from tests.fakes.postgresql import OWNER, PostgreSQL, standby_of

ROWS = 6
FROM_THE_FILE = ("debit", "--from", "debits.csv", "--yes", "-o", "jsonl")


class ServerPair(NamedTuple):
    """A primary and its standby, and the URL of whichever can be written."""

    primary: PostgreSQL
    standby: PostgreSQL

    @property
    def url(self) -> str:
        hosts = f"{self.primary.folder},{self.standby.folder}"
        return f"postgresql://{OWNER}@/postgres?host={hosts}&target_session_attrs=read-write"

    def fail_over(self) -> None:
        """The primary dies, and the standby is promoted with what it has."""
        self.primary.kill()
        self.standby.promote()


@pytest.fixture
def pair(own_server: PostgreSQL) -> Iterator[ServerPair]:
    own_server.start()
    with standby_of(own_server) as standby:
        yield ServerPair(own_server, standby)


@pytest.fixture
def debit_platform(
    pair: ServerPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loyalty: Run
) -> Iterator[DebitPlatform]:
    """A platform whose debits are written down at the pair, and a file of them."""
    with platform(tmp_path, monkeypatch) as there:
        there.file.write_text(there.file.read_text().replace(str(there.journal), pair.url))
        monkeypatch.chdir(tmp_path)
        lines = "".join(f"order-{number},C-1001,{number + 1}\n" for number in range(ROWS))
        Path("debits.csv").write_text(f"reference,customer,amount\n{lines}")
        assert loyalty("journal", "init").code == 0
        yield there


def test_debits_that_a_lagging_standby_lacks_are_not_made_again(
    pair: ServerPair, debit_platform: DebitPlatform, loyalty: Run
) -> None:
    assert loyalty("debit", "C-1001", "5", "--reference", "before", "--yes").code == 0
    pair.standby.has_all_of(pair.primary)
    pair.standby.fall_behind()
    assert loyalty(*FROM_THE_FILE).code == 0
    assert len(debit_platform.debits) == ROWS + 1

    pair.fail_over()
    again = loyalty(*FROM_THE_FILE)

    assert (again.code, again.out) == (3, "")
    assert "timeline 1. Debits may be missing" in again.err
    assert "timeline 2, on record is" in again.err
    assert "`loyalty journal accept-failover --why TEXT`" in again.err
    assert len(debit_platform.debits) == ROWS + 1
    for sending in (["reconcile"], ["resolve", "before", "--confirmed", "--why", "x"]):
        done = loyalty("journal", *sending)
        assert (done.code, done.out) == (3, "")
    for reading in (["list"], ["show", "before"]):
        done = loyalty("journal", *reading)
        assert done.code == 0
        assert "before" in done.out
        assert "Warning: the journal" in done.err
        assert "accept-failover" in done.err


def test_debits_go_on_after_a_person_has_accepted_a_failover(
    pair: ServerPair, debit_platform: DebitPlatform, loyalty: Run
) -> None:
    assert loyalty(*FROM_THE_FILE).code == 0
    pair.standby.has_all_of(pair.primary)
    pair.fail_over()

    accepted = loyalty("journal", "accept-failover", "--why", "compared it with the shop's log")
    again = loyalty(*FROM_THE_FILE)
    new = loyalty("debit", "C-1001", "5", "--reference", "after", "--yes")
    once_more = loyalty("journal", "accept-failover", "--why", "again")

    assert (accepted.code, accepted.out) == (0, "")
    assert "timeline 1 to system" in accepted.err
    assert "timeline 2: accepted" in accepted.err
    assert (again.code, again.out.count('"replayed":true')) == (0, ROWS)
    assert new.code == 0
    assert "Warning" not in new.err
    assert once_more.code == 0
    assert "is at the server on record" in once_more.err
    rows = pair.standby.execute("SELECT system, timeline, actor, why FROM servers ORDER BY number")
    assert [row[1:2] + row[3:] for row in rows] == [
        (1, "the first time"),
        (2, "compared it with the shop's log"),
    ]
    assert len({system for system, *_ in rows}) == 1
    assert all(user_name() in actor and "process" in actor for _, _, actor, _ in rows)
    assert len(debit_platform.debits) == ROWS + 1


def test_a_failover_in_the_middle_of_a_run_ends_it(pair: ServerPair, open_it: Open) -> None:
    journal = open_it(pair.url, create=True)
    journal.database.check_unchanged()
    pair.standby.has_all_of(pair.primary)
    pair.fail_over()

    with pytest.raises(JournalError, match="is at another server than before") as raised:
        journal.database.check_unchanged()

    assert raised.value.code is ErrorCode.SETUP
    assert journal.database.warnings == ()


def test_a_copy_in_another_server_is_another_journal(
    pair: ServerPair, server: PostgreSQL, open_it: Open
) -> None:
    open_it(pair.url, create=True)
    dump = pair.primary.command("pg_dump", "-h", str(pair.primary.folder), "-U", OWNER, "postgres")
    with server.own_database() as name:
        pair.primary.command(
            *("psql", "-h", str(server.folder), "-U", OWNER, "-q", "-d", name), given=dump
        )
        copy = open_journal(server.url(database=name))
        try:
            (warning,) = copy.database.warnings
            with pytest.raises(JournalError, match="is at another server than before"):
                copy.database.check_unchanged()
        finally:
            copy.close()

    assert warning.count("system") == 2


def test_a_restart_of_a_server_is_no_failover(own_server: PostgreSQL, alone: Journal) -> None:
    for end in (own_server.stop, own_server.kill):
        end()
        own_server.start()
        alone.database.check_unchanged()


def test_a_server_is_put_on_record_once_by_whoever_opens_its_journal_first(
    server: PostgreSQL, own_place: str, open_it: Open
) -> None:
    opened = [open_it(server.url(own_place), create=True) for _ in range(3)]
    assert [journal.database.warnings for journal in opened] == [()] * 3
    assert server.execute(f"SELECT why FROM {own_place}.servers") == [("the first time",)]

    server.execute(f"DELETE FROM {own_place}.servers")  # as in a journal of an earlier version
    open_it(server.url(own_place)).database.check_unchanged()
    assert server.execute(f"SELECT why FROM {own_place}.servers") == [("the first time",)]
