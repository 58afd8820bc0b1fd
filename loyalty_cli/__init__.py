"""Balances and debits at loyalty platforms, in one form for all."""

TYPE_CHECKING = False  # typing is slow to import, and this is before Ctrl-C is expected
if TYPE_CHECKING:
    from loyalty_cli.library import Loyalty
    from loyalty_cli.model.errors import ErrorCode, LoyaltyError
    from loyalty_cli.output.json_text import json_line

__all__ = ["ErrorCode", "Loyalty", "LoyaltyError", "__version__", "json_line"]
__version__ = "0.1.0"


_MODULES = {
    "ErrorCode": "loyalty_cli.model.errors",
    "Loyalty": "loyalty_cli.library",
    "LoyaltyError": "loyalty_cli.model.errors",
    "json_line": "loyalty_cli.output.json_text",
}


def __getattr__(name: str) -> object:
    """Import the library where it is used: the command line must not wait for it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
