"""The profile file on disk: its path, and reading its content."""

from pathlib import Path

from loyalty_cli.config.folders import config_folder
from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.config.yaml_nodes import Map, Node, Text, YamlError, parse

SIZE_LIMIT = 1024 * 1024


def default_path() -> Path:
    """`config.yaml` in the user's config folder; raise LoyaltyError without a home folder."""
    return config_folder() / "config.yaml"


def read(path: Path) -> tuple[Node, int]:
    """Read a profile file; return its content and its mode (who may read and write it).

    Raises OSError, ValueError and YamlError, all in words for a user.
    """
    content, status = read_regular_file(path, SIZE_LIMIT)
    return parse(content.decode("utf-8-sig")), status.st_mode


def outline(path: Path) -> dict[str, str]:
    """Return the profiles of a file with the names of their providers; mistakes are skipped."""
    try:
        root, _ = read(path)
    except (OSError, ValueError, YamlError):
        return {}
    named = root.items.get("profiles") if isinstance(root, Map) else None
    if not isinstance(named, Map):
        return {}
    providers_of = {
        name: profile.items.get("provider")
        for name, profile in named.items.items()
        if isinstance(profile, Map)
    }
    return {name: node.value for name, node in providers_of.items() if isinstance(node, Text)}
