"""The tasks of `loyalty balance`, from the command line or from a list."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.balances.customer_list import ListedCustomer, ListForm, check_form, read_customers
from loyalty_cli.balances.lookup import LookupTask, check_options
from loyalty_cli.commands.balance.people import AskedPeople
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.config.profile import Profile, check_timeout
from loyalty_cli.lists.delimiter import check_delimiter
from loyalty_cli.lists.list_file import InputFormat, open_input
from loyalty_cli.lists.shard import Shard, check_shard
from loyalty_cli.model.customer_id import check_typed_alone
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output.format import Amounts, Format, TableLayout

Value = TypeVar("Value")

NO_CUSTOMERS = ("get", "show", "list", "lookup", "check", "for", "of")
"""What other programs want between a command and a name."""


class BalanceRequest(Struct, frozen=True):
    """The arguments and options of a command line, as typed."""

    customers: Sequence[str]
    file: str | None
    input_format: InputFormat | None
    profiles: Sequence[str]
    all_profiles: bool
    by: str | None
    options: Sequence[str]
    raw: bool
    timeout: str | None
    jobs: int
    rate: str | None
    shard: str | None
    output: Format | None
    output_file: Path | None
    resume: bool
    summary: bool
    people: Sequence[str] = ()
    layout: TableLayout = TableLayout.AUTO
    copy: bool = False
    delimiter: str | None = None
    column: str | None = None
    max_failures: int | None = None
    fail_fast: bool = False
    field: str | None = None
    query: str | None = None
    columns: str | None = None
    sort: str | None = None
    amounts: Amounts = Amounts.NUMBER


class LookupTasks(Struct, frozen=True):
    """`make` yields the tasks from the first one; `total` is None if it is unknown until the end.

    `is_typed` is true if a person types the list at a terminal. `people` are those of the command
    line, by a profile and the customer there.
    """

    make: Callable[[], Iterator[LookupTask]]
    total: int | None
    is_typed: bool = False
    people: Mapping[tuple[str, str], str] = {}


@contextmanager
def open_tasks(chosen: Globals, request: BalanceRequest) -> Iterator[tuple[Session, LookupTasks]]:
    """Make the tasks; raise LoyaltyError for a task that must not be sent.

    A regular file is checked before anything is sent, a pipe line by line.
    """
    _check_who(request)
    delimiter = check_delimiter(request.delimiter)
    form = check_form(ListForm(request.input_format, delimiter, request.column))
    options = _options(request.options)
    timeout = checked("--timeout", check_timeout, request.timeout)
    shard = checked("--shard", check_shard, request.shard)
    wanted = [ListedCustomer(check_typed_alone(customer)) for customer in request.customers]
    wanted += [ListedCustomer(key, is_person=True) for key in request.people]
    with open_session(chosen) as session, closing(AskedPeople(session, chosen)) as people:
        tasks_of = _making(session, people, request, options, timeout, shard)
        for key in request.people:
            people.find(key)
        if request.file is None:
            number = sum(1 for _ in tasks_of(wanted))
            yield session, LookupTasks(lambda: tasks_of(wanted), number, people=people.by_customer)
            return
        with open_input(request.file) as file:

            def make() -> Iterator[LookupTask]:
                known = session.config.profiles
                with file.reading():
                    wanted = read_customers(file.from_start(), form, known)
                    yield from tasks_of(wanted)

            total = sum(1 for _ in make()) if file.is_rereadable else None
            yield session, LookupTasks(make, total, file.is_typed)


def checked(name: str, check: Callable[[str], Value], text: str | None) -> Value | None:
    """Read an option's value, if it was given; raise LoyaltyError if `check` fails."""
    try:
        return None if text is None else check(text)
    except ValueError as error:
        usage_error(f"{name} {error}.")


def _check_who(request: BalanceRequest) -> None:
    if request.people and (request.customers or request.file is not None):
        hint = "Leave CUSTOMER and --from out, or -P."
        usage_error("-P names a person, in place of a customer.", hint)
    if request.file is None and not (request.customers or request.people):
        usage_error("no customer given.", "Name a customer, or a list with --from.")
    if len(request.customers) > 1 and request.customers[0] in NO_CUSTOMERS:
        others = " ".join(request.customers[1:4])
        usage_error(
            f"{request.customers[0]!r} would be looked up as a customer, too.",
            f"Write `loyalty balance {others}`; a customer of that name goes last.",
        )
    if request.file is not None and request.customers:
        usage_error("--from takes the customers from the list.", "Leave CUSTOMER out.")
    for name, value in (
        ("--input-format", request.input_format),
        ("--delimiter", request.delimiter),
        ("--column", request.column),
    ):
        if request.file is None and value is not None:
            usage_error(f"{name} is about the list of --from.", "Add --from FILE, or leave it out.")


def _making(
    session: Session,
    people: AskedPeople,
    request: BalanceRequest,
    options: Mapping[str, str],
    timeout: float | None,
    shard: Shard | None,
) -> Callable[[Iterable[ListedCustomer]], Iterator[LookupTask]]:
    @cache
    def asked(name: str) -> tuple[Profile, Mapping[str, str]]:
        profile = session.config.profile(name)
        checked_options = check_options(profile, options)
        return replace(profile, timeout=timeout or profile.timeout), checked_options

    @cache
    def chosen() -> list[str]:
        everything = request.all_profiles or bool(request.people and not request.profiles)
        return [each.name for each in session.choose(request.profiles, everything=everything)]

    def tasks_of(wanted: Iterable[ListedCustomer]) -> Iterator[LookupTask]:
        for each in wanted:
            if each.is_person and request.by is not None:
                hint = "Leave --by out."
                each.refuse("--by is for a customer; a person has identifiers on file.", hint)
            if shard is None or shard.has(each.customer):
                for name in [each.profile] if each.profile else chosen():
                    profile, its_options = asked(name)
                    by = each.by or (profile.by if request.by is None else request.by)
                    asked_for = people.customer_at(each, profile) if each.is_person else each
                    if asked_for.no_id is None:
                        asked_for.check_way(profile, by)
                    yield LookupTask(
                        *(profile, asked_for.customer, its_options, by),
                        raw=request.raw,
                        no_id=asked_for.no_id,
                    )

    if request.profiles or request.all_profiles:
        chosen()  # a wrong name is an error, even if every row names a profile
    return tasks_of


def _options(given: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            usage_error(f"-O {pair!r} is not KEY=VALUE.", "Write it like -O currency=NZD.")
        if name in options:
            usage_error(f"the option {name!r} is there twice.", "Leave one out.")
        options[name] = value
    return options
