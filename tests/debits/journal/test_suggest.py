"""References of debits that begin with what is typed."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.suggest import MOST, references_from
from tests.debits.journal.conftest import changed, claimed, plan, planned


@pytest.mark.parametrize(
    ("begin", "states", "found"),
    [
        ("", list(State), ["order 2", "order 1", "gift"]),
        ("order", list(State), ["order 1", "order 2"]),
        ("", [State.UNKNOWN], ["order 1"]),
        ("gift", [State.UNKNOWN], []),
        ("ORDER", list(State), []),
    ],
)
def test_references_are_offered_by_how_they_begin_and_without_a_beginning_the_newest(
    tmp_path: Path, begin: str, states: Sequence[State], found: list[str]
) -> None:
    path = tmp_path / "journal.db"
    with closing(open_journal(path, create=True)) as journal:
        plan(journal, "gift")
        unknown = claimed(journal, plan(journal, "order 1"))
        changed(journal, unknown, State.UNKNOWN)
        plan(journal, "order 2")

        while_open = references_from(path, begin, states)

    assert [reference for reference, _ in while_open] == found
    assert references_from(path, begin, states) == while_open
    assert dict(while_open).get("order 1", "unknown: 1 CENTS, C-order 1") == (
        "unknown: 1 CENTS, C-order 1"
    )


def test_of_many_debits_only_some_are_offered(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(open_journal(path, create=True)) as journal:
        journal.plan([planned(f"{at:04}") for at in range(MOST * 3)])

    assert len(references_from(path, "", list(State))) == MOST
    assert len(references_from(path, "02", list(State))) == MOST
    assert len(references_from(path, "029", list(State))) == 10
