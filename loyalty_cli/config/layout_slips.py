"""What is usually wrong in a profile file that is YAML, but has its keys in wrong places."""

import re
from collections.abc import Collection

from loyalty_cli.config.section import credential_in_file, sounds_secret
from loyalty_cli.config.yaml_nodes import Items, Map, MistakeError, Node, Text
from loyalty_cli.providers.parameters import PROFILE_KEYS

MAPS_OF_A_PROFILE = ("options", "debit")
SPACE_AFTER_COLON = "Write a space after each colon."
_PAIR = re.compile(r"([A-Za-z_][\w-]*)\s*[:\uff1a=]")


def refuse_wrong_top(root: Map, known: Collection[str]) -> None:
    """Raise MistakeError for keys at the top of the file that belong further in."""
    for name, line in root.keys.items():
        if name in known:
            continue
        node = root.items[name]
        if name in PROFILE_KEYS:
            hint = "It is a key of a profile: indent it below the profile's name."
            raise MistakeError("does not belong at the top of the file", line, name, hint)
        if root.items.get("profiles", ...) is None and isinstance(node, Map | None):
            hint = "Indent it below `profiles:`, and its own keys below it."
            raise MistakeError("stands beside `profiles`, not in it", line, name, hint)
        if isinstance(node, Map) and "provider" in node.keys:
            hint = "Put it below `profiles:`, indented."
            raise MistakeError("a profile does not belong at the top of the file", line, name, hint)


def refuse_wrong_profiles(profiles: Map, top: Collection[str]) -> None:
    """Raise MistakeError for keys among the profiles that belong into one, or at the top."""
    for name, line in profiles.keys.items():
        node, key = profiles.items[name], f"profiles.{name}"
        alone = not isinstance(node, Map) or (
            name in MAPS_OF_A_PROFILE and "provider" not in node.keys
        )
        if name in PROFILE_KEYS and alone and node is not None:
            hint = "Indent it below the name of its profile, further than that name."
            raise MistakeError("stands beside a profile, not in it", line, key, hint)
        if isinstance(node, Text) and sounds_secret(name):
            raise credential_in_file(line, key)
        if name in top and isinstance(node, Text):
            hint = "Put it at the top of the file, without an indent."
            raise MistakeError("is no profile", line, key, hint)


def no_profile(node: Node, line: int | None, key: str, providers: Collection[str]) -> MistakeError:
    """The mistake of something that stands where the keys of a profile belong."""
    must = "must be a map with a provider"
    match node:
        case None:
            hint = "Write its keys on the next lines, indented further than its name."
            return MistakeError(f"{must}, and has nothing in it", line, key, hint)
        case Items():
            hint = "Take the - away: its keys stand below its name, indented."
            return MistakeError(f"{must}, not a list", node.line, key, hint)
        case Text(value) if pair := _PAIR.match(value):
            hint = f"Write `{pair[1]}: `, with a colon and a space."
            return MistakeError(must, node.line, key, hint)
        case Text(value) if value in providers:
            return MistakeError(must, node.line, key, f"Write {{provider: {value}}} there.")
    return MistakeError(must, line, key, SPACE_AFTER_COLON)


def no_profiles(node: Node, line: int | None) -> MistakeError:
    """The mistake of a file whose `profiles` is no map."""
    must = "must be a map with at least one profile"
    if isinstance(node, Items):
        hint = (
            "Take the - away: a profile is its name and a colon, with its keys below it, indented."
        )
        return MistakeError(f"{must}, not a list", node.line, "profiles", hint)
    hint = "Run `loyalty init` to add one, or see `loyalty config example`."
    return MistakeError(must, line, "profiles", hint)
