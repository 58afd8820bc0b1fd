"""Arguments and options of several commands, and their TAB completion.

Completion uses neither the network nor the keyring. From a profile file with mistakes it offers
the readable part.
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loyalty_cli.commands.help_groups import EVERY_COMMAND, OUTPUT
from loyalty_cli.output import stderr
from loyalty_cli.output.color import Color, set_color
from loyalty_cli.output.format import ErrorFormat, Format

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loyalty_cli.config.descriptions.find import Descriptions
    from loyalty_cli.providers.contract import Provider

FILES = "files"
"""The help of an offer that stands for all files: the shell itself completes their names."""


def complete_file(incomplete: str) -> list[tuple[str, str]]:
    """The names of files."""
    return [(incomplete, FILES)]


def complete_profile(context: typer.Context) -> list[str]:
    """The names of the profiles in the file that this command line would use."""
    return list(_profiles(context))


def complete_provider(context: typer.Context) -> list[str]:
    """The names of the providers, with those that the profile file describes."""
    from loyalty_cli.providers import names

    described = _descriptions(context)
    return [*names(), *filter(_is_safe, described.names if described else ())]


def complete_provider_or_check(context: typer.Context) -> list[str]:
    """As `complete_provider`, and `check`."""
    return [*complete_provider(context), "check"]


def complete_option(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The query options of the chosen profiles' providers; without a choice, of all profiles.

    After the name of one, the values that it can have, if only some can be.
    """
    options = {option.name: option for each in _providers(context) for option in each.options}
    name, equals, _ = incomplete.partition("=")
    if equals and name in options:
        return [(f"{name}={choice}", "") for choice in options[name].choices]
    return [(f"{option.name}=", option.help) for option in options.values()]


def complete_way(context: typer.Context) -> list[tuple[str, str]]:
    """The ways to name a customer at those providers."""
    return list({way.name: way.help for each in _providers(context) for way in each.ways}.items())


def _providers(context: typer.Context) -> "list[Provider]":
    profiles = _profiles(context)
    named = [profiles.get(name, "") for name in context.params.get("profile") or ()]
    return loaded_providers(context, named or profiles.values())


def loaded_providers(context: typer.Context, names: "Iterable[str]") -> "list[Provider]":
    """The providers of these names; those that cannot be loaded are left out."""
    from loyalty_cli.model.errors import LoyaltyError
    from loyalty_cli.providers import BUILT_IN, load

    described = _descriptions(context)
    found: list[Provider | None] = []
    for name in names:
        with suppress(LoyaltyError):
            if name in BUILT_IN:
                found.append(load(name))
            elif described:
                found.append(described.load(name))
    return [provider for provider in found if provider]


def _profiles(context: typer.Context) -> dict[str, str]:
    """The profiles of the file that this command line would use, each with its provider."""
    from loyalty_cli.config.file import outline
    from loyalty_cli.providers import BUILT_IN

    if context.find_root().params.get("sandbox"):
        return {name: name for name in BUILT_IN}
    path = profile_path(context)
    profiles = outline(path) if path else {}
    return {name: of for name, of in profiles.items() if _is_safe(name)}


def _is_safe(name: str) -> bool:
    """Whether a name is valid: the shell might run any other text."""
    return re.fullmatch(r"[\w-]+", name, re.ASCII) is not None


def _descriptions(context: typer.Context) -> "Descriptions | None":
    """The descriptions of that file; None if it cannot be read."""
    from loyalty_cli.config.descriptions.find import descriptions_of
    from loyalty_cli.model.errors import LoyaltyError

    try:
        return descriptions_of(profile_path(context))
    except LoyaltyError:
        return None


def profile_path(context: typer.Context) -> Path | None:
    """The profile file that this command line would use."""
    from loyalty_cli.config.folders import default_path
    from loyalty_cli.model.errors import LoyaltyError

    path = context.find_root().params.get("config")  # as typed: ~ is not expanded yet
    try:
        return Path(path).expanduser() if path else default_path()
    except (LoyaltyError, RuntimeError):
        return None


def _set_quiet(wanted: bool) -> bool:
    stderr.set_quiet(wanted)
    return wanted


def _set_color(chosen: Color) -> Color:
    set_color(chosen)
    return chosen


def _set_no_progress(unwanted: bool) -> bool:
    stderr.set_progress(not unwanted)
    return unwanted


def delimiter_option(group: str) -> Any:
    """--delimiter of the commands that read CSV, in a group of their help page."""
    return typer.Option(
        "--delimiter",
        metavar="C",
        help="What is between the columns, not a comma: ';' or tab.",
        rich_help_panel=group,
    )


def max_failures_option(group: str) -> Any:
    """--max-failures of the commands that take a list."""
    return typer.Option(
        "--max-failures",
        metavar="N",
        min=1,
        help="End the run when the platform did not answer N times.",
        rich_help_panel=group,
    )


def fail_fast_option(group: str) -> Any:
    """--fail-fast of the commands that take a list."""
    return typer.Option(
        "--fail-fast",
        help="End the run at the first failure of any kind.",
        rich_help_panel=group,
    )


OutputOption = Annotated[
    Format,
    typer.Option(
        "--output",
        "-o",
        metavar="FORMAT",
        help="The format.",
        show_default=True,
        rich_help_panel=OUTPUT,
    ),
]
ProfileArgument = Annotated[
    str,
    typer.Argument(metavar="PROFILE", help="The profile's name.", autocompletion=complete_profile),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        envvar="LOYALTY_CONFIG",
        metavar="PATH",
        help="The profile file, instead of your own.",
        autocompletion=complete_file,
        rich_help_panel=EVERY_COMMAND,
    ),
]
SandboxOption = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        envvar="LOYALTY_SANDBOX",
        help="Ask the embedded sandbox instead of real platforms.",
        rich_help_panel=EVERY_COMMAND,
    ),
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Show the requests on stderr, without secrets; -vv with bodies.",
        rich_help_panel=EVERY_COMMAND,
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_set_quiet,
        is_eager=True,
        help="Show only errors on stderr, nothing else.",
        rich_help_panel=EVERY_COMMAND,
    ),
]
ColorOption = Annotated[
    Color,
    typer.Option(
        "--color",
        metavar="WHEN",
        callback=_set_color,
        is_eager=True,
        help="Whether to colour tables and messages.",
        show_default=True,
        rich_help_panel=EVERY_COMMAND,
    ),
]
NoProgressOption = Annotated[
    bool,
    typer.Option(
        "--no-progress",
        callback=_set_no_progress,
        is_eager=True,
        help="Show no progress on a terminal.",
        rich_help_panel=EVERY_COMMAND,
    ),
]
ErrorsOption = Annotated[
    ErrorFormat,
    typer.Option(
        "--errors",
        metavar="FORMAT",
        help="Print errors as text, or as an object a line.",
        rich_help_panel=EVERY_COMMAND,
    ),
]
