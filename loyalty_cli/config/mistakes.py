"""All mistakes of a profile file, and not only the first."""

from pathlib import Path

from loyalty_cli.config.file import mistake_in, read
from loyalty_cli.config.load import config_of, load
from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node
from loyalty_cli.model.errors import LoyaltyError


def mistakes_in(path: Path) -> list[LoyaltyError]:
    """The mistakes in the order in which they are found; none if the file is good.

    What is wrong is left out, and the rest checked again. Text that is not YAML ends this.
    """
    try:
        load(path)
    except LoyaltyError as error:
        first = error
    else:
        return []
    try:
        root, _ = read(path)
    except (OSError, ValueError, MistakeError):
        return [first]
    found: list[LoyaltyError] = []
    while True:
        try:
            config_of(path, root, ())
        except MistakeError as mistake:
            found.append(mistake_in(path, mistake))
            keys = mistake.key.split(".")
            if not (isinstance(root, Map) and _is_left_out(root, keys)):
                return found
        except LoyaltyError as error:
            return [*found, error]
        else:
            return found


def _is_left_out(root: Map, keys: list[str]) -> bool:
    """Leave out what has a mistake, or what holds it; whether there is something left to check."""
    while keys and not _is_removed(root, keys):
        keys = keys[:-1]
    profiles = root.items.get("profiles")
    if not (keys and isinstance(profiles, Map) and profiles.items):
        return False
    if keys[0] == "profiles":  # the default may be the profile that is left out
        _is_removed(root, ["default_profile"])
        profile = profiles.items.get(keys[1]) if len(keys) > 1 else None
        if isinstance(profile, Map) and "provider" not in profile.keys:
            _is_removed(root, keys[:2])
    return bool(profiles.items)


def _is_removed(node: Node, keys: list[str]) -> bool:
    first, *rest = keys
    if not isinstance(node, Map) or first not in node.keys:
        return False
    if rest:
        return _is_removed(node.items[first], rest)
    del node.items[first], node.keys[first]
    return True
