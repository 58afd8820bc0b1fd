"""`loyalty balance`: customers' balances at one platform or several."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from loyalty_cli.commands.parameters import OutputOption, complete_option, complete_profile
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from loyalty_cli.commands.session import Session
    from loyalty_cli.lookup import Order
    from loyalty_cli.profile import Profile


def balance(
    context: typer.Context,
    customers: Annotated[
        list[str],
        typer.Argument(
            metavar="CUSTOMER...", help="One or more customers, as the platform knows them."
        ),
    ],
    profile: Annotated[
        list[str] | None,
        typer.Option(
            "--profile",
            "-p",
            metavar="NAME",
            help="The profile to ask, or several. Else LOYALTY_PROFILE, else default_profile.",
            autocompletion=complete_profile,
        ),
    ] = None,
    all_profiles: Annotated[
        bool, typer.Option("--all-profiles", help="Ask every profile in the file.")
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-O",
            metavar="KEY=VALUE",
            help="A query option of the provider; see loyalty providers NAME.",
            autocompletion=complete_option,
        ),
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Show the platform's own answer, untouched.")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            "--timeout", metavar="S", help="Seconds that one look-up may take as a whole."
        ),
    ] = None,
    output: OutputOption = Format.TABLE,
) -> int:
    """Look up the balance of one or more customers."""
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.lookup import Order, check_customer, check_options
    from loyalty_cli.output.stdout import require_stdout

    require_stdout()
    for customer in customers:
        check_customer(customer)
    given = _options(option or [])
    limit = _timeout(timeout)
    with open_session(context.obj) as session:
        profiles = session.choose(profile or [], everything=all_profiles)
        options = {each.name: check_options(each, given) for each in profiles}
        orders = [
            Order(limit(each), customer, options[each.name], raw=raw)
            for customer in customers
            for each in profiles
        ]
        return _look_up(session, orders, output, raw=raw, verbose=context.obj.verbose)


def _options(given: list[str]) -> dict[str, str]:
    from loyalty_cli.errors import usage_error

    options: dict[str, str] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            usage_error(f"-O {pair!r} is not KEY=VALUE.", "Write it like -O currency=NZD.")
        if name in options:
            usage_error(f"the option {name!r} is there twice.", "Leave one out.")
        options[name] = value
    return options


def _timeout(given: str | None) -> "Callable[[Profile], Profile]":
    from msgspec.structs import replace

    from loyalty_cli.errors import usage_error
    from loyalty_cli.profile import check_timeout

    if given is None:
        return lambda profile: profile
    try:
        seconds = check_timeout(given)
    except ValueError as error:
        usage_error(f"--timeout {error}.")
    return lambda profile: replace(profile, timeout=seconds)


def _look_up(
    session: "Session", orders: "Sequence[Order]", output: Format, *, raw: bool, verbose: bool
) -> int:
    from loyalty_cli.http import Client
    from loyalty_cli.lookup import Lookups
    from loyalty_cli.model import exit_code
    from loyalty_cli.output import lookups as views
    from loyalty_cli.output import messages
    from loyalty_cli.output.document import View, print_records
    from loyalty_cli.platforms import Platforms
    from loyalty_cli.side_by_side import side_by_side
    from loyalty_cli.tokens import Tokens

    client = Client(trace=messages.trace if verbose else None)
    platforms = Platforms(client, session.credentials, Tokens(session.keyring))
    records = side_by_side(Lookups(platforms).look_up, orders)
    view: View[Any] = views.RAW if raw else views.BALANCES
    done = print_records(records, output, view)
    views.say_what_is_not_shown(done, output)
    return exit_code(record.error for record in done)
