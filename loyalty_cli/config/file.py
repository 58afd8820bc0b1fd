"""The profile file on disk: reading its content, and what is said of one that is wrong."""

from pathlib import Path

from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node, Text, parse
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, os_error_text

SIZE_LIMIT = 1024 * 1024
WRITABLE_BY_OTHERS = 0o022


def read(path: Path) -> tuple[Node, int]:
    """Read a YAML file and its mode; raise OSError, ValueError or MistakeError."""
    content, status = read_regular_file(path, SIZE_LIMIT)
    return parse(content.decode("utf-8-sig")), status.st_mode


def read_text(path: Path) -> str:
    """Read the text of a YAML file, with the mark at its start; raise OSError or ValueError."""
    return read_regular_file(path, SIZE_LIMIT)[0].decode("utf-8")


def warnings_about(path: Path, mode: int, private: str = "600") -> tuple[str, ...]:
    """A warning if other users can change a file or a folder; `private` is the mode to give it."""
    writable = f"{path} can be written by other users; run chmod {private} on it."
    return (writable,) if mode & WRITABLE_BY_OTHERS else ()


def mistake_in(path: Path, mistake: MistakeError) -> LoyaltyError:
    """The error for a mistake in a file, with its line and key."""
    line = f", line {mistake.line}" if mistake.line else ""
    key = f" {mistake.key}:" if mistake.key else ""
    message = f"{path}{line}:{key} {mistake}."
    return LoyaltyError(ErrorCode.SETUP, message, hint=mistake.hint)


def unreadable(
    what: str, error: OSError | ValueError, hint: str = "Fix that file."
) -> LoyaltyError:
    """The error for a file that cannot be read."""
    message = f"{what} cannot be read: {os_error_text(error)}."
    return LoyaltyError(ErrorCode.SETUP, message, hint=hint)


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


def text_at(path: Path, *keys: str) -> str | None:
    """Return the text under these keys, one in the other; None if the file has none there."""
    try:
        node, _ = read(path)
    except (OSError, ValueError, MistakeError):
        return None
    for key in keys:
        node = node.items.get(key) if isinstance(node, Map) else None
    return node.value if isinstance(node, Text) else None
