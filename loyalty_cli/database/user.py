"""The user of this process, as databases name who wrote into them."""

import os


def user_name() -> str:
    """The user's name as the system has it, or the number if there is none, as in a container."""
    import pwd  # only where users have numbers

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
