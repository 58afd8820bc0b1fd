"""What a person may do with a debit: settle it, let it be tried again, or withdraw it."""

from contextlib import closing

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.entries import Entry, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.processes import this_process
from tests.conftest import Outcome
from tests.debits.conftest import CommandLine, DebitMaker
from tests.fakes.faulty_platform import NEVER, answers, as_json

NO = answers(as_json({"statusCode": 400, "message": "no", "rsCode": "RS001"}, "400 No"))


def by_hand(cli: CommandLine, command: str, *more: str) -> Outcome:
    return cli.loyalty("journal", command, "r-1", "--why", "ticket 4711", "-o", "json", *more)


def planned(cli: CommandLine) -> Entry:
    """A debit that was written down, and not made for want of credit."""
    cli.platform.more = {"totalAssignedCredit": 0}
    assert cli.debit().code == 6
    cli.platform.more = {}
    return cli.entry()


def sending(cli: CommandLine, *, started: str) -> None:
    with closing(open_journal(str(cli.place))) as journal:
        maker = DebitMaker(cli.platform, journal)
        maker.claimed(maker.order(), replace(this_process(), started=started))


def test_a_planned_debit_can_be_dropped_and_stays_on_record(cli: CommandLine) -> None:
    planned(cli)
    assert "not begun: 'C-1' has 0 CENTS available, less than 50." in cli.events()[-1].why
    for wrong in ([], ["--why", " "]):
        assert cli.loyalty("journal", "drop", "r-1", *wrong).code == 2
    assert cli.entry().state is State.PLANNED

    done = by_hand(cli, "drop")

    assert (done.code, done.record["state"]) == (0, "dropped")
    assert cli.events()[-1].why == "by hand: ticket 4711"
    again = cli.debit()
    assert (again.code, again.record["state"], again.record["replayed"]) == (6, "dropped", True)
    assert "was dropped: ticket 4711" in again.record["error"]["message"]
    assert cli.debit(amount=60).code == 6
    assert cli.platform.posts == []


def test_a_debit_that_was_not_applied_can_be_dropped(cli: CommandLine) -> None:
    cli.platform.debit = NEVER
    cli.debit()
    by_hand(cli, "resolve", "--not-applied")

    assert by_hand(cli, "drop").record["state"] == "dropped"


@pytest.mark.parametrize("state", ["confirmed", "refused", "unknown", "sending"])
def test_a_debit_that_was_or_may_have_been_made_is_not_dropped(
    state: str, cli: CommandLine
) -> None:
    if state == "sending":
        sending(cli, started=this_process().started)
    else:
        if state != "confirmed":
            cli.platform.debit = NO if state == "refused" else NEVER
        cli.debit()
    assert cli.entry().state == state

    done = by_hand(cli, "drop")

    assert done.code == 6
    assert f"the debit 'r-1' is {state}, not planned." in done.err
    if state == "sending":
        assert by_hand(cli, "resolve", "--not-applied").code == 6
    assert cli.entry().state == state


@pytest.mark.parametrize("profile", ["shop", "another"], ids=["there", "gone"])
def test_a_debit_whose_process_is_gone_can_be_resolved_by_a_person(
    profile: str, cli: CommandLine
) -> None:
    sending(cli, started="0")
    cli.configure("shop", profile)

    done = by_hand(cli, "resolve", "--not-applied")

    assert (done.code, done.record["state"]) == (0, "not_applied")
    assert [event.after for event in cli.events()][-2:] == [State.UNKNOWN, State.NOT_APPLIED]
