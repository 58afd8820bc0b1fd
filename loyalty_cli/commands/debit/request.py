"""The requested debits: one on the command line, or a file of debits."""

from collections.abc import Callable
from functools import cache
from shlex import quote
from typing import TypeVar

from msgspec import Struct

from loyalty_cli.commands.debit.rows_of_people import with_customers
from loyalty_cli.commands.named_people import NamedPeople
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.checks import keep_orders, order_of
from loyalty_cli.debits.debit_list import Row, check_amount, check_reference, check_unit, read_rows
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.lists.delimiter import check_delimiter
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.customer_id import check_typed
from loyalty_cli.model.errors import nearest, usage_error

Value = TypeVar("Value")


class DebitRequest(Struct, frozen=True):
    """The arguments and options of the command line; `person` is who the customer is, by name."""

    customer: str | None
    amount: str | None
    file: str | None
    unit: str | None
    reference: str | None
    profile: str | None
    expect_total: str | None
    dry_run: bool
    yes: bool
    person: str | None = None
    delimiter: str | None = None
    max_failures: int | None = None
    fail_fast: bool = False


def keep_request(
    session: Session,
    people: NamedPeople,
    request: DebitRequest,
    orders: OrderStore,
    mistakes: Mistakes,
    *,
    interactive: bool,
) -> None:
    """Put the requested debits into the store, and add their mistakes to `mistakes`."""
    total = request.expect_total
    unit = None if request.unit is None else _checked("--unit", check_unit, request.unit)
    delimiter = check_delimiter(request.delimiter)
    expected = None if total is None else _checked("--expect-total", check_amount, total)
    named = [] if request.profile is None else [request.profile]
    default = cache(lambda: session.choose(named, everything=False)[0])
    if named:
        default()  # a wrong name is an error, even if no row needs it
    if request.file is None:
        for name, is_given in (
            ("--delimiter", delimiter is not None),
            ("--max-failures", request.max_failures is not None),
            ("--fail-fast", request.fail_fast),
        ):
            if is_given:
                hint = "Add --from FILE, or leave it out."
                usage_error(f"{name} is about the file of --from.", hint)
        row = _row(request, interactive=interactive)
        orders.add(row.line, row.reference, order_of(row, default(), unit))
    elif request.customer is not None or request.reference is not None:
        hint = "Leave CUSTOMER, AMOUNT and --reference out."
        usage_error("--from takes the debits from the file.", hint)
    else:
        profiles = session.config.profiles

        def check_profile(name: str) -> str:
            if name not in profiles:
                raise ValueError(f"there is no such profile. {nearest(name, profiles)}")
            return name

        def profile_of(row: Row) -> Profile:
            return profiles[row.profile] if row.profile else default()

        with open_input(request.file) as file, file.reading(), file.unchanged():
            rows = read_rows(file.from_start(), check_profile, delimiter)
            rows = with_customers(rows, profile_of, people)
            keep_orders(rows, profile_of, unit, mistakes, orders)
    if expected is not None and not mistakes and orders.total != expected:
        usage_error(
            f"the amounts add up to {orders.total}, not to {expected}.",
            "No debit was made. Fix the file or the total.",
        )


def _row(request: DebitRequest, *, interactive: bool) -> Row:
    if request.customer is None or request.amount is None:
        usage_error("a debit needs CUSTOMER and AMOUNT, or --from FILE.")
    customer = check_typed(request.customer)
    amount = _amount(request.amount, customer)
    if request.reference is not None:
        reference = _checked("--reference", check_reference, request.reference)
    elif interactive:
        from uuid import uuid4

        reference = f"loyalty-{uuid4()}"
    else:
        usage_error(
            "a debit without a terminal needs --reference.",
            "A reference names one debit: use the same one when this debit is tried again, and"
            " a new one for the next debit.",
        )
    return Row(1, customer, amount, reference)


def _amount(text: str, customer: str) -> int:
    try:
        return check_amount(text)
    except ValueError as error:
        swapped = f"CUSTOMER comes first: `loyalty debit {quote(text)} {customer}`."
        hint = swapped if customer.isascii() and customer.isdigit() else None
        if text.replace(",", ".").replace(".", "", 1).isdecimal() and not text.isdecimal():
            hint = "If the unit is cents, 2.50 is 250."
        usage_error(f"AMOUNT {text[:80]!r} {error}.", hint)


def _checked(name: str, check: Callable[[str], Value], text: str) -> Value:
    try:
        return check(text)
    except ValueError as error:
        usage_error(f"{name} {text[:80]!r} {error}.")
