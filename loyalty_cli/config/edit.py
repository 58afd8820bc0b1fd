"""Changes of the profile file: lines are added or replaced, so that its comments stay.

The changed text is checked before it is written, and written beside the file, which is replaced at
once: whoever reads it sees the old file or the new one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from loyalty_cli.config.file import mistake_in, read_text
from loyalty_cli.config.folders import make_file, make_folder, sync
from loyalty_cli.config.load import Config, config_of
from loyalty_cli.config.new_profile import scalar
from loyalty_cli.config.yaml_nodes import Items, Map, MistakeError, Node, Text, parse
from loyalty_cli.model.errors import os_error_text, setup_error

NEW_FILE = """\
# The profile file of `loyalty`: which loyalty platforms you work with, and how to reach each one.
# `loyalty config example` shows every key. Never put passwords or keys into this file.
"""
USUAL_INDENT = "  "
_DEFAULT = re.compile(r"""(["']?default_profile["']?\s*:)[^\S\n]*([^#\n]*?)([^\S\n]+#.*)?$""")


def text_of(path: Path) -> str | None:
    """The text of a profile file, without a mark at its start; None if there is no file."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return None


def with_default(text: str, name: str) -> str:
    """The text with another `default_profile`; raises MistakeError if it cannot be set."""
    root = _block(text)
    wanted = {"default_profile": name}
    lines = text.splitlines(keepends=True)
    if root and (line := root.keys.get("default_profile")):
        value = root.items["default_profile"]
        if value and value.line != line:
            hint = f"Write `default_profile: {name}` by hand."
            raise MistakeError("its value stands on another line", line, "default_profile", hint)
        old = lines[line - 1].rstrip("\r\n")
        new = _DEFAULT.sub(lambda found: f"{found[1]} {scalar(name)}{found[3] or ''}", old, count=1)
        end = lines[line - 1][len(old) :]
        return _as_meant("".join((*lines[: line - 1], new, end, *lines[line:])), root, wanted)
    at = root.keys["profiles"] - 1 if root and "profiles" in root.keys else len(lines)
    above = at
    while above and lines[above - 1].startswith("#"):  # a comment about the profiles
        above -= 1
    return _as_meant(
        _inserted(lines, above or at, [f"default_profile: {scalar(name)}"]), root, wanted
    )


def with_profile(text: str, name: str, keys: Sequence[str]) -> str:
    """The text with another profile behind the others; `keys` are its lines, without an indent.

    Raises MistakeError if the profiles are written in { }, or in an unusual way.
    """
    root = _block(text)
    lines = text.splitlines(keepends=True)
    if root is None or "profiles" not in root.keys:
        added = _inserted(lines, len(lines), _profile(name, keys, USUAL_INDENT, first=True))
        return _with_one_more(added, root, name)
    start = root.keys["profiles"]
    profiles = root.items["profiles"]
    indent = USUAL_INDENT
    if isinstance(profiles, Map):
        first = lines[min(profiles.keys.values()) - 1]
        indent = first[: len(first) - len(first.lstrip(" "))]
        if not indent or min(profiles.keys.values()) == start:
            raise MistakeError(
                "the profiles are written in { }, so none can be added",
                start,
                "profiles",
                "Write each of them on lines of its own, or add the new one by hand.",
            )
    after = [line for line in root.keys.values() if line > start]
    end = min(after, default=len(lines) + 1) - 1
    while end > start and not (lines[end - 1][:1].isspace() and lines[end - 1].strip()):
        end -= 1
    return _with_one_more(_inserted(lines, end, ["", *_profile(name, keys, indent)]), root, name)


def _profile(name: str, keys: Sequence[str], indent: str, *, first: bool = False) -> list[str]:
    """The lines of a profile."""
    inner = [f"{indent}{USUAL_INDENT}{line}" for line in keys]
    return [*(["profiles:", ""] if first else []), f"{indent}{scalar(name)}:", *inner]


def _inserted(lines: Sequence[str], at: int, new: Sequence[str]) -> str:
    """The text with new lines, which end as its others do."""
    end = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
    before = "".join(lines[:at])
    if before and not before.endswith("\n"):
        before += end
    return before + "".join(f"{line}{end}" for line in new) + "".join(lines[at:])


def _with_one_more(changed: str, root: Map | None, name: str) -> str:
    """The changed text, if it has one more profile."""
    added = next(_profiles_in(_read_again(changed)), {}).get(name)
    before = next(_profiles_in(_content(root)), {})
    return _as_meant(changed, root, {"profiles": {**before, name: added}})


def _as_meant(changed: str, root: Map | None, wanted: Mapping[str, object]) -> str:
    """The changed text, if it is the old one but for what is wanted; raises MistakeError."""
    before = _content(root) or {}
    assert isinstance(before, dict)
    if _read_again(changed) != {**before, **wanted}:
        (key,) = wanted
        line = root.keys.get(key) if root else None
        message = "this is written in an unusual way, so it is not changed"
        raise MistakeError(message, line, key, "Change it by hand.")
    return changed


def _read_again(changed: str) -> object:
    try:
        return _content(_parsed(changed))
    except MistakeError:
        return None


def _profiles_in(content: object) -> Iterator[Mapping[str, object]]:
    if isinstance(content, dict) and isinstance(found := content.get("profiles"), dict):
        yield found


def _content(node: Node) -> object:
    """What a file says, without lines and quotes."""
    match node:
        case Map(items):
            return {key: _content(each) for key, each in items.items()}
        case Items(items):
            return [_content(each) for each in items]
        case Text(value):
            return value
        case _:
            return None


def _block(text: str) -> Map | None:
    """The map at the top of the text; None if it is empty. Raises MistakeError for one in { }."""
    root = _parsed(text)
    if root is None:
        return None
    if not isinstance(root, Map) or text.lstrip("\ufeff \n").startswith("{"):
        hint = "Change it by hand."
        raise MistakeError("the file is written in { }, and cannot be changed", root.line, "", hint)
    return root


def _parsed(text: str) -> Node:
    return parse(text.removeprefix("\ufeff"))


def checked(path: Path, text: str) -> Config:
    """The profile file that a text would be; raises LoyaltyError if it has a mistake."""
    try:
        return config_of(path, _parsed(text), ())
    except MistakeError as error:
        raise mistake_in(path, error) from None


def replace_file(path: Path, text: str, read: str | None) -> None:
    """Write a profile file at once, with its old mode or private; raises LoyaltyError.

    `read` is the text that was changed, None if there was no file: if somebody else has changed the
    file since, it stays as it is. If the path is a link, the file that it leads to is written.
    """
    target = path.resolve()
    beside = target.with_name(f".{target.name}.{token_hex(4)}.new")
    try:
        make_folder(target.parent)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        make_file(beside)
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            beside.chmod(mode)
            sync(beside)
            if text_of(target) != read:
                setup_error(f"{path} was changed meanwhile; it is left as it is.", "Try again.")
            beside.replace(target)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
        sync(target.parent)
    except (OSError, ValueError) as error:
        setup_error(
            f"the profile file {path} cannot be written: {os_error_text(error)}.",
            "Name another one with --config, or change the rights of its folder.",
        )
