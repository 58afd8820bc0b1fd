"""What the profiles allow to be debited, and what is on record already."""

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.config.profile import DebitRules, Profile
from loyalty_cli.debits.checks import keep_orders, order_of
from loyalty_cli.debits.debit_list import FileRow, Row
from loyalty_cli.debits.journal.entries import Baseline, Change, State
from loyalty_cli.debits.journal.processes import this_process
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal_checks import Limits, check_on_record
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.sandbox.profiles import sandbox_profiles
from tests.conftest import Run

PROFILES = sandbox_profiles("http://127.0.0.1:1")
OPEN_RULES = DebitRules(allow=True, unit="CENTS")


def nothing_taken(_: str) -> int:
    return 0


def profile(rules: DebitRules = OPEN_RULES, provider: str = "saasquatch") -> Profile:
    return replace(PROFILES[provider], debit=rules)


def row(number: int = 2, amount: int = 100, **values: Any) -> Row:
    reference = values.pop("reference", f"ref-{number}")
    return Row(number, values.pop("customer", "C-1"), amount, reference, **values)


@pytest.fixture
def kept() -> Iterator[OrderStore]:
    with closing(OrderStore()) as orders:
        yield orders


Keeps = Callable[..., OrderStore]


@pytest.fixture
def keeps(kept: OrderStore) -> Keeps:
    """Keep the rows of a file, and raise what is wrong with it."""

    def keep(rows: Sequence[Row], rules: DebitRules = OPEN_RULES) -> OrderStore:
        mistakes = Mistakes("f.csv")
        read = [FileRow(each.line, each, reference=each.reference) for each in rows]
        keep_orders(read, lambda _: profile(rules), None, mistakes, kept)
        mistakes.check()
        return kept

    return keep


def rows_of(amounts: Sequence[int]) -> list[Row]:
    return [row(number, amount) for number, amount in enumerate(amounts, start=2)]


def add_all(limits: Limits, amounts: Sequence[int], at: Profile, **more: bool) -> list[str]:
    """What the limits say of debits."""
    orders = [order_of(each, at, None) for each in rows_of(amounts)]
    said = [limits.add(order, is_open=more.get("is_open", False)) for order in orders]
    return [error.message for errors in said for error in errors]


def refused(code: ErrorCode, check: Callable[..., object], *arguments: object) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        check(*arguments)
    assert caught.value.code is code
    return caught.value


@pytest.mark.parametrize(
    ("at", "code", "message", "hint"),
    [
        (
            *(profile(provider="imprint"), ErrorCode.REFUSED),
            "Imprint (profile 'imprint') cannot debit.",
            "These can: gameball, capillary, saasquatch.",
        ),
        (
            *(profile(DebitRules()), ErrorCode.REFUSED),
            "the profile 'saasquatch' does not allow debits.",
            "Add `debit: {allow: true}` to it in the profile file.",
        ),
        (
            *(profile(DebitRules(allow=True)), ErrorCode.USAGE),
            "no unit for the debit 'ref-2'.",
            "Add --unit, or debit.unit to the profile: exactly as the balance shows it.",
        ),
        (
            *(profile(DebitRules(allow=True, unit="CENTS", max_amount=99)), ErrorCode.REFUSED),
            "the debit 'ref-2' of 100 is more than the profile's debit.max_amount 99.",
            "Nothing was sent. The profile file sets that limit.",
        ),
    ],
    ids=["the platform cannot", "it does not allow it", "no unit", "too much"],
)
def test_a_debit_that_its_profile_does_not_allow_is_refused(
    at: Profile, code: ErrorCode, message: str, hint: str
) -> None:
    error = refused(code, order_of, row(), at, None)

    assert (error.message, error.hint) == (message, hint)


def test_a_debit_may_be_as_large_as_its_profile_says() -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_amount=100)

    assert order_of(row(amount=100), profile(rules), None).amount == 100


def test_the_unit_of_a_debit_is_the_rows_or_the_options_or_the_profiles() -> None:
    units = [
        order_of(row(unit="A"), profile(), "B").unit,
        order_of(row(), profile(), "B").unit,
        order_of(row(), profile(), None).unit,
    ]

    assert units == ["A", "B", "CENTS"]


def test_every_row_that_its_profile_does_not_allow_is_told_at_once(keeps: Keeps) -> None:
    rules = DebitRules(allow=True, unit="CENTS", max_amount=100)
    error = refused(ErrorCode.REFUSED, keeps, rows_of([1, 101, 2, 999]), rules)

    assert error.message == "the file has 2 mistakes."
    assert error.details == tuple(
        f"f.csv:{number}: amount '{amount}': the debit 'ref-{number}' of {amount} is more than the"
        " profile's debit.max_amount 100"
        for number, amount in ((3, 101), (5, 999))
    )


def test_a_wrong_row_makes_the_exit_code_and_not_one_that_is_not_allowed(keeps: Keeps) -> None:
    rules = DebitRules(allow=True, max_amount=100)
    error = refused(ErrorCode.USAGE, keeps, [row(2, 101, unit="CENTS"), row(3, 101)], rules)

    assert [each.rpartition(": ")[0] for each in error.details] == [
        "f.csv:2: amount '101'",
        "f.csv:3: unit ''",
        "f.csv:3: amount '101'",
    ]


