"""When two customers may be one account at the platform."""

import unicodedata


def folded(customer: str) -> str:
    """What is the same for customers that a platform may take for one: case, spaces, width."""
    return unicodedata.normalize("NFKC", customer).casefold().strip()
