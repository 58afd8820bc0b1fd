"""Who installs the wheel has all that the documentation promises."""

import os
from pathlib import Path

import pytest

from loyalty_cli.commands.completion.scripts import NAMES
from tests.conftest import PROGRAM
from tests.documentation.pages import ROOT
from tests.installed_wheel import run
from tests.requires import needs


@pytest.mark.xdist_group("wheel")
def test_the_wheel_has_every_page_of_the_documentation(with_wheel: Path, tmp_path: Path) -> None:
    program = with_wheel.with_name("loyalty")
    installed = run(
        with_wheel, "-c", "import loyalty_cli; print(loyalty_cli.__path__[0])", where=tmp_path
    )

    pages = {path.name: path.read_text() for path in Path(installed.strip(), "docs").iterdir()}
    assert pages == {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
    assert run(program, "help", where=tmp_path) == run(PROGRAM, "help", where=tmp_path)
    assert run(program, "help", "lists", where=tmp_path).startswith("Lists of customers\n=====")


@pytest.mark.xdist_group("wheel")
def test_the_wheel_has_the_scripts_for_every_shell(with_wheel: Path, tmp_path: Path) -> None:
    program = with_wheel.with_name("loyalty")
    scripts = {name: (ROOT / "completions" / name).read_text() for name in NAMES.values()}
    share = with_wheel.parents[1] / "share"

    for shell, name in NAMES.items():
        assert run(program, "completion", shell, where=tmp_path) == scripts[name]
    assert (share / "bash-completion/completions/loyalty").read_text() == scripts["loyalty.bash"]
    assert (share / "zsh/site-functions/_loyalty").read_text() == scripts["_loyalty"]
    assert (share / "fish/vendor_completions.d/loyalty.fish").read_text() == scripts["loyalty.fish"]


@pytest.mark.xdist_group("wheel")
def test_man_finds_the_pages_of_the_wheel(with_wheel: Path, tmp_path: Path) -> None:
    needs("man")
    path = f"{with_wheel.parent}{os.pathsep}{os.environ['PATH']}"

    found = run("env", f"PATH={path}", "man", "-w", "loyalty", "loyalty-journal", where=tmp_path)

    folder = with_wheel.parents[1] / "share/man/man1"
    assert found.split() == [str(folder / "loyalty.1"), str(folder / "loyalty-journal.1")]
