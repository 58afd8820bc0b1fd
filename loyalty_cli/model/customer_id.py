"""What a customer's identifier may be."""

import unicodedata

from loyalty_cli.model.errors import usage_error

LONGEST_CUSTOMER = 1000


def check_customer(customer: str) -> str:
    """Return an identifier that can be sent unchanged; raise LoyaltyError for any other."""
    if not customer.strip():
        usage_error("a customer's identifier must not be empty.")
    if customer in (".", ".."):
        usage_error(f"the identifier {customer!r} would change the address of the request.")
    if len(customer) > LONGEST_CUSTOMER:
        usage_error(f"an identifier of {len(customer)} characters is too long.")
    # Printable text, the usual case, has neither.
    if not customer.isprintable() and any(
        unicodedata.category(sign) in ("Cc", "Cs") for sign in customer
    ):
        usage_error(f"the identifier {customer!a} has a control character or half a character.")
    return customer
