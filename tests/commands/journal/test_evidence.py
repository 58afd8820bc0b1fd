"""`loyalty journal reconcile` at each platform of the sandbox, by the platform's own list."""

import json
import time
from typing import NamedTuple

import pytest

from loyalty_cli.debits.journal import uptime
from loyalty_cli.sandbox.capillary import CREDENTIALS
from loyalty_cli.sandbox.server import Reply
from tests.conftest import Outcome, Run
from tests.fakes.debit_platform import DebitPlatform

MILES = """\
  miles:
    provider: capillary
    base_url: {url}/capillary
    by: external_id
    debit: {{allow: true, unit: points}}
journal:"""
EVERY = pytest.mark.parametrize("profile", ["club", "points", "miles"])


class Clock:
    """The time since the machine was started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 5000.0
        monkeypatch.setattr(uptime, "seconds_awake_or_asleep", lambda: self.seconds)


class There(NamedTuple):
    platform: DebitPlatform
    loyalty: Run
    clock: Clock

    def debit(self, profile: str, customer: str = "C-1001", reference: str = "a") -> Outcome:
        asked = ("debit", customer, "5", "--reference", reference, "-y", "-o", "json")
        return self.loyalty(*asked, "-p", profile)

    def reconcile(self) -> Outcome:
        return self.loyalty("journal", "reconcile", "-o", "json")

    def why(self, reference: str = "a") -> str:
        shown = self.loyalty("journal", "show", reference, "-o", "json").record
        return str(shown["events"][-1]["why"])


@pytest.fixture
def there(ready: DebitPlatform, loyalty: Run, monkeypatch: pytest.MonkeyPatch) -> There:
    """Three platforms, whose clock is right."""
    ready.clock.time = time.time()
    text = ready.file.read_text().replace("journal:", MILES.format(url=ready.url))
    ready.file.write_text(text)
    for name in ("username", "password"):
        monkeypatch.setenv(f"LOYALTY_MILES_{name}".upper(), CREDENTIALS[name])
    return There(ready, loyalty, Clock(monkeypatch))


@EVERY
def test_a_debit_whose_reply_was_lost_is_found_in_the_list_of_its_platform(
    profile: str, there: There
) -> None:
    assert there.debit(profile, "E-lost-reply").code == 8

    done = there.reconcile()

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert done.record["provider_reference"] == "1"
    assert there.why().startswith("by evidence: the platform lists a debit of 5 ")
    assert len(there.platform.debits) == 1
    again = there.debit(profile, "E-lost-reply")
    assert (again.code, again.record["replayed"]) == (0, True)


@pytest.mark.parametrize("profile", ["club", "miles"])
def test_a_debit_that_never_arrived_is_made_after_two_looks(profile: str, there: There) -> None:
    there.platform.replies.append(Reply(reset=True))
    assert there.debit(profile).code == 8

    for wait, said in [(0, "may still arrive"), (900, "look again"), (59, "look again")]:
        there.clock.seconds += wait
        done = there.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert said in done.record["error"]["message"]
        assert "list of debits does not have it" in done.record["error"]["message"]
    there.clock.seconds += 1
    assert there.reconcile().record["state"] == "not_applied"

    again = there.debit(profile)
    assert (again.code, again.record["attempt"]) == (0, 2)
    if profile == "miles":  # the first attempt did not fail by the platform's word
        numbers = [json.loads(each.body)["root"]["redeem"][0] for each in there.platform.debits]
        assert [each["external_reference_number"] for each in numbers] == ["a", "a"]


@EVERY
def test_a_debit_that_arrives_late_is_found_when_it_is_made(profile: str, there: There) -> None:
    assert there.debit(profile, "E-late").code == 8
    there.platform.clock.time += 3
    there.clock.seconds += 3

    done = there.reconcile()

    assert (done.code, done.record["state"]) == (0, "confirmed")
    assert "by evidence" in there.why()
    assert len(there.platform.debits) == 1


def test_the_number_after_a_failed_attempt_is_looked_for_in_the_list(there: There) -> None:
    item = {"item_status": {"success": "false", "code": "521", "message": "locked"}}
    status = {"success": "false", "code": "500"}
    locked = {"response": {"status": status, "responses": {"points": item}}}
    there.platform.replies.append(Reply(400, locked))

    assert there.debit("miles", "E-lost-reply").record["state"] == "not_applied"
    assert there.debit("miles", "E-lost-reply").record["state"] == "unknown"
    done = there.reconcile()

    assert done.record["state"] == "confirmed"
    assert there.why().endswith("as 'a.2'")


def test_a_debit_is_not_settled_by_the_list_of_another_programme(there: There) -> None:
    assert there.debit("miles", "E-lost-reply").code == 8
    text = there.platform.file.read_text()
    there.platform.file.write_text(
        text.replace("by: external_id", "by: external_id\n    options: {program_id: 42}")
    )

    for _ in range(3):
        there.clock.seconds += 2000
        done = there.reconcile()
        assert (done.code, done.record["state"]) == (8, "unknown")
        assert "the profile has {'program_id': '42'} now" in done.record["error"]["message"]


def test_reconcile_does_not_send_a_person_to_reconcile(there: There) -> None:
    there.platform.replies.extend([Reply(500, "lost"), Reply(500, "lost again")])
    made = there.debit("points")

    done = there.reconcile()

    assert "`loyalty journal reconcile` settles it" in made.err
    assert (made.code, done.code, len(there.platform.debits)) == (8, 8, 2)
    assert done.err.endswith("Hint: Reconcile again in a minute or later.\n")
