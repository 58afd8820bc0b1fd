"""What `loyalty init` was given, and what it must be told."""

from typing import NamedTuple

from loyalty_cli.model.errors import usage_error


class InitRequest(NamedTuple):
    """The options as typed."""

    name: str | None
    provider: str | None
    settings: tuple[str, ...]
    auth: str | None
    stdin: bool
    allow_plaintext: bool
    check: bool


def refuse(missing: list[str]) -> None:
    """Raise LoyaltyError if an option is missing that nobody can be asked for."""
    if missing:
        are = "are" if len(missing) > 1 else "is"
        usage_error(
            f"{' and '.join(missing)} {are} missing, and there is no terminal to ask on.",
            "See `loyalty init --help`, and `loyalty providers`.",
        )
