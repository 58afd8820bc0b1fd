"""How often unknown debits are looked at, until when, and what is told of each."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.entries import Key, Planned, State, new_entry
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.until_settled import Results, until_settled
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

UNKNOWN, CONFIRMED = State.UNKNOWN, State.CONFIRMED


def result(reference: str, state: State = UNKNOWN) -> DebitResult:
    planned = Planned(Key("platform", reference), "shop", "saasquatch", "C-1", "CENTS", 5)
    return DebitResult(replace(new_entry(planned, datetime.now(UTC)), state=state))


class Waits:
    """Runs the looks, by a clock that only pauses move on."""

    def __init__(self, looks: Sequence[Results | LoyaltyError], patience: float = 1800) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.ended_by_signal = False
        self._looks = iter(looks)
        self._last: Results | LoyaltyError = []
        self._patience = patience

    def run(self) -> Iterator[tuple[str, str]]:
        results = until_settled(self._look, lambda _: self._patience, lambda: self.now, self._pause)
        return ((each.entry.key.reference, str(each.entry.state)) for each in results)

    def _look(self, _before: Results) -> Results:
        self._last = next(self._looks, self._last)
        if isinstance(self._last, LoyaltyError):
            raise self._last
        return self._last

    def _pause(self, left: Results, seconds: float) -> bool:
        assert left
        self.pauses.append(seconds)
        self.now += seconds
        return not self.ended_by_signal


def test_it_ends_at_once_if_all_is_settled() -> None:
    waits = Waits([[result("a", CONFIRMED)]])

    assert [*waits.run()] == [("a", "confirmed")]
    assert [*Waits([[]]).run()] == []
    assert waits.pauses == []


def test_each_debit_is_told_once_when_it_is_settled_and_the_others_at_the_end() -> None:
    first = [result("a"), result("b", CONFIRMED), result("c")]
    waits = Waits([first, [result("a", State.NOT_APPLIED), result("c")]], patience=5)
    told = waits.run()

    assert next(told) == ("b", "confirmed")
    assert waits.pauses == []
    assert [*told] == [("a", "not_applied"), ("c", "unknown")]


def test_pauses_grow_up_to_a_minute_and_end_when_the_patience_does() -> None:
    waits = Waits([[result("a")]], patience=200)

    assert [*waits.run()] == [("a", "unknown")]
    assert waits.pauses == [5, 10, 20, 40, 60, 60, 5]


@pytest.mark.parametrize(("patience", "signal"), [(0.0, False), (1800.0, True)])
def test_a_signal_or_no_hope_ends_it_with_what_is_known(patience: float, signal: bool) -> None:
    waits = Waits([[result("a")]], patience)
    waits.ended_by_signal = signal

    assert [*waits.run()] == [("a", "unknown")]
    assert len(waits.pauses) == signal


def test_an_unknown_debit_is_told_before_an_error_of_the_journal() -> None:
    waits = Waits([[result("a")], LoyaltyError(ErrorCode.SETUP, "the journal is gone.")])
    told = waits.run()

    assert next(told) == ("a", "unknown")
    with pytest.raises(LoyaltyError):
        next(told)
