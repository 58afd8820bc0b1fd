"""Reading files that the user named, without blocking on a pipe or a device."""

import os
import stat
from pathlib import Path

from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node, Text, parse

SIZE_LIMIT = 1024 * 1024


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


def read(path: Path) -> tuple[Node, int]:
    """Read a profile file and its mode; raise OSError, ValueError or MistakeError, in words."""
    content, status = read_regular_file(path, SIZE_LIMIT)
    return parse(content.decode("utf-8-sig")), status.st_mode


def outline(path: Path) -> dict[str, str]:
    """Return the profiles of a file with the names of their providers; mistakes are skipped."""
    try:
        root, _ = read(path)
    except (OSError, ValueError, MistakeError):
        return {}
    named = root.items.get("profiles") if isinstance(root, Map) else None
    if not isinstance(named, Map):
        return {}
    return {
        name: provider.value
        for name, profile in named.items.items()
        if isinstance(profile, Map) and isinstance(provider := profile.items.get("provider"), Text)
    }
