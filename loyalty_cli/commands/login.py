"""`loyalty login`: put a profile's credentials into the keyring."""

from typing import Annotated

import typer

from loyalty_cli.commands.help_groups import CHECKS, CREDENTIALS
from loyalty_cli.commands.shared_options import ProfileArgument
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages

CheckedCustomerOption = Annotated[
    str | None,
    typer.Option(
        "--customer",
        metavar="ID",
        help="The customer to ask the platform for; without it, one that cannot exist.",
        rich_help_panel=CHECKS,
    ),
]
NoCheckOption = Annotated[
    bool,
    typer.Option(
        "--no-check",
        help="Store them without asking the platform.",
        rich_help_panel=CHECKS,
    ),
]


def login(
    context: typer.Context,
    name: ProfileArgument,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help="Read field=value lines instead of asking.",
            rich_help_panel=CREDENTIALS,
        ),
    ] = False,
    allow_plaintext: Annotated[
        bool,
        typer.Option(
            "--allow-plaintext",
            help="Allow a keyring that does not encrypt.",
            rich_help_panel=CREDENTIALS,
        ),
    ] = False,
    customer: CheckedCustomerOption = None,
    no_check: NoCheckOption = False,
) -> None:
    """Put a profile's credentials into the keyring, if the platform takes them.

    It is asked for a customer that cannot exist, or for --customer. If it refuses the credentials,
    nothing is stored; if that stays unclear, they are stored with a warning.
    """
    from loyalty_cli.commands.credential_input import from_stdin, from_terminal
    from loyalty_cli.commands.session import open_session, refuse_sandbox
    from loyalty_cli.credentials.login import check_credentials, put, require_backend, shadowed

    refuse_sandbox(context.obj, "login")
    if no_check and customer is not None:
        usage_error("--customer is for the check.", "Leave --customer or --no-check out.")
    with open_session(context.obj) as session:
        profile = session.config.profile(name)
        if customer is not None:
            from loyalty_cli.network.key_check import query_for_check

            query_for_check(profile, customer)  # before anything is typed
        backend = require_backend(session.keyring, profile, allow_plaintext=allow_plaintext)
        given = check_credentials(profile, from_stdin() if stdin else from_terminal(profile))
        if not no_check:
            from loyalty_cli.commands.key_check import Given, require_accepted

            source = "stdin" if stdin else "the terminal"
            require_accepted(session, context.obj, profile, Given(given, source), customer)
        put(session.keyring, profile, given)
    messages.note(f"{', '.join(profile.auth.fields)} of {name} stored in the keyring ({backend}).")
    for variable in shadowed(profile):
        messages.warning(f"{variable} is set, and is used instead of the keyring.")
