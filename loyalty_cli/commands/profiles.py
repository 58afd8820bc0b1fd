"""`loyalty profiles`: the profiles, and where each credential would come from."""

from typing import TYPE_CHECKING, Annotated

import typer

from loyalty_cli.commands.help_groups import CHECKS
from loyalty_cli.commands.shared_options import OutputOption
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from loyalty_cli.commands.session import Session
    from loyalty_cli.config.profile import Profile
    from loyalty_cli.model.records import CredentialRecord, KeyCheckRecord, ProfileRecord


def profiles(
    context: typer.Context,
    output: OutputOption = Format.TABLE,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Ask each platform whether it takes the credentials.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
) -> None:
    """List the profiles, and for each credential its source (never its value)."""
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.profiles import PROFILES, tell_failures
    from loyalty_cli.output.stdout import is_terminal

    with open_session(context.obj) as session:
        if not check:
            records = [_record(session, each) for each in session.config.profiles.values()]
            print_records(records, output, PROFILES)
            return
        from loyalty_cli.commands.key_check import exit_code_of_checks, key_checks

        checks = key_checks(session, context.obj)
        records = [
            _record(session, profile, found)
            for profile, found in zip(session.config.profiles.values(), checks, strict=True)
        ]
        print_records(records, output, PROFILES)
        if not (output is Format.MARKDOWN or (output is Format.TABLE and is_terminal())):
            tell_failures(records)  # a table that is drawn has them as notes
        raise typer.Exit(exit_code_of_checks(checks))


def _record(
    session: "Session", profile: "Profile", check: "KeyCheckRecord | None" = None
) -> "ProfileRecord":
    from loyalty_cli.model.records import ProfileRecord

    return ProfileRecord(
        profile=profile.name,
        provider=profile.provider.name,
        base_url=profile.base_url,
        auth=profile.auth.name,
        default=profile.name == session.config.default_profile,
        sandbox=profile.sandbox,
        credentials=tuple(_credential(session, profile, name) for name in profile.auth.fields),
        check=check,
    )


def _credential(session: "Session", profile: "Profile", name: str) -> "CredentialRecord":
    """The source of a credential; if it cannot be read, the record has the error."""
    from loyalty_cli.model.records import CredentialRecord, Failure

    try:
        found = session.credentials.find(profile, name)
    except LoyaltyError as error:
        return CredentialRecord(field=name, error=Failure.of(error))
    return CredentialRecord(field=name, source=found.source if found else None)
