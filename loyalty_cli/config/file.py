"""The profile file on disk: reading its content."""

from pathlib import Path

from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node, Text, parse

SIZE_LIMIT = 1024 * 1024


def read(path: Path) -> tuple[Node, int]:
    """Read a profile file and its mode; raise OSError, ValueError or MistakeError."""
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
