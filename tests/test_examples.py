"""The example packages pass their tests where the wheel is installed, and this checkout is not."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.documentation.pages import ROOT

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/pyproject.toml"))
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]


def run(*command: str | Path, where: Path) -> str:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def with_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment: the wheel, and what it depends on from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    run(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, ROOT, where=folder)
    run(sys.executable, "-m", "venv", "--without-pip", "venv", where=folder)
    python = folder / "venv/bin/python"
    (wheel,) = folder.glob("*.whl")
    run(*PIP, "--python", python, "install", *OFFLINE, wheel, where=folder)
    (packages,) = folder.glob("venv/lib/*/site-packages")
    # A folder that is named here comes last, and what is named in its own .pth files is not read:
    # they name this checkout.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_package_passes_its_tests_with_the_wheel(
    example: str, with_wheel: Path, tmp_path: Path
) -> None:
    source = ROOT / "examples" / example
    run(*PIP, "--python", with_wheel, "install", *OFFLINE, source, where=tmp_path)
    used = "import loyalty_cli.testing; print(loyalty_cli.testing.__file__)"
    assert Path(run(with_wheel, "-c", used, where=tmp_path)).is_relative_to(with_wheel.parents[1])
    (module,) = source.glob("test_*.py")
    (tmp_path / module.name).write_text(module.read_text())

    out = run(with_wheel, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", where=tmp_path)

    assert " passed" in out
    assert "skipped" not in out
