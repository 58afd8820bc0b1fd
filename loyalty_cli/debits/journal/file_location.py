"""Checks of a journal's file and folder: all processes must share exactly one file, for ever."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from loyalty_cli.debits.journal.database import refuse

EFFECTIVE = os.access in os.supports_effective_ids
MOUNTS = Path("/proc/self/mounts")
SPACE_NEEDED_BYTES = 1024 * 1024
WITHOUT_A_LOG = b"\x01\x01"
"""Bytes 18 and 19 of an SQLite file without a write-ahead log."""

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

OPEN_FILES = "/dev/fd"
Inode = tuple[int, int]

IN_MEMORY = frozenset({"devtmpfs", "ramfs", "tmpfs"})
SHARED_FILE_SYSTEMS = frozenset(
    {
        # On a server, or shared by several machines.
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
        *("kafs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2"),
        *("smb3", "smbfs"),
        # On the host of this virtual machine or container.
        *("drvfs", "fakeowner", "grpcfuse", "hgfs", "osxfs", "prl_fs", "prl_fs_x", "vboxsf"),
        *("virtiofs", "vmhgfs"),
    }
)
# Most FUSE file systems are remote; these are on a local disk.
LOCAL_FUSE = frozenset({"fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs"})


def is_missing(path: Path) -> bool:
    """Whether a path does not exist; False if its folder cannot be read."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def is_empty(path: Path) -> bool:
    """Whether a file is empty, or does not exist."""
    try:
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True


def has_foreign_log(path: Path) -> bool:
    """Whether the log beside a file belongs to another file; SQLite would use it all the same.

    That happens if a backup, which never has a log, is copied over a journal after a kill. Do not
    call it for a file open in this process: closing it would drop SQLite's locks.
    """
    if is_empty(log_of(path)):
        return False
    with path.open("rb") as file:
        return file.read(20)[18:] == WITHOUT_A_LOG


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log, beside the file."""
    return Path(f"{path}-wal")


def index_of(path: Path) -> Path:
    """SQLite's index of the log, through which processes share it."""
    return Path(f"{path}-shm")


def check_file(path: Path) -> None:
    """Raise JournalError unless this is the user's own file, on a local disk, with one name."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            refuse(f"the journal {path} is not a regular file.", "Name another place for it.")
        for needed in (path, path.parent):
            # access(), not open(): closing a file that SQLite has open here would drop its locks.
            if not os.access(needed, os.R_OK | os.W_OK, effective_ids=EFFECTIVE):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        check_folder(path)
    except OSError as error:
        refuse_unwritable(path, error)
    if status.st_uid != os.geteuid():
        refuse(
            f"the journal {path} belongs to another user (uid {status.st_uid}).",
            "Run this as that user: a journal must have one user.",
        )
    if status.st_mode & OTHERS_WRITE:
        refuse(
            f"the journal {path} can be written by others (mode {status.st_mode & 0o777:o}).",
            f"chmod 600 {path}",
        )
    if status.st_nlink > 1:
        refuse(
            f"the journal {path} has {status.st_nlink} names (hard links): debits"
            " made under one name would be unknown under the others.",
            f"Keep one name, and remove the others: find / -xdev -samefile {path}",
        )


def check_folder(path: Path) -> None:
    """Raise JournalError if the folder of `path` cannot hold a journal; OSError as the system."""
    real = path.resolve()
    folder = real.parent
    status = folder.stat()
    _check_file_system(path, file_system(folder))
    if status.st_uid not in (0, os.geteuid()):
        refuse(
            f"the folder {folder} of the journal belongs to another user (uid {status.st_uid}).",
            "Keep the journal in a folder of your own.",
        )
    if status.st_mode & OTHERS_WRITE:
        is_shared = status.st_uid != os.geteuid() or status.st_mode & stat.S_ISVTX  # as /tmp is
        refuse(
            f"others can write in the folder {folder} of the journal"
            f" (mode {status.st_mode & 0o7777:o}).",
            "Keep the journal in a folder of your own"
            + ("." if is_shared else f", or run chmod go-w {folder}."),
        )
    points = {point for point, _ in _mounts()}
    for each in (real, log_of(real), index_of(real)):
        if str(each) in points:
            refuse(
                f"{each} is a mount point itself: the file and its log would be separated.",
                f"Mount the whole folder {folder} instead of a single file.",
            )
    if shutil.disk_usage(folder).free < SPACE_NEEDED_BYTES:
        refuse(f"the disk of the journal {path} is full.", "Free some space first.")


def _check_file_system(path: Path, kind: str) -> None:
    if kind in IN_MEMORY:
        refuse(
            f"the journal {path} is in memory ({kind}), and would be lost at a restart.",
            "Keep it on a disk.",
        )
    is_fuse = kind == "fuse" or kind.startswith("fuse.")
    if kind in SHARED_FILE_SYSTEMS or (is_fuse and kind not in LOCAL_FUSE):
        refuse(
            f"the journal {path} is on a network or shared file system ({kind}), where locks do"
            " not work.",
            "Keep it on a local disk, or share one in PostgreSQL: journal: postgresql://…",
        )


def refuse_unwritable(path: Path, error: OSError) -> NoReturn:
    """Raise the error for a place to which the system denies access."""
    refuse(f"the journal {path} cannot be written: {error.strerror}.", "Make it writable.")


def file_system(path: Path) -> str:
    """The kind of file system of a path, from the system's mount table; "" if unknown."""
    resolved, best = path.resolve(), ("", "")
    above = {str(each) for each in (resolved, *resolved.parents)}
    for point, kind in _mounts():
        if point in above and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def _mounts() -> Iterator[tuple[str, str]]:
    """Each mount point and its kind of file system, later ones on top; empty if unknown."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        _, point, kind, *_ = line.split(" ")
        yield re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), point), kind


class SameFiles:
    """Files that this process has open, with their names; FileNotFoundError if one is not open."""

    def __init__(self, names: Sequence[Path]) -> None:
        self._names = names
        self.inodes = [inode_of(name) for name in names]
        mine = set(_open_inodes())
        # The file under a name may be another one than the file that was opened a moment ago.
        if mine and not mine.issuperset(self.inodes):
            raise FileNotFoundError

    def are_there(self) -> bool:
        """Whether each name still leads to the same file."""
        try:
            return [inode_of(name) for name in self._names] == self.inodes
        except OSError:
            return False


def is_open_here(path: Path) -> bool:
    """Whether this process has a file open, as far as the system reports it."""
    return inode_of(path) in set(_open_inodes())


def inode_of(file: Path | int) -> Inode:
    """The device and the inode of a file, by its name or an open descriptor."""
    status = os.stat(file)  # noqa: PTH116 - before each debit: a Path would cost more than the call
    return status.st_dev, status.st_ino


def _open_inodes() -> Iterator[Inode]:
    """The files that this process has open; empty if the system does not report them."""
    with suppress(OSError):
        for descriptor in os.listdir(OPEN_FILES):  # noqa: PTH208 - names that are numbers
            with suppress(OSError):  # the descriptor of the listing itself is closed
                yield inode_of(int(descriptor))
