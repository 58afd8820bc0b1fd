"""Look-ups are written beside the run: whatever happens to the database, none waits or fails."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from loyalty_cli.database.customer_data import CustomerData
from loyalty_cli.database.open import open_database
from loyalty_cli.history import recorder as recording
from loyalty_cli.history.recorder import Recorder
from loyalty_cli.history.store import BATCH, SCHEMA, History
from loyalty_cli.model.errors import setup_error
from loyalty_cli.model.records import RawLookup
from tests.history.exported import failed, looked_up


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


def opened(place: Path) -> CustomerData:
    database = open_database(place, SCHEMA, create=True)
    assert database is not None
    return database


@contextmanager
def written(place: Path) -> Iterator[History]:
    with closing(opened(place)) as database:
        yield History(database)


def test_every_balance_is_written_by_the_end(place: Path) -> None:
    recorder = Recorder(lambda: opened(place), "ada@till")
    for number in range(3 * BATCH + 1):
        recorder.add(looked_up(f"C-{number}", number))
    assert recorder.close() == []

    with written(place) as history:
        ((whose, provider, (period,)),) = history.of_customer(f"C-{3 * BATCH}")
        assert (whose.profile, whose.by, provider) == ("points", "id", "gameball")
        assert (period.first_by, str(period.lines[0].available)) == ("ada@till", str(3 * BATCH))
        assert history.of_customer("C-0")


def test_what_has_no_balance_is_not_written_and_opens_no_database(place: Path) -> None:
    recorder = Recorder(lambda: opened(place), "ada@till")
    lookup = looked_up("C-1")
    recorder.add(failed("C-1"))
    recorder.add(
        RawLookup(
            profile=lookup.profile,
            provider=lookup.provider,
            customer="C-1",
            sandbox=False,
            asked=lookup.asked,
            retrieved_at=lookup.retrieved_at,
        )
    )

    assert recorder.close() == []
    assert not place.exists()


def test_a_customer_who_has_nothing_yet_is_written(place: Path) -> None:
    recorder = Recorder(lambda: opened(place), "")
    recorder.add(looked_up("C-1"))
    recorder.close()

    with written(place) as history:
        assert history.of_customer("C-1")[0][2][0].lines == ()


def test_an_error_of_the_database_is_one_warning() -> None:
    def broken() -> CustomerData:
        setup_error("it is broken.", "Mend it.")

    recorder = Recorder(broken, "")
    for _ in range(3):
        recorder.add(looked_up("C-1"))

    assert recorder.close() == ["the history was not written: it is broken. Mend it."]


def test_a_defect_while_writing_is_one_warning() -> None:
    def broken() -> CustomerData:
        raise ZeroDivisionError

    recorder = Recorder(broken, "")
    recorder.add(looked_up("C-1"))

    assert recorder.close() == ["the history was not written: ZeroDivisionError"]


def test_a_database_that_does_not_answer_delays_only_the_end_and_not_long(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Event()

    def silent() -> CustomerData:
        answers.wait(60)
        return opened(place)

    monkeypatch.setattr(recording, "CLOSE_SECONDS", 0.1)
    recorder = Recorder(silent, "")
    recorder.add(looked_up("C-1"))

    (warning,) = recorder.close()
    answers.set()
    assert "did not answer within 0.1 s" in warning


def test_a_database_that_is_too_slow_for_a_list_is_given_up(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = Event()

    def silent() -> CustomerData:
        answers.wait(60)
        return opened(place)

    monkeypatch.setattr(recording, "MAX_WAITING", 5)
    recorder = Recorder(silent, "")
    for number in range(20):
        recorder.add(looked_up(f"C-{number}"))
    answers.set()

    assert recorder.close() == ["the history was not written: it is too slow"]
