"""`loyalty sandbox`: the sandbox APIs on loopback, for curl or a script."""

from typing import Annotated

import typer

from loyalty_cli.commands.commands import Commands
from loyalty_cli.commands.help_groups import SERVER
from loyalty_cli.output import messages
from loyalty_cli.output.stdout import write_text

app = Commands(help="Serve the sandbox APIs on loopback until Ctrl-C.")


@app.callback(invoke_without_command=True)
def sandbox(
    context: typer.Context,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            help="The port; 0 for any free one.",
            rich_help_panel=SERVER,
        ),
    ] = 0,
) -> None:
    """Serve the sandbox APIs on loopback until Ctrl-C, and print a ready profile file."""
    if context.invoked_subcommand:
        return
    from threading import Event

    from loyalty_cli.config.folders import data_folder, state_folder
    from loyalty_cli.sandbox.embedded import SERVED_JOURNAL, SERVED_PEOPLE, serving
    from loyalty_cli.sandbox.profiles import profile_file

    with serving(port) as url:
        journal, people = state_folder() / SERVED_JOURNAL, data_folder() / SERVED_PEOPLE
        write_text(profile_file(url, journal, people))
        messages.note(f"serving on {url}; Ctrl-C to stop.")
        Event().wait()


@app.command()
def reset() -> None:
    """Forget all debits of the sandbox with their journals, its people and its history."""
    from loyalty_cli.config.folders import data_folder, state_folder
    from loyalty_cli.sandbox.embedded import (
        JOURNAL,
        PEOPLE,
        SERVED_JOURNAL,
        SERVED_PEOPLE,
        open_ledger,
    )

    open_ledger().reset()
    journals = [state_folder() / name for name in (JOURNAL, SERVED_JOURNAL)]
    for path in (*journals, *(data_folder() / name for name in (PEOPLE, SERVED_PEOPLE))):
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    messages.note("the sandbox is reset: all its debits, people and history are gone.")
