"""Whatever an answer or a person says can be written down, and reads the same in both databases."""

import pytest

from loyalty_cli.debits.journal.entries import Baseline, Change, Key, Planned, Process, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.text import writable

ODD = "a\0b\ud800c\udfffd\N{GRINNING FACE}\n"
WRITTEN = "a\\u0000b\\ud800c\\udfffd\N{GRINNING FACE}\n"


@pytest.mark.parametrize("state", [State.CONFIRMED, State.UNKNOWN, State.PLANNED])
def test_a_result_with_what_no_database_takes_is_written_down(
    journal: Journal, state: State
) -> None:
    planned = Planned(Key("shop", "a"), "shop", "saasquatch", "C-1", "CENTS", 1)
    (entry,) = journal.plan([planned])
    claimed = journal.claim(entry, Process("host", 1, "2", "3"), Baseline())
    assert claimed is not None

    after = journal.change(
        claimed, state, Change(ODD, balance_after=ODD, provider_reference=ODD, error=ODD)
    )
    journal.note(claimed, ODD)

    assert after is not None
    assert journal.get(entry.key) == after
    assert [after.balance_after, after.provider_reference, after.error] == [WRITTEN] * 3
    assert [event.why for event in journal.events(entry.key)][-2:] == [WRITTEN] * 2


def test_all_other_text_stays_as_it_is() -> None:
    assert writable("größe \\u0000 \x01\x7f\u202e") == "größe \\u0000 \x01\x7f\u202e"
    assert writable(None) is None
