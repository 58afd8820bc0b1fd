"""Puts a script where the user's shell looks for it, and says what is left to do."""

import os
import shlex
from pathlib import Path

from loyalty_cli.commands.completion.scripts import script
from loyalty_cli.config.folders import expanded
from loyalty_cli.model.errors import os_error_text, setup_error, usage_error
from loyalty_cli.output import messages

OURS = "# TAB completion of loyalty for "
"""How a line of our scripts begins."""
IN_POWERSHELL = "loyalty completion powershell | Out-String | Invoke-Expression"


def install_script(shell: str) -> None:
    """Write the script, unless it is there; raise LoyaltyError if a foreign file is there."""
    if shell == "powershell":
        usage_error(
            "PowerShell has no folder for such scripts.",
            f"Add this line to the file that $PROFILE names: `{IN_POWERSHELL}`",
        )
    path = _place(shell)
    try:
        was_there = _write(path, script(shell))
    except (OSError, ValueError) as error:
        setup_error(
            f"the script {path} cannot be written: {os_error_text(error)}.",
            f"Fix that, or put what `loyalty completion {shell}` prints where {shell} finds it.",
        )
    messages.note(f"the script for {shell} {'was in' if was_there else 'is now in'} {path}.")
    messages.note(_what_is_left(shell, path))


def _place(shell: str) -> Path:
    """Where the shell looks for scripts of the user; raise LoyaltyError without a home folder."""
    data = _folder("XDG_DATA_HOME", "~/.local/share")
    match shell:
        case "bash":
            named = os.environ.get("BASH_COMPLETION_USER_DIR")
            folder = Path(named) if named else data / "bash-completion"
            return folder / "completions" / "loyalty"
        case "zsh":
            return data / "zsh" / "site-functions" / "_loyalty"
        case _:
            folder = _folder("XDG_CONFIG_HOME", "~/.config")
            return folder / "fish" / "completions" / "loyalty.fish"


def _folder(variable: str, usual: str) -> Path:
    """A folder of the XDG convention, which shells keep to on each system."""
    named = Path(os.environ.get(variable, ""))
    try:
        return named if named.is_absolute() else expanded(usual)
    except ValueError:
        setup_error("the home folder is not known.", "Set HOME.")


def _write(path: Path, content: str) -> bool:
    """Write a file, and return whether it was there already; LoyaltyError for a foreign one."""
    if os.path.lexists(path):
        present = path.read_text(encoding="utf-8", errors="replace")
        if present == content:
            return True
        if not any(line.startswith(OURS) for line in present.splitlines()[:2]):
            setup_error(
                f"{path} is there already, and is not a script of loyalty; it was left as it is.",
                "Move it away, then run this again.",
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return False


def _what_is_left(shell: str, path: Path) -> str:
    """What the user must do so that the shell finds it."""
    match shell:
        case "bash":
            line = f"source {shlex.quote(str(path))}"
            return (
                "a new bash finds it where bash-completion is loaded; if it is not, add this line"
                f" to ~/.bashrc: `{line}`"
            )
        case "zsh":
            line = f"fpath=({shlex.quote(str(path.parent))} $fpath)"
            return (
                "add this line to ~/.zshrc, before compinit, unless the folder is in your fpath:"
                f" `{line}`"
            )
        case _:
            return "a new fish finds it."
