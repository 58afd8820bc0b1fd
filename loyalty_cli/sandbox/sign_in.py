"""Read the sign-in of a request: Bearer and Basic, the two schemes of HTTP."""

from base64 import b64decode

from loyalty_cli.sandbox.server import Received


def bearer(received: Received) -> str | None:
    """The token of a Bearer header; None without such a header."""
    return _authorization(received, "bearer")


def basic(received: Received) -> tuple[str, str] | None:
    """The user and the password of a Basic header; None without a readable header."""
    encoded = _authorization(received, "basic")
    if encoded is None:
        return None
    try:
        user, colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def _authorization(received: Received, scheme: str) -> str | None:
    given, _, value = received.headers.get("authorization", "").partition(" ")
    return value.strip() if given.lower() == scheme else None
