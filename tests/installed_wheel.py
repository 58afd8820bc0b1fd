"""The wheel, built from this checkout and installed in an environment of its own."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.documentation.pages import ROOT

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]


def run(*command: str | Path, where: Path) -> str:
    """Run a command in a folder, and return what it prints on stdout; it must not fail."""
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(python: Path, package: Path) -> None:
    """Install a package in the environment of a Python, without a package index."""
    run(*PIP, "--python", python, "install", *OFFLINE, package, where=python.parent)


def with_wheel_in(folder: Path) -> Path:
    """The Python of a new environment: the wheel, and what it depends on from this one."""
    run(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, ROOT, where=folder)
    run(sys.executable, "-m", "venv", "--without-pip", "venv", where=folder)
    python = folder / "venv/bin/python"
    (wheel,) = folder.glob("*.whl")
    install(python, wheel)
    (packages,) = folder.glob("venv/lib/*/site-packages")
    # A folder that is named here comes last, and what is named in its own .pth files is not read:
    # they name this checkout.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python
