"""Where a journal may lie: what is refused, with what to do about it."""

import os
import shutil
import stat
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loyalty_cli.journal import place as journal_place
from loyalty_cli.journal.place import file_system
from tests.journal.conftest import PLANNED, Open, refused
from tests.requires import without_rights


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_the_files_are_the_users_alone(open_it: Open, path: Path) -> None:
    previous = os.umask(0)
    try:
        journal = open_it(str(path), create=True)
        journal.plan([PLANNED])
    finally:
        os.umask(previous)

    assert mode(path.parent) == 0o700
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        assert mode(each) == 0o600


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can reach, which those of pytest are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_cannot_be_written_is_refused(open_it: Open, public: Path, which: str) -> None:
    path = public / "state" / "journal.db"
    open_it(str(path), create=True)
    path.chmod(0o444 if which == "file" else 0o666)
    path.parent.chmod(0o777 if which == "file" else 0o555)

    with without_rights():
        message = refused(path)

    assert str(path) in message
    assert "Permission denied" in message


def test_a_folder_that_nothing_can_be_made_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot be written" in refused(tmp_path / "file" / "journal.db", create=True)


def test_a_folder_that_cannot_be_looked_into_is_not_a_missing_journal(
    open_it: Open, public: Path
) -> None:
    path = public / "state" / "journal.db"
    open_it(str(path), create=True)
    path.parent.chmod(0o000)

    with without_rights():
        message = refused(path)
    path.parent.chmod(0o700)

    assert "Permission denied" in message
    assert "init" not in message


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_in_the_files_place_is_refused(path: Path, create: bool) -> None:
    path.mkdir(parents=True)

    assert "is not a regular file" in refused(path, create=create)


@pytest.mark.parametrize("create", [False, True])
def test_a_pipe_in_the_files_place_is_refused_and_not_waited_for(path: Path, create: bool) -> None:
    path.parent.mkdir()
    os.mkfifo(path)

    assert "is not a regular file" in refused(path, create=create)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
@pytest.mark.parametrize("folder", ["with space", "größe", "plain"])
def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, folder: str
) -> None:
    share = tmp_path / folder
    share.mkdir()
    mounts = tmp_path / "mounts"
    point = str(share).replace(" ", "\\040")
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nhost:/x {point} {kind} rw 0 0\n")
    monkeypatch.setattr(journal_place, "MOUNTS", mounts)

    message = refused(share / "journal.db", create=True)

    assert kind in message
    assert "postgresql://" in message
    assert file_system(tmp_path) == "ext4"


def test_the_mount_on_top_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        f"/dev/vda / ext4 rw 0 0\na:/b {tmp_path} nfs rw 0 0\nx {tmp_path} xfs rw 0 0\n"
    )
    monkeypatch.setattr(journal_place, "MOUNTS", mounts)

    assert file_system(tmp_path / "journal.db") == "xfs"


def test_without_a_mount_table_the_kind_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_place, "MOUNTS", tmp_path / "none")

    assert file_system(tmp_path) == ""


def test_a_full_disk_is_refused(open_it: Open, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_it(str(path), create=True)
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1000))

    assert "full" in refused(path)
