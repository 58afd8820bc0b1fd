"""Checks run at the same time, each until its deadline, and none hides another."""

from collections.abc import Iterator
from threading import Barrier, Event

from loyalty_cli.commands.doctor.finding import Finding, exit_code, ok
from loyalty_cli.commands.doctor.run_checks import Check, run_all
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import ExitCode

PATIENCE = 20.0


def quick(name: str) -> Check:
    return Check(name, lambda: [ok(name, "well")], PATIENCE)


def test_a_check_that_never_ends_is_broken_and_keeps_what_it_found() -> None:
    released = Event()

    def stuck() -> Iterator[Finding]:
        yield ok("first", "well")
        released.wait(PATIENCE)
        yield ok("late", "well")

    found = run_all([quick("a"), Check("stuck", stuck, 0.1), quick("b")])
    released.set()

    assert [each.check for each in found] == ["a", "first", "stuck", "b"]
    assert [each.status for each in found] == ["ok", "ok", "broken", "ok"]
    assert "no result within 0.1 s" in found[2].message


def test_checks_run_at_the_same_time() -> None:
    together = Barrier(5)

    def wait() -> list[Finding]:
        together.wait(PATIENCE)
        return [ok("met", "well")]

    assert len(run_all([Check("met", wait, None)] * 5)) == 5


def test_an_error_is_what_the_check_found() -> None:
    def fail() -> list[Finding]:
        raise LoyaltyError(ErrorCode.CREDENTIAL_REFUSED, "No.", hint="Ask.")

    (found,) = run_all([Check("key", fail, PATIENCE)])

    assert (found.status, found.message, found.hint) == ("broken", "No", "Ask.")
    assert exit_code([found]) == ExitCode.CREDENTIAL
    assert exit_code([ok("a", "well")]) == ExitCode.OK
