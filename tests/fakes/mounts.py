"""Real mounts that nobody else sees: programs in a mount namespace of their own."""

import subprocess
import sys

import pytest

from tests.requires import needs

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def loyalty_with_mounts(mounts: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program after some `mount` commands of the shell; skip where that is not allowed."""
    needs("unshare", "mount")
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces, which this system does not allow")
    program = (sys.executable, "-m", "loyalty_cli", *arguments)
    return subprocess.run(
        [*UNSHARE, "sh", "-c", f'set -e\n{mounts}\nexec "$@"', "sh", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
