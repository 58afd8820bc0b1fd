"""`loyalty logout`: a profile's credentials out of the keyring."""

import typer

from loyalty_cli.commands.shared_options import ProfileArgument


def logout(context: typer.Context, name: ProfileArgument) -> None:
    """Take a profile's credentials out of the keyring."""
    from loyalty_cli.commands.session import open_session, refuse_sandbox
    from loyalty_cli.credentials.login import shadowed, take_out
    from loyalty_cli.output import messages

    refuse_sandbox(context.obj, "logout")
    with open_session(context.obj) as session:
        profile = session.config.profile(name)
        gone = take_out(session.keyring, profile)
    removed = f"{', '.join(gone)} of {name} taken out of the keyring."
    messages.note(removed if gone else f"the keyring had nothing of {name}.")
    for variable in shadowed(profile):
        messages.warning(f"{variable} is still set.")
