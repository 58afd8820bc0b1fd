"""What a trial is about: who debits whom, and what else happens beside it, drawn from its seed."""

import random
from collections import defaultdict
from enum import StrEnum
from typing import NamedTuple

from tests.proofs.installation import TIMEOUT, Row
from tests.proofs.truth_server import QUEUE_SECONDS, Mood, Reading

LOST = (Mood.SLOW, Mood.LATE, Mood.HELD, Mood.LOST_REPLY, Mood.NEVER, Mood.BROKEN)
REFUSING = (Mood.REFUSED, Mood.SIGN_IN, Mood.TOO_MANY)
FINE = (Mood.PROMPT, Mood.PROMPT, Mood.SLOW)

Rows = tuple[Row, ...]


class Keeping(StrEnum):
    """What is done with the journal's file beside the debits."""

    NOTHING = "nothing"
    MEANWHILE = "backups and copies are made while debits are, and restored"
    LOG_LOST = "its log is lost after the kills"
    OLDER = "it is lost, and all there is is an older backup"
    LAST = "it is restored from a backup that was taken after the last debit"


class Story(NamedTuple):
    """Files of debits that are run side by side, and what else there is in a trial.

    `impatient` is how many run `reconcile` again and again from the first moment. Where evidence
    cannot settle everything, a `person` does. `hosts` are those of the files' processes.
    """

    provider: str = "saasquatch"
    jobs: tuple[Rows, ...] = ()
    hosts: tuple[str, ...] = ("", "")
    moods: tuple[Mood, ...] = LOST
    readings: tuple[Reading, ...] = (Reading.FRESH,)
    impatient: int = 0
    keeping: Keeping = Keeping.NOTHING
    scarce: bool = False
    person: bool = False
    timeout: float = TIMEOUT

    def rows(self) -> list[Row]:
        """Each debit once, whoever is to make it."""
        return list(dict.fromkeys(row for job in self.jobs for row in job))

    def credit(self) -> dict[str, int]:
        """What the customers have where it is not enough for all that is asked for."""
        asked: defaultdict[str, int] = defaultdict(int)
        for row in self.rows():
            asked[row.customer.casefold()] += row.amount
        return {each: amount * 3 // 5 for each, amount in asked.items()} if self.scarce else {}


def told(chance: random.Random, *, in_a_file: bool) -> Story:
    jobs, beside = _jobs(chance)
    waits = chance.random() < 0.04
    is_kept = in_a_file and chance.random() < 0.3
    keeping = chance.choice(tuple(Keeping)[1:]) if is_kept else Keeping.NOTHING
    odd = chance.choice((Reading.SLOW, Reading.CACHED))
    several = len(jobs) > 1
    far = several and not in_a_file and chance.random() < 0.3
    return Story(
        provider="gameball" if chance.random() < 0.15 else "saasquatch",
        jobs=jobs,
        hosts=("host-1", "host-2") if far else ("", ""),
        moods=(Mood.QUEUED, Mood.SLOW) if waits else LOST + REFUSING,
        readings=(Reading.FRESH, odd) if chance.random() < 0.2 else (Reading.FRESH,),
        impatient=chance.choice((0, 0, 1, 2)) + waits,
        keeping=keeping,
        # Twins are two accounts to the journal, and one to the platform: their credit is not kept.
        scarce=several and beside != "a twin" and chance.random() < 0.4,
        person=beside == "a twin" or keeping in (Keeping.LOG_LOST, Keeping.OLDER),
        timeout=QUEUE_SECONDS + 2 * TIMEOUT if waits else TIMEOUT,
    )


def _jobs(chance: random.Random) -> tuple[tuple[Rows, ...], str]:
    """The files, and what the second one is, if there is one."""
    size = chance.choice((1, 1, 1, 4, 12))
    customers = [f"C-{number}" for number in range(chance.choice((size, 1 + size // 3)))]
    first = tuple(
        Row(f"order-{number}", chance.choice(customers), 100 + number) for number in range(size)
    )
    beside = chance.choice(("nothing",) * 9 + ("the same",) * 3 + ("others",) * 3 + ("a twin",))
    match beside:
        case "the same":
            return (first, first), beside
        case "others":
            return (first, others_of(first)), beside
        case "a twin":
            return (first, twins_of(first)), beside
    return (first,), beside


def others_of(rows: Rows) -> Rows:
    return tuple(
        Row(f"visit-{number}", row.customer, 200 + number) for number, row in enumerate(rows)
    )


def twins_of(rows: Rows) -> Rows:
    """The same for the same accounts, which are written in another way."""
    return tuple(Row(f"twin-{row.reference}", row.customer.lower(), row.amount) for row in rows)
