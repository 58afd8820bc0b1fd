"""A type that several threads decode for the first time at once crashes nothing."""

import subprocess
import sys

AT_ONCE = """
import sys
from threading import Barrier, Thread
import msgspec
from loyalty_cli.providers.contract import parse_as

sys.setswitchinterval(1e-6)
BODY = {"one": {"a": 1}, "many": [{"a": 1}], "named": {"x": {"a": 2}}}

for number in range(300):
    inner = msgspec.defstruct(f"Inner{number}", [("a", int), ("b", "list[str] | None", None)])
    outer = msgspec.defstruct(
        f"Outer{number}",
        [("one", inner), ("many", list[inner]), ("named", dict[str, inner])],
        namespace={"__module__": __name__},
    )
    barrier = Barrier(8)
    decoded = []

    def decode():
        barrier.wait(20)
        decoded.append(parse_as(BODY, outer))

    threads = [Thread(target=decode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decoded) == 8
"""


def test_a_type_can_be_decoded_for_the_first_time_by_eight_threads_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False, timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
