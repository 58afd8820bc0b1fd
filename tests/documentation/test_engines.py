"""docs/engines.md: its scripts give the records of one process, within the platform's rate."""

import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve
from tests.documentation import pages

PAGE = pages.page("docs/engines.md")
CUSTOMERS = [f"C-{number}" for number in range(1, 181)]
RATE = 90.0
"""Requests a second, in place of the page's, so that the test takes seconds."""


def script(heading: str) -> str:
    section = pages.section(PAGE, heading)
    assert section
    (found,) = pages.blocks(section, "python")
    assert "RATE = 20.0" in found
    return found.replace("RATE = 20.0", f"RATE = {RATE}").replace("PART = 50", "PART = 15")


def times(lines: bytes) -> list[bytes]:
    return re.findall(rb'"retrieved_at":"(.*?)"', lines)


class Gameball:
    """Who is not found, and when somebody was asked about."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def handle(self, received: Received) -> Reply:
        self.asked.append(time.monotonic())
        number = int(received.path[-2].removeprefix("C-"))
        if number % 7 == 0:
            return Reply(404, {"code": 7000, "message": "Player not found"})
        return Reply(body=b'{"availablePointsBalance": %d.50}' % number)


@pytest.fixture
def points(
    profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Write a file with the profile `points` at an address, and give its folder."""

    def write(url: str) -> Path:
        for field in ("API_KEY", "SECRET_KEY"):
            monkeypatch.setenv(f"LOYALTY_POINTS_{field}", "key")
        text = f"profiles: {{points: {{provider: gameball, base_url: '{url}'}}}}\n"
        return profile_file(text).parent

    return write


@pytest.mark.parametrize(("engine", "package"), [("Dask", "distributed"), ("Ray", "ray")])
def test_an_engine_gives_the_records_of_one_process(
    engine: str, package: str, points: Callable[[str], Path], serve: Serve, program: Run
) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs {package}, which is no development dependency")
    platform = Gameball()
    folder = points(serve(platform.handle))
    (folder / "list.txt").write_text("\n".join(CUSTOMERS))
    (folder / "look_up.py").write_text(script(engine))

    command = [sys.executable, "look_up.py", "list.txt", "engine.jsonl"]
    own = {**os.environ, "DASK_TEMPORARY_DIRECTORY": str(folder)}
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len(platform.asked) == len(CUSTOMERS)
    took = platform.asked[-1] - platform.asked[0]
    assert took > len(CUSTOMERS) / RATE * 0.8, "faster than all shares of the rate together"
    assert took < len(CUSTOMERS) / (RATE / 4) * 0.9, "only one worker asked"
    found = (folder / "engine.jsonl").read_bytes()
    alone = program("balance", "-f", str(folder / "list.txt"), "-p", "points", "-o", "jsonl")
    assert found == retimed(alone.out.encode(), times(found))


def retimed(lines: bytes, at: list[bytes]) -> bytes:
    """Records with other times of their look-ups."""
    pairs = zip(lines.splitlines(keepends=True), times(lines), at, strict=True)
    return b"".join(line.replace(old, new) for line, old, new in pairs)