def test_kept_orders_are_given_in_their_own_order_and_by_reference(keeps: Keeps) -> None:
    names = [f"r-{number * 7919 % 2003}" for number in range(2000)]
    rows = [row(number, number, reference=name) for number, name in enumerate(names, start=2)]

    kept = keeps(rows)

    assert [order.reference for order in kept] == names
    assert [number for number, _ in kept.numbered()] == [each.line for each in rows]
    assert [order.reference for order in kept.by_reference()] == sorted(names)
    assert (len(kept), kept.total) == (2000, sum(each.amount for each in rows))
    assert [each.name for each in kept.profiles] == ["saasquatch"]


def test_kept_orders_are_in_a_file_that_nobody_else_can_open(keeps: Keeps) -> None:
    before = set(open_files())
    keeps([row(number, 1, customer="C" * 900) for number in range(2, 20_000)])

    (opened,) = set(open_files()) - before
    assert not Path(opened[0]).exists()
    assert opened[1] & 0o777 == 0o600


def open_files() -> Iterator[tuple[str, int]]:
    """The name and the mode of each file that SQLite has open for what is temporary."""
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            name = str(link.readlink())
            if name.endswith(" (deleted)") and "etilqs" in name:
                yield name.removesuffix(" (deleted)"), link.stat().st_mode


def test_no_room_for_the_kept_orders_is_a_clear_error(program: Run, tmp_path: Path) -> None:
    file = tmp_path / "debits.csv"
    lines = (f"C-{number},1,ref-{number}\n" for number in range(300_000))
    file.write_text("customer,amount,reference\n" + "".join(lines))

    def no_large_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))

    done = program("--sandbox", "debit", "-f", str(file), "-y", preexec_fn=no_large_files)

    assert (done.code, done.out) == (3, "")
    assert "Error: the rows of the file cannot be kept in a temporary file: " in done.err
    assert "Set TMPDIR" in done.err


def test_a_run_takes_no_more_than_the_max_total_of_each_profile() -> None:
    at = profile(DebitRules(allow=True, unit="CENTS", max_total=150))
    limits = Limits(nothing_taken)

    assert add_all(limits, [100, 50], at) == []
    assert add_all(limits, [100, 50], replace(at, name="other")) == []
    (said,) = add_all(limits, [1, 5], at)
    assert "is 151, above its debit.max_total 150" in said


def test_a_day_takes_no_more_than_the_max_total_per_day_of_a_profile() -> None:
    at = profile(DebitRules(allow=True, unit="CENTS", max_total_per_day=150))

    assert add_all(Limits(lambda _: 50), [60, 40], at) == []
    assert add_all(Limits(lambda _: 150), [60, 40], at, is_open=True) == []
    (said,) = add_all(Limits(lambda _: 50), [60, 41, 5], at)
    assert "would be 151 in 24 hours, above its debit.max_total_per_day 150" in said


def test_every_reference_on_record_for_another_debit_is_told(
    keeps: Keeps, journal: Journal
) -> None:
    before = [order_of(each, profile(), None) for each in rows_of([100, 100, 100])]
    journal.plan([order.planned for order in before])
    mistakes = Mistakes("f.csv")

    kept = keeps([row(2, 100), row(3, 101), row(4, 100, customer="C-9")])
    to_send = check_on_record(journal, kept, set(), mistakes)

    assert to_send.number == 3
    error = refused(ErrorCode.REFERENCE_TAKEN, mistakes.check)
    assert [each.split(" is on record")[0] for each in error.details] == [
        "f.csv:3: reference 'ref-3': the reference 'ref-3'",
        "f.csv:4: reference 'ref-4': the reference 'ref-4'",
    ]


@pytest.mark.parametrize(
    ("provider", "states", "then"),
    [
        ("saasquatch", [], "sent and counted"),
        ("saasquatch", [State.UNKNOWN, State.NOT_APPLIED], "sent and counted"),
        ("saasquatch", [State.UNKNOWN], "not sent"),
        ("gameball", [State.UNKNOWN], "sent"),  # again: the sum of the day has it already
    ],
)
def test_a_debit_on_record_counts_for_the_day_again_only_if_it_was_not_made(
    provider: str, states: list[State], then: str, kept: OrderStore, journal: Journal
) -> None:
    rules = DebitRules(allow=True, unit="points", max_total_per_day=10)
    order = order_of(row(amount=11), profile(rules, provider), None)
    (entry,) = journal.plan([order.planned])
    if states:
        entry = journal.claim(entry, this_process(), Baseline()) or entry
    for state in states:
        entry = journal.change(entry, state, Change("test")) or entry
    kept.add(2, order.reference, order)
    mistakes = Mistakes("f.csv")

    assert check_on_record(journal, kept, set(), mistakes).number == (then != "not sent")
    assert bool(mistakes) == (then == "sent and counted")
