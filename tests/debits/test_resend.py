"""When an unknown debit may be sent again, at a platform that makes it only once."""

from datetime import UTC, datetime, timedelta

import pytest

from loyalty_cli.debits.journal import uptime
from loyalty_cli.debits.journal.file import FileDatabase
from tests.conftest import Outcome
from tests.debits.conftest import CliWith, CommandLine
from tests.fakes.faulty_platform import LOST, IdempotentPlatform, once_only

RULES = "debit: {allow: true, unit: points"


@pytest.fixture
def lost(cli_with: CliWith) -> CommandLine:
    """The command line, after one debit whose reply was lost."""
    cli = cli_with(IdempotentPlatform)
    cli.platform.debit = LOST
    assert cli.debit().code == 8
    cli.platform.debit = once_only
    return cli


STOPPED = {
    "switched off": ("debit: {allow: false, unit: points", "no longer allows debits"),
    "above the limit": (f"{RULES}, max_amount: 49", "above debit.max_amount 49"),
    "above the day's limit": (f"{RULES}, max_total_per_day: 49", "above debit.max_total_per_day"),
}


@pytest.mark.parametrize("case", STOPPED)
def test_a_debit_that_its_profile_no_longer_allows_is_not_sent_again(
    case: str, lost: CommandLine
) -> None:
    rules, said = STOPPED[case]
    lost.configure(RULES, rules)

    done = lost.reconcile()

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert said in done.record["error"]["message"]
    assert len(lost.platform.posts) == 1


def test_a_debit_just_within_the_limits_is_sent_again(lost: CommandLine) -> None:
    lost.configure(RULES, f"{RULES}, max_amount: 50, max_total_per_day: 50")

    assert lost.reconcile().record["state"] == "confirmed"
    assert lost.platform.taken() == 50


@pytest.mark.parametrize("by", ["reconcile", "debit"])
@pytest.mark.parametrize("clock", ["the wall clock", "the clock that nobody can set"])
def test_a_debit_older_than_resend_for_is_left_to_a_person(
    by: str, clock: str, lost: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(seconds: float) -> Outcome:
        if clock == "the wall clock":
            at = datetime.now(UTC) + timedelta(seconds=seconds)
            monkeypatch.setattr(FileDatabase, "now", lambda *_: at)
        else:
            monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: began + seconds)
        return lost.reconcile() if by == "reconcile" else lost.debit()

    began = uptime.seconds_awake_or_asleep()
    done = later(86_401)

    assert (done.code, done.record["state"]) == (8, "unknown")
    assert "more than debit.resend_for 86400 s ago" in done.record["error"]["message"]
    assert len(lost.platform.posts) == 1
    lost.configure(RULES, f"{RULES}, resend_for: 90000")
    assert later(86_401).record["state"] == "confirmed"
