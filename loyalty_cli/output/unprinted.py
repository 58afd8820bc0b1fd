"""A result that cannot be printed: then only the exit code reports it."""

from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output import messages
from loyalty_cli.output.stdout import ReaderGoneError


def is_unprinted(error: BaseException) -> bool:
    """Whether an error only means that a record could not be printed; if so, print the error."""
    if isinstance(error, ReaderGoneError):
        return True
    if isinstance(error, LoyaltyError):
        messages.error(error.message, error.hint)
        return True
    return False
