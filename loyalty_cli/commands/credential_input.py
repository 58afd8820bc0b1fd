"""Credentials as a person types them, or as a script sends them."""

import sys
from collections.abc import Mapping

import typer

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import usage_error
from loyalty_cli.output import stderr

LONGEST_INPUT = 64 * 1024


def from_terminal(profile: Profile) -> Mapping[str, str]:
    """Ask for each credential, without showing it; raise LoyaltyError without a terminal."""
    if stderr.is_json() or sys.stdin is None or not sys.stdin.isatty():
        usage_error("there is no terminal to ask on.", "Send field=value lines with --stdin.")
    return {
        name: typer.prompt(f"{name} of {profile.name}", hide_input=True, err=True)
        for name in profile.auth.fields
    }


def from_stdin() -> Mapping[str, str]:
    """Read field=value lines; raise LoyaltyError if one is wrong."""
    if sys.stdin is None:
        usage_error("stdin is closed.", "Send field=value lines to it, or leave --stdin out.")
    try:
        content = sys.stdin.buffer.read(LONGEST_INPUT + 1)
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError:
        usage_error("the input on stdin is not UTF-8 text; nothing was stored.")
    if len(content) > LONGEST_INPUT:
        usage_error("the input on stdin is too long for credentials; nothing was stored.")
    given: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, equals, secret = line.removesuffix("\r").partition("=")
        if not equals or name in given:
            problem = "repeats a field" if equals else "is not field=value"
            usage_error(f"line {number} of stdin {problem}; nothing was stored.")
        given[name] = secret
    return given
