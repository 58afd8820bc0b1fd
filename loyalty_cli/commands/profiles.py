"""`loyalty profiles`: the profiles, and where each credential would come from."""

import typer

from loyalty_cli.commands.shared_options import OutputOption
from loyalty_cli.output.format import Format


def profiles(context: typer.Context, output: OutputOption = Format.TABLE) -> None:
    """List the profiles, and for each credential its source (never its value)."""
    from loyalty_cli.commands.session import open_session
    from loyalty_cli.output import providers as catalogue
    from loyalty_cli.output.document import print_records
    from loyalty_cli.sources import profile_record

    with open_session(context.obj) as session:
        records = [
            profile_record(profile, session.config, session.credentials)
            for profile in session.config.profiles.values()
        ]
        print_records(records, output, catalogue.PROFILES)
