"""A clock that somebody sets, in the real program: it settles nothing, and loses nothing."""

import json
import os
import subprocess

import pytest

from tests.conftest import PROGRAM
from tests.debits.conftest import CommandLine
from tests.fakes.faulty_platform import NEVER
from tests.requires import needs


@pytest.mark.parametrize("monotonic", ["faked", "as it is"])
def test_setting_the_clock_by_days_settles_no_debit(cli: CommandLine, monotonic: str) -> None:
    needs("faketime")
    kept = {} if monotonic == "faked" else {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    cli.platform.debit = NEVER
    assert cli.debit().code == 8

    for days in (1, 2, 300, -300):
        done = subprocess.run(
            ["faketime", "-f", f"{days:+}d", PROGRAM, "journal", "reconcile", "-o", "json"],
            env=os.environ | kept,
            capture_output=True,
            check=False,
            timeout=60,
        )

        assert done.returncode == 8, done.stderr
        (record,) = json.loads(done.stdout)
        assert record["state"] == "unknown"
        assert "may still arrive for another" in record["error"]["message"]
