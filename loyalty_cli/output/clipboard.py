"""Put a text on the clipboard of the terminal, also from another machine (OSC 52)."""

import sys
from base64 import b64encode
from collections.abc import Sequence
from typing import TypeVar

from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.stdout import is_terminal
from loyalty_cli.output.view import View

Shown = TypeVar("Shown")

MOST_BYTES = 74_994
"""Terminals take control sequences of 100,000 bytes, and base64 needs four bytes for three."""
MOST_COPIED = MOST_BYTES // 10
"""More records than this cannot fit: each has a row of more than ten bytes."""


def require_clipboard() -> None:
    """Raise LoyaltyError if no terminal would take the text."""
    if stderr.is_json():
        usage_error(
            "--copy writes to stderr, where --errors json allows only JSON.", "Leave one out."
        )
    if not is_terminal() or sys.stderr is None or not sys.stderr.isatty():
        usage_error(
            "--copy uses the clipboard of a terminal, and stdout or stderr is not one.",
            "Leave it out, and add -o markdown.",
        )


def copy_records(records: Sequence[Shown], view: View[Shown]) -> None:
    """Copy the table of some records as Markdown, unless there are none; as `copy` does."""
    if len(records) > MOST_COPIED:
        refuse_copy("more")
    if records:
        from loyalty_cli.output.markdown import markdown

        copy("".join(markdown(view.table(records))))


def copy(text: str) -> None:
    """Send the text to the terminal's clipboard; raise LoyaltyError if it would not fit."""
    content = text.encode()
    if len(content) > MOST_BYTES:
        refuse_copy(f"{len(content):,} bytes")
    sys.stderr.write(f"\x1b]52;c;{b64encode(content).decode()}\x07")
    messages.note(f"Copied as Markdown ({len(content):,} bytes), if your terminal allows that.")


def refuse_copy(size: str) -> None:
    """Raise LoyaltyError for a text that is too large."""
    usage_error(
        f"--copy takes at most {MOST_BYTES:,} bytes, because terminals take no more at once;"
        f" this is {size}. Nothing was copied.",
        "Use -o markdown >FILE.",
    )
