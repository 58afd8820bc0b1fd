"""The commands that can be next for a debit: by its state, and as a shell reads them."""

import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.entries import Entry, Key, Planned, State, new_entry
from loyalty_cli.debits.next_commands import next_commands
from loyalty_cli.model.named_commands import begin_run

AGAIN = "loyalty debit C-1 5 --unit CENTS -p shop --reference a"
DROP = "loyalty journal drop a --why TEXT"
RESOLVE = "loyalty journal resolve a"
EXPECTED = {
    State.PLANNED: [AGAIN, DROP],
    State.SENDING: ["loyalty journal reconcile"],
    State.CONFIRMED: [],
    State.REFUSED: [f"{RESOLVE} --not-applied --why TEXT"],
    State.UNKNOWN: [
        "loyalty journal reconcile",
        f"{RESOLVE} --confirmed --why TEXT",
        f"{RESOLVE} --not-applied --why TEXT",
    ],
    State.NOT_APPLIED: [AGAIN, DROP],
    State.DROPPED: [],
}


def entry(state: State, reference: str = "a", **more: Any) -> Entry:
    planned = Planned(Key("platform", reference), "shop", "saasquatch", "C-1", "CENTS", 5)
    return replace(new_entry(planned, datetime.now(UTC)), state=state, **more)


def commands(entry: Entry, account: str | None = None) -> list[str]:
    return [each.command for each in next_commands(entry, account)]


@pytest.mark.parametrize("state", State)
def test_each_state_has_the_commands_that_it_allows(state: State) -> None:
    assert commands(entry(state)) == EXPECTED[state]


def test_a_command_of_the_sandbox_names_it_and_one_of_several_accounts_its_profile() -> None:
    begin_run(sandbox=True)

    found = commands(entry(State.REFUSED), "shop")

    assert found == [
        "loyalty --sandbox journal resolve a -p shop --not-applied --why TEXT",
    ]


@pytest.mark.parametrize("odd", ["-x", "--why", "a b", "$(id)", "it's", "a`b", "店"])
def test_odd_names_are_quoted_and_never_read_as_options(odd: str) -> None:
    debit, drop = map(shlex.split, commands(entry(State.PLANNED, odd, customer=odd, unit=odd)))

    assert [debit[debit.index(name) + 1] for name in ("--unit", "--reference")] == [odd, odd]
    assert drop.count(odd) == (2 if odd == "--why" else 1)
    if odd.startswith("-"):
        assert debit[-3:] == ["--", odd, "5"]
        assert drop[-2:] == ["--", odd]
