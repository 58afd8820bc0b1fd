"""What `loyalty balance` is asked for, as orders: of the command line, or of a list."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.balances.customer_list import Wanted, read_customers
from loyalty_cli.balances.lookup import Order, check_options
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.config.profile import Profile, check_timeout
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.lists.list_format import InputFormat
from loyalty_cli.lists.shard import Shard, check_shard
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import usage_error

Value = TypeVar("Value")


class Wish(Struct, frozen=True):
    """Whose balances are wished for, where, and how they are asked for, as it was typed."""

    customers: Sequence[str]
    file: str | None
    input_format: InputFormat | None
    profiles: Sequence[str]
    all_profiles: bool
    options: Sequence[str]
    raw: bool
    timeout: str | None
    shard: str | None


class Orders(Struct, frozen=True):
    """The orders, from the first one, and their number; None where only the end will tell.

    `is_typed` where a person types them at a terminal.
    """

    make: Callable[[], Iterator[Order]]
    total: int | None
    is_typed: bool = False


class _Terms(Struct, frozen=True):
    """What holds for all orders."""

    options: Mapping[str, str]
    timeout: float | None
    shard: Shard | None


@contextmanager
def open_orders(chosen: Globals, wish: Wish) -> Iterator[tuple[Session, Orders]]:
    """Make orders; raise LoyaltyError for what must not be sent.

    Of a regular file that is known before anything is sent; of a pipe when it is its turn.
    """
    _check_who(wish)
    terms = _Terms(
        _options(wish.options),
        checked("--timeout", check_timeout, wish.timeout),
        checked("--shard", check_shard, wish.shard),
    )
    wanted = [Wanted(check_customer(customer), 0) for customer in wish.customers]
    with open_session(chosen) as session:
        orders_of = _making(session, wish, terms)
        if wish.file is None:
            yield session, Orders(lambda: orders_of(wanted), sum(1 for _ in orders_of(wanted)))
            return
        with open_input(wish.file) as file:

            def make() -> Iterator[Order]:
                known = session.config.profiles
                with file.reading():
                    wanted = read_customers(file.from_start(), wish.input_format, known)
                    yield from orders_of(wanted)

            total = sum(1 for _ in make()) if file.is_rereadable else None
            yield session, Orders(make, total, file.is_typed)


def checked(name: str, check: Callable[[str], Value], text: str | None) -> Value | None:
    """Read an option's value, if it was given; raise LoyaltyError where `check` raises."""
    try:
        return None if text is None else check(text)
    except ValueError as error:
        usage_error(f"{name} {error}.")


def _check_who(wish: Wish) -> None:
    if wish.file is None and not wish.customers:
        usage_error("no customer given.", "Name a customer, or a list with --from.")
    if wish.file is not None and wish.customers:
        usage_error("--from takes the customers from the list.", "Leave CUSTOMER out.")
    if wish.file is None and wish.input_format:
        usage_error("--input-format says what --from reads.", "Add --from FILE, or leave it out.")


def _making(
    session: Session, wish: Wish, terms: _Terms
) -> Callable[[Iterable[Wanted]], Iterator[Order]]:
    @cache
    def asked(name: str) -> tuple[Profile, Mapping[str, str]]:
        profile = session.config.profile(name)
        timeout = terms.timeout or profile.timeout
        return replace(profile, timeout=timeout), check_options(profile, terms.options)

    @cache
    def chosen() -> list[str]:
        return [each.name for each in session.choose(wish.profiles, everything=wish.all_profiles)]

    def orders_of(wanted: Iterable[Wanted]) -> Iterator[Order]:
        for each in wanted:
            if terms.shard is None or terms.shard.has(each.customer):
                for name in [each.profile] if each.profile else chosen():
                    profile, options = asked(name)
                    yield Order(profile, each.customer, options, raw=wish.raw)

    if wish.profiles or wish.all_profiles:
        chosen()  # a wrong name is wrong, even where every row has a right one
    return orders_of


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
