"""docs/library.md: its blocks run one after the other, where the wheel is installed."""

import re
from pathlib import Path

import pytest

from tests.documentation import pages
from tests.installed_wheel import run

PAGE = pages.page("docs/library.md")


@pytest.mark.xdist_group("wheel")
def test_the_page_prints_what_it_says(with_wheel: Path, tmp_path: Path) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(pages.blocks(PAGE, "python")))

    out = run(with_wheel, "-X", "dev", "-W", "error", script.name, where=tmp_path)

    assert out == "".join(pages.blocks(PAGE, "text"))
    assert len((tmp_path / "balances.jsonl").read_bytes().splitlines()) == 2


def test_the_page_names_every_public_method() -> None:
    from loyalty_cli import Loyalty

    public = {name for name in vars(Loyalty) if not name.startswith("_")}
    assert public <= set(re.findall(r"\w+", PAGE))
