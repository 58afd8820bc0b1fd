"""What a request says about who sent it, in the two ways that HTTP itself has."""

from base64 import b64decode

from loyalty_cli.sandbox.server import Received


def bearer(received: Received) -> str | None:
    """The token of a Bearer header; None where there is no such header."""
    return _authorization(received, "bearer")


def basic(received: Received) -> tuple[str, str] | None:
    """The user and the password of a Basic header; None where there is none that can be read."""
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
