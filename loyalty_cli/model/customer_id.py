"""What a customer's identifier may be."""

import re
import unicodedata

from loyalty_cli.model.errors import usage_error

LONGEST_CUSTOMER = 1000
LONGEST_SHOWN = 80
"""Characters of a wrong identifier that are shown."""

_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


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


def doubt_about(customer: str) -> str | None:
    """What a person would not see in an identifier; None if there is nothing."""
    # Nearly all identifiers are printable, so this check is fast.
    if not customer.isprintable():
        for sign in customer:
            if unicodedata.category(sign) in _INVISIBLE:
                return f"has the invisible character {sign!r} in it"
    if customer != customer.strip():
        return "has a space before or after it"
    return None


def check_typed(customer: str) -> str:
    """Return an identifier of the command line, if it is what one sees; raise LoyaltyError if not.

    What was pasted with it is told, with the identifier that was probably meant, and never dropped.
    """
    if customer == "-":
        usage_error("'-' is no customer.", "To read from stdin, write `--from -`.")
    doubt = doubt_about(customer)
    if not doubt and (odd := _odd_space(customer)):
        doubt = f"has the space {odd!a} in it, which is not that of the keyboard"
    if doubt and customer.strip():
        meant = _words(customer)
        hint = f"Did you mean {meant}?" if meant else "Type the identifier."
        usage_error(f"{customer[:LONGEST_SHOWN]!r} {doubt}.", hint)
    return check_customer(customer)


def check_typed_alone(customer: str) -> str:
    """The same, where several customers may be typed: nor are there several in this one."""
    if re.search(r"[,;]", customer) and (meant := _words(re.sub(r"\s*[,;]\s*", "\n", customer))):
        usage_error(
            f"{customer[:LONGEST_SHOWN]!r} has a comma or a semicolon in it.",
            f"Did you mean {meant}? If it is one identifier, add it to a list of --from, with"
            " --input-format lines.",
        )
    return check_typed(customer)


def _odd_space(text: str) -> str | None:
    return next((sign for sign in text if sign != " " and unicodedata.category(sign) == "Zs"), None)


def _words(text: str) -> str:
    """The identifiers of a text, without what one does not see, as one types them."""
    lines = ["".join(map(_visible, line)) for line in text.splitlines()]
    return " ".join(repr(line.strip()[:LONGEST_SHOWN]) for line in lines if line.strip())


def _visible(sign: str) -> str:
    category = unicodedata.category(sign)
    if category == "Zs" or sign == "\t":
        return " "
    return "" if category in _INVISIBLE else sign
