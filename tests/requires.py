"""What some tests need of the machine: programs beside Python, a network, not to be root."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NOBODY = 65534


def needs(*programs: str) -> None:
    """Skip the test where a program is not installed; where CI is true, fail it."""
    missing = [program for program in programs if shutil.which(program) is None]
    if not missing:
        return
    text = f"needs {', '.join(missing)}, which is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(text)
    pytest.skip(text)


def own_address() -> str:
    """An address of this machine that is not loopback; skip the test where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("needs a network that is more than loopback")
        return str(asking.getsockname()[0])


@contextmanager
def without_rights() -> Iterator[None]:
    """Be somebody who may not read what others hide; root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
