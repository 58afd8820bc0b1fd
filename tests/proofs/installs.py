"""The wheel works however it is installed: `python -m tests.proofs.installs [PYTHON ...]`.

Builds the wheel, and installs it with pip --user, pipx and uv into folders of its own, for each
PYTHON; without any, for each of python3.11 to python3.14 that is there. Needs a package index.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.documentation.pages import ROOT

PYTHONS = ("python3.11", "python3.12", "python3.13", "python3.14")

Install = Callable[[str, Path, Path], tuple[list[str], dict[str, str]]]
"""The command and the variables that install a wheel with a Python, into a folder."""


def pip_user(python: str, wheel: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install with pip --user; PYTHONUSERBASE is the folder, so no system is broken."""
    command = [python, "-m", "pip", "install", "--user", "--break-system-packages", str(wheel)]
    return command, {"PYTHONUSERBASE": str(folder)}


def pipx(python: str, wheel: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install with pipx."""
    command = [sys.executable, "-m", "pipx", "install", "--python", python, str(wheel)]
    return command, {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}


def uv(python: str, wheel: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Install with uv tool."""
    command = [sys.executable, "-m", "uv", "tool", "install", "--python", python, str(wheel)]
    places = {"UV_TOOL_DIR": str(folder / "uv"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    return command, {**places, "UV_PYTHON_DOWNLOADS": "never"}


INSTALLS: Mapping[str, Install] = {"pip --user": pip_user, "pipx": pipx, "uv tool": uv}


def main(pythons: list[str]) -> int:
    """Try each way with each Python, print how it went; 1 if one failed or there was none."""
    found = pythons or [name for name in PYTHONS if is_there(name)]
    failed = 0
    with TemporaryDirectory() as place:
        wheel = built(Path(place))
        for python in found:
            for name, install in INSTALLS.items():
                why = tried(python, install, wheel, Path(place) / python.strip("/") / name)
                print(f"{python}, {name}: {why or 'ok'}", flush=True)  # noqa: T201 - a program
                failed += why is not None
    return 1 if failed or not found else 0


def is_there(python: str) -> bool:
    """Whether a Python can be run: a version manager has commands for those that it has not."""
    if not shutil.which(python):
        return False
    return not subprocess.run([python, "--version"], capture_output=True, check=False).returncode


def built(folder: Path) -> Path:
    """The wheel of this checkout."""
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def tried(python: str, install: Install, wheel: Path, folder: Path) -> str | None:
    """Install the wheel, and ask it for a version and a balance; why it failed, or None."""
    folder.mkdir(parents=True)
    command, variables = install(python, wheel, folder)
    home = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "UV_"))}
    kept["UV_SYSTEM_CERTS"] = "1"  # as pip does, if the index has a certificate of a company
    program = str(folder / "bin/loyalty")
    for each, out in (
        (command, ""),
        ([program, "--version"], "loyalty "),
        ([program, "--sandbox", "balance", "C-1001", "-o", "json"], '"available": '),
    ):
        done = subprocess.run(
            each,
            env={**home, **kept, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or out not in done.stdout:
            return f"{' '.join(each)} ended with {done.returncode}: {done.stderr[-500:]}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
