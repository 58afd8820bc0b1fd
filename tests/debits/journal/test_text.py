"""Whatever an answer or a person says can be written down, and reads the same in both databases."""

import pytest

from loyalty_cli.debits.journal.entries import Change, State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.text import writable
from tests.debits.journal.conftest import claimed

ODD = "a\0b\ud800c\udfffd\N{GRINNING FACE}\n"
WRITTEN = "a\\u0000b\\ud800c\\udfffd\N{GRINNING FACE}\n"


@pytest.mark.parametrize("state", [State.CONFIRMED, State.UNKNOWN, State.PLANNED])
def test_a_result_with_text_that_no_database_takes_is_recorded(
    journal: Journal, state: State
) -> None:
    claim = claimed(journal)

    after = journal.change(
        claim, state, Change(ODD, balance_after=ODD, provider_reference=ODD, error=ODD)
    )
    journal.note(claim, ODD)

    assert after is not None
    assert journal.present(claim) == after
    assert [after.balance_after, after.provider_reference, after.error] == [WRITTEN] * 3
    assert [event.why for event in journal.events(claim.key)][-2:] == [WRITTEN] * 2


def test_text_that_a_database_takes_is_recorded_as_it_is() -> None:
    assert writable("größe \\u0000 \x01\x7f\u202e") == "größe \\u0000 \x01\x7f\u202e"
    assert writable(None) is None
