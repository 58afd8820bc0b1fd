"""The options of `loyalty init`."""

from typing import Annotated

import typer

from loyalty_cli.commands.completion.suggestions import complete_auth, complete_setting
from loyalty_cli.commands.help_groups import CHECKS, CREDENTIALS, PROFILE
from loyalty_cli.commands.shared_options import complete_provider

NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="The profile's name.", rich_help_panel=PROFILE),
]
ProviderOption = Annotated[
    str | None,
    typer.Option(
        "--provider",
        metavar="NAME",
        help="The platform, such as gameball.",
        autocompletion=complete_provider,
        rich_help_panel=PROFILE,
    ),
]
AuthOption = Annotated[
    str | None,
    typer.Option(
        "--auth",
        metavar="NAME",
        help="How to sign in, if there are several ways.",
        autocompletion=complete_auth,
        rich_help_panel=PROFILE,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Another key of the profile, such as base_url or options.expand; repeatable.",
        autocompletion=complete_setting,
        rich_help_panel=PROFILE,
    ),
]
StdinOption = Annotated[
    bool,
    typer.Option(
        "--stdin",
        help="Read field=value lines instead of asking.",
        rich_help_panel=CREDENTIALS,
    ),
]
AllowPlaintextOption = Annotated[
    bool,
    typer.Option(
        "--allow-plaintext",
        help="Allow a keyring that does not encrypt.",
        rich_help_panel=CREDENTIALS,
    ),
]
NoCheckOption = Annotated[
    bool,
    typer.Option(
        "--no-check",
        help="Do not ask the platform whether it takes the credentials.",
        rich_help_panel=CHECKS,
    ),
]


def init(
    context: typer.Context,
    name: NameOption = None,
    provider: ProviderOption = None,
    auth: AuthOption = None,
    settings: SetOption = None,
    stdin: StdinOption = False,
    allow_plaintext: AllowPlaintextOption = False,
    no_check: NoCheckOption = False,
) -> None:
    """Add a profile to the profile file, and its credentials to the keyring.

    On a terminal it asks for what is not given. The platform is asked whether it takes the
    credentials; if it refuses them, nothing is written.
    """
    from loyalty_cli.commands.init import action
    from loyalty_cli.commands.init.request import InitRequest

    request = InitRequest(
        name, provider, tuple(settings or ()), auth, stdin, allow_plaintext, not no_check
    )
    action.run(context.obj, request)
