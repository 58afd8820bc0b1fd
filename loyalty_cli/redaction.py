"""Keeping secrets out of what is said, even where a platform repeats them."""

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

from loyalty_cli.errors import LoyaltyError

MASK = "***"
SHORTEST = 4
"""A shorter secret stands in ordinary words, and taking it out of them would show what it is."""


def redact(error: LoyaltyError, secrets: Iterable[str]) -> None:
    """Take secrets out of an error: as they are, in base64, and percent-encoded."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    for form in forms:
        error.message = error.message.replace(form, MASK)
        error.hint = error.hint and error.hint.replace(form, MASK)
        error.provider_code = error.provider_code and error.provider_code.replace(form, MASK)


def _forms(secret: str) -> Iterable[str]:
    if len(secret) < SHORTEST:
        return
    yield secret
    yield quote(secret, safe="")
    # As Basic has it, with a user, without one, and without a password.
    for pair in (secret, f":{secret}", f"{secret}:"):
        yield b64encode(pair.encode()).decode("ascii").rstrip("=")
