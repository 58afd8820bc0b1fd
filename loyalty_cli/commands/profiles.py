"""`loyalty profiles`: the profiles, and where each credential would come from."""

from typing import TYPE_CHECKING

import typer

from loyalty_cli.commands.shared_options import OutputOption
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output.format import Format

if TYPE_CHECKING:
    from loyalty_cli.commands.session import Session
    from loyalty_cli.config.profile import Profile
    from loyalty_cli.model.records import CredentialRecord


def profiles(context: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the profiles, and for each credential its source (never its value)."""
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.model.records import ProfileRecord
    from loyalty_cli.output.document import print_records
    from loyalty_cli.output.profiles import PROFILES

    with open_session(context.obj) as session:
        records = [
            ProfileRecord(
                profile=each.name,
                provider=each.provider.name,
                base_url=each.base_url,
                auth=each.auth.name,
                default=each.name == session.config.default_profile,
                sandbox=each.sandbox,
                credentials=tuple(_credential(session, each, name) for name in each.auth.fields),
            )
            for each in session.config.profiles.values()
        ]
        print_records(records, output, PROFILES)


def _credential(session: "Session", profile: "Profile", name: str) -> "CredentialRecord":
    """The source of a credential; if it cannot be read, the record has the error."""
    from loyalty_cli.model.records import CredentialRecord, Failure

    try:
        found = session.credentials.find(profile, name)
    except LoyaltyError as error:
        return CredentialRecord(field=name, error=Failure.of(error))
    return CredentialRecord(field=name, source=found.source if found else None)
