"""What all runs and hosts together may take in 24 hours."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_cli.debits.journal.file import FileDatabase
from tests.debits.conftest import CliWith, CommandLine
from tests.fakes.faulty_platform import LOST, answers, as_json


@pytest.fixture
def cli(cli_with: CliWith) -> CommandLine:
    return cli_with(rules=", max_total_per_day: 100")


def test_debits_of_other_runs_count_for_the_days_limit(cli: CommandLine) -> None:
    assert [cli.debit(reference=f"r-{each}").code for each in (1, 2, 3)] == [0, 0, 6]

    done = cli.debit(reference="r-4", amount=1)

    assert done.code == 6
    assert "would be 101 in 24 hours, above its debit.max_total_per_day 100" in done.err
    assert cli.platform.taken() == 100


def test_a_file_that_passes_the_days_limit_in_the_middle_is_refused_whole(cli: CommandLine) -> None:
    done = cli.debit_file("C-1,60,a", "C-2,40,b", "C-3,1,c")

    assert (done.code, done.out) == (6, "")
    assert "be 101" in done.err
    assert (cli.platform.posts, cli.platform.reads) == ([], 0)


def test_after_24_hours_the_days_limit_has_room_again(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.debit(amount=100).code == 0

    def in_hours(hours: float) -> int:
        at = datetime.now(UTC) + timedelta(hours=hours)
        monkeypatch.setattr(FileDatabase, "now", lambda *_: at)
        return cli.debit(amount=100, reference="r-2").code

    assert in_hours(23.9) == 6
    assert in_hours(24.1) == 0


def test_unknown_debits_count_for_the_days_limit_and_refused_ones_do_not(cli: CommandLine) -> None:
    cli.platform.debit = answers(as_json(cli.platform.error(400), "400 No"))
    assert cli.debit(reference="no").record["state"] == "refused"
    cli.platform.debit = LOST
    assert cli.debit(reference="lost", customer="C-2", amount=100).code == 8

    assert cli.debit(customer="C-3", amount=1).code == 6
