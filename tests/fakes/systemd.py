"""systemd's own opinion of unit files."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def verified(units: Sequence[Path]) -> tuple[int, list[str]]:
    """The exit code of systemd's check, and what it has to say of our units."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, [line for line in done.stderr.splitlines() if "loyalty" in line]
