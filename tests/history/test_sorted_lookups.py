"""Look-ups are sorted on the disk, in a file that nobody else sees, and each is there once."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from loyalty_cli.history.exports import read_export
from loyalty_cli.history.sorted_lookups import SortedLookups, sorted_lookups
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Lookup
from tests.history.exported import failed, line, looked_up, of_version_1, write

SPILLING = """
import os
from loyalty_cli.history.lookups import PastLookup
from loyalty_cli.history.sorted_lookups import sorted_lookups
look_up = lambda n: PastLookup(2, "p", "gameball", f"C-{n}" * 100, False, "id", "", "")
with sorted_lookups() as look_ups:
    look_ups.add("x", ((f"line {n}", look_up(n)) for n in range(20_000)))
    here = os.environ["TMPDIR"]
    opened = [os.path.realpath(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")]
    print(sum(each.startswith(here) for each in opened), len(os.listdir(here)))
"""


def added(tmp_path: Path, *files: Sequence[Lookup]) -> list[list[str]]:
    """The customers of each file, sorted."""
    with sorted_lookups() as look_ups:
        fill(look_ups, tmp_path, *files)
        look_ups.check_once()
        return [
            [f"{each.customer} {each.error.code if each.error else ''}" for each in found]
            for found in map(look_ups.sorted, range(len(files)))
        ]


def fill(look_ups: SortedLookups, tmp_path: Path, *files: Sequence[Lookup]) -> None:
    for number, records in enumerate(files):
        name = write(tmp_path / str(number), records)
        with open_input(name) as file:
            look_ups.add(str(number), read_export(name, file))


def refused(tmp_path: Path, *files: Sequence[Lookup]) -> str:
    with pytest.raises(LoyaltyError) as caught:
        added(tmp_path, *files)
    assert caught.value.code is ErrorCode.USAGE
    return caught.value.message


def test_look_ups_are_sorted_by_profile_and_customer(tmp_path: Path) -> None:
    there = [looked_up("b", 1), looked_up("a", 2), looked_up("z", 1, profile="card")]

    assert added(tmp_path, there, there[:2]) == [["z ", "a ", "b "], ["a ", "b "]]


def test_a_customer_who_is_there_twice_with_the_same_amounts_is_there_once(tmp_path: Path) -> None:
    both = [looked_up("a", 1, 2), failed("b"), looked_up("a", 2, line("1.0"))]
    assert added(tmp_path, [*both, failed("b")]) == [["a ", "b timed_out"]]


def test_of_a_failed_and_an_answered_look_up_of_one_customer_the_answered_one_counts(
    tmp_path: Path,
) -> None:
    assert added(tmp_path, [failed("a"), looked_up("a", 1), failed("a")]) == [["a "]]


def test_a_customer_who_is_there_twice_with_different_amounts_is_refused(tmp_path: Path) -> None:
    records = [looked_up("a", 1), looked_up("b", 1), looked_up("a", 2)]

    assert refused(tmp_path, [looked_up("a", 3)], records) == (
        "a at points is in '1' twice, with different amounts: line 1 and line 3."
    )


def test_the_same_text_names_two_customers_if_they_are_named_in_different_ways(
    tmp_path: Path,
) -> None:
    others = looked_up("a", 2, asked={"by": "card_number"})

    assert added(tmp_path, [looked_up("a", 1), others]) == [["a ", "a "]]


def test_versions_and_platforms_are_not_mixed_in_one_file_or_in_two(tmp_path: Path) -> None:
    sandbox = looked_up("b", 1, sandbox=True)

    assert "line 2 of '0' is from the sandbox" in refused(tmp_path, [looked_up("a", 1), sandbox])
    assert "line 1 of '1' is from a real platform" in refused(
        tmp_path, [sandbox], [looked_up("a", 1)]
    )
    assert of_version_1(sandbox)["schema_version"] == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc on this system")
def test_the_file_for_sorting_has_no_name_even_while_it_is_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPILLING],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["1", "0"]
