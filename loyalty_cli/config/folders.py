"""The user's folders for the profile file, for state and for data: finding and making them."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from loyalty_cli.model.errors import setup_error


def default_path() -> Path:
    """The profile file in the user's config folder; raise LoyaltyError without a home folder."""
    from platformdirs import user_config_path

    hint = "Name the profile file with --config, or set HOME."
    return _folder(user_config_path, hint) / "config.yaml"


def state_folder() -> Path:
    """The folder of journal and sandbox ledger; raise LoyaltyError without a home folder."""
    from platformdirs import user_state_path

    return _folder(user_state_path, "Set HOME.")


def data_folder() -> Path:
    """The folder of what is known about customers; raise LoyaltyError without a home folder."""
    from platformdirs import user_data_path

    return _folder(user_data_path, "Set HOME.")


def _folder(find: Callable[..., Path], hint: str) -> Path:
    try:
        folder = find("loyalty", appauthor=False)
    except RuntimeError:  # newer versions; older ones return a useless `~`
        folder = Path()
    if not folder.is_absolute():
        setup_error("the home folder is not known.", hint)
    return folder


def expanded(path: str) -> Path:
    """A path with the home folder in the place of ~; raises ValueError."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but the home folder is not known") from None


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, private to the user; raises OSError."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(new):
        with suppress(FileExistsError):  # another process was quicker
            each.mkdir(mode=0o700)
            sync(each.parent)


def make_file(path: Path) -> None:
    """Make an empty file that only the user can read, durably; raise OSError like the system."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    sync(path.parent)


def sync(path: Path) -> None:
    """Make a file, or the list of files in a folder, durable on the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
