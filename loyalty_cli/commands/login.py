"""`loyalty login`: put a profile's credentials into the keyring."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.help_groups import CHECKS, CREDENTIALS
from loyalty_cli.commands.shared_options import ProfileArgument
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loyalty_cli.config.profile import Profile

LONGEST_INPUT = 64 * 1024

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
        given = check_credentials(profile, _lines() if stdin else _answers(profile))
        if not no_check:
            from loyalty_cli.commands.key_check import refuse_wrong_credentials

            source = "stdin" if stdin else "the terminal"
            refuse_wrong_credentials(session, context.obj, profile, given, source, customer)
        put(session.keyring, profile, given)
    messages.note(f"{', '.join(profile.auth.fields)} of {name} stored in the keyring ({backend}).")
    for variable in shadowed(profile):
        messages.warning(f"{variable} is set, and is used instead of the keyring.")


def _answers(profile: "Profile") -> "Mapping[str, str]":
    if sys.stdin is None or not sys.stdin.isatty():
        usage_error("there is no terminal to ask on.", "Send field=value lines with --stdin.")
    return {
        name: typer.prompt(f"{name} of {profile.name}", hide_input=True, err=True)
        for name in profile.auth.fields
    }


def _lines() -> "Mapping[str, str]":
    if sys.stdin is None:
        usage_error("stdin is closed.", "Send field=value lines to it, or leave --stdin out.")
    try:
        content = sys.stdin.buffer.read(LONGEST_INPUT + 1)
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        usage_error("the input on stdin is not UTF-8 text; nothing was stored.")
    if len(content) > LONGEST_INPUT:
        usage_error("the input on stdin is too long for credentials; nothing was stored.")
    given: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, equals, secret = line.removesuffix("\r").partition("=")
        if not equals or name in given:
            problem = "repeats a field" if equals else "is not field=value"
            usage_error(f"line {number} of stdin {problem}; nothing was stored.")
        given[name] = secret
    return given
