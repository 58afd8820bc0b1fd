"""When what was done cannot be printed, and must be said by the exit code alone."""

from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.output import messages
from loyalty_cli.output.stdout import ReaderGoneError


def is_unprinted(error: BaseException) -> bool:
    """Whether an error says that a record could not be printed, and no more; it is told then."""
    if isinstance(error, ReaderGoneError):
        return True
    if isinstance(error, LoyaltyError):
        messages.error(error.message, error.hint)
        return True
    return False
