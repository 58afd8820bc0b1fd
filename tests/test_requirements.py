"""The locks: what `make demo` installs is the part of what `make test` installs that it needs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def locked(name: str) -> dict[str, str]:
    """Each package of a lock, with its version and the hashes of its files."""
    text = re.sub(r"^ *#.*\n", "", (ROOT / "requirements" / name).read_text(), flags=re.MULTILINE)
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {re.split(r"==", block, maxsplit=1)[0]: block for block in blocks}


def test_the_runtime_lock_is_a_part_of_the_development_lock() -> None:
    runtime, development = locked("runtime.txt"), locked("dev.txt")

    versions = {name: block.split()[0] for name, block in development.items()}
    assert {name: block.split()[0] for name, block in runtime.items()}.items() <= versions.items()
    assert all("--hash=sha256:" in block for block in runtime.values())


def test_the_runtime_lock_has_every_dependency_and_no_tool_of_the_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {re.split(r"[<>=]", each)[0].lower() for each in project["project"]["dependencies"]}
    tools = {each.partition("[")[0].lower() for each in project["dependency-groups"]["dev"]}

    assert needed <= locked("runtime.txt").keys()
    assert not tools & locked("runtime.txt").keys()
