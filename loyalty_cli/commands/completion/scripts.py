"""The scripts that shells load: files of `completions/`, which are in the wheel, too."""

from pathlib import Path

import loyalty_cli

PACKAGE = Path(loyalty_cli.__file__).parent
PLACES = (PACKAGE / "completions", PACKAGE.parent / "completions")
"""The scripts, where the package is installed, and in a checkout."""
NAMES = {
    "bash": "loyalty.bash",
    "zsh": "_loyalty",
    "fish": "loyalty.fish",
    "powershell": "loyalty.ps1",
}


def script(shell: str) -> str:
    """The script for a shell."""
    folder = next(filter(Path.is_dir, PLACES))
    return (folder / NAMES[shell]).read_text(encoding="utf-8")
