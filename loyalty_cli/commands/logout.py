"""`loyalty logout`: remove a profile's credentials from the keyring."""

import typer

from loyalty_cli.commands.shared_options import ProfileArgument


def logout(context: typer.Context, name: ProfileArgument) -> None:
    """Remove a profile's credentials from the keyring."""
    from loyalty_cli.commands.session import open_session, refuse_sandbox
    from loyalty_cli.credentials.login import shadowed, take_out
    from loyalty_cli.output import messages

    refuse_sandbox(context.obj, "logout")
    with open_session(context.obj) as session:
        profile = session.config.profile(name)
        gone = take_out(session.keyring, profile)
    removed = f"{', '.join(gone)} of {name} removed from the keyring."
    messages.note(removed if gone else f"the keyring had no credentials of {name}.")
    for variable in shadowed(profile):
        messages.warning(f"{variable} is still set.")
