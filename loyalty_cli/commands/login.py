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
    nothing is stored. If that stays unclear, they are stored with a warning; on a terminal you are
    asked before others are replaced.
    """
    from loyalty_cli.commands.credential_input import from_stdin, from_terminal
    from loyalty_cli.commands.session import open_session, refuse_sandbox
    from loyalty_cli.credentials.login import (
        check_credentials,
        has_other,
        put,
        require_backend,
        shadowed,
    )

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
        replaces = False
        if not no_check:
            from loyalty_cli.commands.key_check import Given, require_accepted

            source = Given(given, "stdin" if stdin else "the terminal")
            is_clear = require_accepted(session, context.obj, profile, source, customer)
            replaces = not is_clear and has_other(session.keyring, profile, given)
        if replaces:
            _require_consent(name)
        put(session.keyring, profile, given)
    messages.note(f"{', '.join(profile.auth.fields)} of {name} stored in the keyring ({backend}).")
    if replaces:
        messages.warning(f"the credentials of {name} that the keyring had before were replaced.")
    for variable in shadowed(profile):
        messages.warning(f"{variable} is set, and is used instead of the keyring.")


def _require_consent(name: str) -> None:
    """Ask a person, if there is one, whether to replace credentials by others that may be wrong."""
    from loyalty_cli.commands.confirm import confirmed, is_interactive
    from loyalty_cli.model.exit_codes import ExitCode

    if is_interactive() and not confirmed(
        f"Replace the credentials that {name} has, all the same?"
    ):
        messages.note("Nothing was stored.")
        raise typer.Exit(ExitCode.REFUSED)
