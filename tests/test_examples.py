"""The example packages pass their tests where the wheel is installed, and this checkout is not."""

from pathlib import Path

import pytest

from tests.documentation.pages import ROOT
from tests.installed_wheel import install, run

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/pyproject.toml"))


@pytest.mark.xdist_group("wheel")
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_package_passes_its_tests_with_the_wheel(
    example: str, with_wheel: Path, tmp_path: Path
) -> None:
    source = ROOT / "examples" / example
    install(with_wheel, source)
    used = "import loyalty_cli.testing; print(loyalty_cli.testing.__file__)"
    assert Path(run(with_wheel, "-c", used, where=tmp_path)).is_relative_to(with_wheel.parents[1])
    (module,) = source.glob("test_*.py")
    (tmp_path / module.name).write_text(module.read_text())

    out = run(with_wheel, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".", where=tmp_path)

    assert " passed" in out
    assert "skipped" not in out
