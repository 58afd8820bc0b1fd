"""The name of a credential's environment variable."""


def environment_name(profile: str, credential: str) -> str:
    """The environment variable of a profile's credential: LOYALTY_<PROFILE>_<FIELD>."""
    return f"LOYALTY_{profile}_{credential}".upper().replace("-", "_")
