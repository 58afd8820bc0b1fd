"""The descriptions of a profile file: those in it, and those in the folder beside it.

What reads one is loaded only if there is one.
"""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from loyalty_cli import providers
from loyalty_cli.config.file import mistake_in, read, unreadable, warnings_about
from loyalty_cli.config.yaml_nodes import Map, MistakeError, Node
from loyalty_cli.model.errors import setup_error

if TYPE_CHECKING:
    from loyalty_cli.providers.contract import Provider
    from loyalty_cli.providers.description.records import Description

FOLDER = "providers"
KEY = "providers"
SUFFIXES = (".yaml", ".yml")
NOT_A_NAME = "check"
"""`loyalty providers check` is a command."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_ONE_FILE = "Give the file of one description; `loyalty help own-platform` shows one."
_NAME_FORM = "a provider's name must be lower-case letters, digits, - and _, and not 'check'"


class Descriptions:
    """The providers that a profile file describes; each is read when it is needed."""

    def __init__(self, path: Path, root: Node) -> None:
        """Take the profile file's path and content; raises LoyaltyError."""
        self.warnings: list[str] = []
        self._path = path
        self._inside = _providers_in(path, root)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names: those in the file, then those in the folder."""
        inside = self._inside.keys if self._inside else ()
        return tuple(dict.fromkeys((*inside, *self._files)))

    def load(self, name: str) -> "Provider | None":
        """The provider of that name; None if nothing describes it. Raises LoyaltyError."""
        if name not in self.names:
            return None
        from loyalty_cli.providers.description.provider import provider_of

        return provider_of(self._read(name))

    def check_once(self, file: Path) -> None:
        """Refuse a file of the folder if something else describes its provider, too."""
        folder = self._path.parent / FOLDER
        if folder.is_dir() and folder.samefile(file.parent):
            self._place(file.stem)

    def _place(self, name: str) -> Path:
        """The file with the description; raise LoyaltyError if there are two."""
        is_inside = self._inside is not None and name in self._inside.keys
        files: list[Path] = self._files.get(name, [])
        places = [self._path, *files] if is_inside else files
        if len(places) > 1:
            setup_error(
                f"the provider {name!r} is described twice: in {places[0]} and in {places[1]}.",
                "Take one of them out.",
            )
        return places[0]

    def _read(self, name: str) -> "Description":
        from loyalty_cli.config.descriptions.read import read_description

        file = self._place(name)
        if self._inside is None or name not in self._inside.keys:
            described, warnings = read_file(file)
            mode = file.parent.stat().st_mode
            told = (*warnings, *warnings_about(file.parent, mode, "700"))
            self.warnings += [each for each in told if each not in self.warnings]
            return described
        try:
            key = f"{KEY}.{name}"
            _refuse_name(name, self._inside.keys[name], key)
            return read_description(name, self._inside.items[name], key)
        except MistakeError as error:
            raise mistake_in(self._path, error) from None

    @cached_property
    def _files(self) -> dict[str, list[Path]]:
        folder, found = self._path.parent / FOLDER, dict[str, list[Path]]()
        for file in sorted(each for suffix in SUFFIXES for each in folder.glob(f"*{suffix}")):
            found.setdefault(file.stem, []).append(file)
        return found


def descriptions_of(path: Path | None) -> Descriptions:
    """The descriptions of a profile file that need not be there; raises LoyaltyError."""
    if path is None:
        return Descriptions(Path(os.devnull), None)
    try:
        root, _ = read(path)
    except FileNotFoundError:
        root = None
    except (OSError, ValueError) as error:
        raise unreadable(f"the profile file {path}", error) from None
    except MistakeError as error:
        raise mistake_in(path, error) from None
    return Descriptions(path, root)


def read_file(path: Path) -> "tuple[Description, tuple[str, ...]]":
    """Read the file of one description, and warnings; raises LoyaltyError."""
    from loyalty_cli.config.descriptions.read import read_description

    try:
        root, mode = read(path)
        _refuse_other_file(path, root)
        _refuse_name(path.stem)
        described = read_description(path.stem, root)
    except (OSError, ValueError) as error:
        hint = "Fix that file." if path.is_file() else _ONE_FILE
        raise unreadable(f"the description {path}", error, hint) from None
    except MistakeError as error:
        raise mistake_in(path, error) from None
    return described, warnings_about(path, mode)


def _providers_in(path: Path, root: Node) -> Map | None:
    found = root.items.get(KEY) if isinstance(root, Map) else None
    if isinstance(found, Map) or found is None:
        return found
    wrong = MistakeError("must be a map of names and descriptions", found.line, KEY, hint=None)
    raise mistake_in(path, wrong)


def _refuse_other_file(path: Path, root: Node) -> None:
    """Refuse what is no description: a profile file, and a file that the folder would not show."""
    if isinstance(root, Map) and "profiles" in root.keys:
        line = root.keys["profiles"]
        raise MistakeError("this is a profile file, and not a description", line, hint=_ONE_FILE)
    if path.suffix not in SUFFIXES:
        raise MistakeError("the name of a description ends in .yaml", None, hint="Rename the file.")


def _refuse_name(name: str, line: int | None = None, key: str = "") -> None:
    """Refuse a name that is none, or that another provider has."""
    if not _NAME.fullmatch(name) or name == NOT_A_NAME:
        raise MistakeError(_NAME_FORM, line, key, "Choose another name.")
    if name in providers.names():
        where = "built in" if name in providers.BUILT_IN else "in an installed package"
        wrong = f"there is a provider {name!r} already, {where}"
        raise MistakeError(wrong, line, key, "Choose another name.")
