"""Reading a small file that the user named, without blocking on a pipe or a device."""

import os
import stat
from pathlib import Path


def read_regular_file(path: Path, limit: int) -> tuple[bytes, os.stat_result]:
    """Read a regular file of at most `limit` bytes; return its content and its status.

    Raises OSError as the system does, and ValueError, in words for a user, for anything but a
    regular file (a pipe could block for ever) and for a file larger than `limit`.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise ValueError("it is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(content) > limit:
        raise ValueError(f"it is larger than {limit // 1024} KiB")
    return content, status
