"""What stands between the columns of CSV."""

from loyalty_cli.model.errors import usage_error

COMMA = ","
TAB = "\t"
_NAMES_OF_TAB = ("tab", "\\t")


def check_delimiter(text: str | None) -> str | None:
    """Read --delimiter, one sign or `tab`, if it was given; raises LoyaltyError."""
    if text is None:
        return None
    sign = TAB if text in _NAMES_OF_TAB else text
    is_sign = len(sign) == 1 and sign.isprintable() and not sign.isalnum() and sign != '"'
    if sign != TAB and not is_sign:
        usage_error(f"--delimiter {text!r} must be one sign, such as ';', or the word tab.")
    return sign


def delimiter_in(header: str) -> str | None:
    """The sign that seems to stand between the names of a header, if it is no comma."""
    return next((sign for sign in (";", TAB, "|") if sign in header), None)


def option_of(delimiter: str) -> str:
    """The option that sets a delimiter, as one types it in a shell."""
    return f"--delimiter {'tab' if delimiter == TAB else repr(delimiter)}"
