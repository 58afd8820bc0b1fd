"""Where a journal may lie: what is refused, with what to do about it."""

import os
import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loyalty_cli.debits.journal import file_location
from loyalty_cli.debits.journal.file_location import file_system
from tests.conftest import Run
from tests.debits.journal.conftest import PLANNED, Open, refused
from tests.requires import NOBODY, needs, without_rights

UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")

At = Callable[[Path], None]


@pytest.fixture
def at(profile_file: Callable[[str], Path]) -> At:
    """Write a profile file that names a journal."""

    def write(path: Path) -> None:
        profile_file(f"journal: '{path}'\nprofiles: {{card: {{provider: imprint}}}}\n")

    return write


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o077])
def test_each_folder_and_file_of_a_new_journal_is_the_users_alone(
    open_it: Open, tmp_path: Path, umask: int
) -> None:
    path = tmp_path / "one" / "two" / "three" / "journal.db"
    previous = os.umask(umask)
    try:
        open_it(str(path), create=True).plan([PLANNED])
    finally:
        os.umask(previous)

    for folder in path.parents[:3]:
        assert mode(folder) == 0o700
    for each in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        assert mode(each) == 0o600


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can reach, which those of pytest are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("file", "folder"), [(0o444, 0o777), (0o666, 0o555), (0o600, 0o000)], ids=oct
)
def test_a_journal_that_may_not_be_read_or_written_does_not_count_as_missing(
    open_it: Open, public: Path, file: int, folder: int
) -> None:
    path = public / "state" / "journal.db"
    open_it(str(path), create=True)
    path.chmod(file)
    path.parent.chmod(folder)

    with without_rights():
        message = refused(path)
    path.parent.chmod(0o700)

    assert str(path) in message
    assert "Permission denied" in message
    assert "init" not in message


def test_a_journal_in_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "cannot be written" in refused(tmp_path / "file" / "journal.db", create=True)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_a_journal_path_that_is_no_file_is_refused_without_waiting_for_it(
    path: Path, make: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    make(path)

    for create in (False, True):
        assert "is not a regular file" in refused(path, create=create)


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mount table, which is not there yet."""
    table = tmp_path / "mounts"
    monkeypatch.setattr(file_location, "MOUNTS", table)
    return table


@pytest.mark.parametrize(
    "kind",
    ["nfs4", "cifs", "9p", "virtiofs", "vboxsf", "prl_fs", "fuse.sshfs", "fuse.s3fs", "fuse"],
)
def test_a_journal_on_a_network_file_system_is_refused(
    tmp_path: Path, mounts: Path, kind: str
) -> None:
    for folder in ("with space", "größe", "plain"):
        share = tmp_path / folder
        share.mkdir()
        point = str(share).replace(" ", "\\040")
        mounts.write_text(f"/dev/vda / ext4 rw 0 0\nhost:/x {point} {kind} rw 0 0\n")

        message = refused(share / "journal.db", create=True)

        assert kind in message
        assert "postgresql://" in message
        assert file_system(tmp_path) == "ext4"


def test_the_file_system_is_that_of_the_last_mount_or_unknown(tmp_path: Path, mounts: Path) -> None:
    assert file_system(tmp_path) == ""
    mounts.write_text(
        f"/dev/vda / ext4 rw 0 0\na:/b {tmp_path} nfs rw 0 0\nx {tmp_path} xfs rw 0 0\n"
    )

    assert file_system(tmp_path / "journal.db") == "xfs"


def test_a_journal_on_a_full_disk_is_refused(
    open_it: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_it(str(path), create=True)
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, 1000))

    assert "full" in refused(path)


def loyalty_with_mounts(mounts: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program after some `mount` commands of the shell; skip where that is not allowed."""
    needs("unshare", "mount")
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces, which this system does not allow")
    program = (sys.executable, "-m", "loyalty_cli", *arguments)
    return subprocess.run(
        [*UNSHARE, "sh", "-c", f'set -e\n{mounts}\nexec "$@"', "sh", *program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_journal_that_is_itself_a_mount_point_is_refused(made: Path, at: At) -> None:
    """As where a container is given the single file: its log would stay in the container."""
    other = made.with_name("other.db")
    other.touch()
    at(other)
    done = loyalty_with_mounts(f"mount --bind '{made}' '{other}'", "journal", "list")
    assert (done.returncode, done.stdout) == (3, "")
    assert f"{other} is a mount point itself" in done.stderr
    assert f"Mount the whole folder {made.parent}" in done.stderr

    folder = made.parent.with_name("mounted")
    folder.mkdir(mode=0o700)
    at(folder / "journal.db")
    done = loyalty_with_mounts(f"mount --bind '{made.parent}' '{folder}'", "journal", "list")
    assert (done.returncode, done.stderr[:7]) == (0, "the jou")


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs"])
def test_a_journal_in_memory_is_refused(tmp_path: Path, at: At, kind: str) -> None:
    folder = tmp_path / "memory"
    folder.mkdir(mode=0o700)
    at(folder / "journal.db")
    mounted = f"mount -t {kind} none '{folder}'; chmod 700 '{folder}'"

    done = loyalty_with_mounts(mounted, "journal", "init")

    assert (done.returncode, done.stdout) == (3, "")
    assert f"is in memory ({kind})" in done.stderr


def belongs_to_another(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, NOBODY, NOBODY)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.with_name("b").hardlink_to(path), "has 2 names (hard links)"),
        (lambda path: path.with_name("b").hardlink_to(path), "-xdev -samefile {path}"),
        (lambda path: path.chmod(0o620), "can be written by others (mode 620)"),
        (lambda path: path.chmod(0o602), "can be written by others (mode 602)"),
        (lambda path: path.chmod(0o666), "chmod 600 {path}"),
        (lambda path: path.parent.chmod(0o720), "others can write in the folder {path.parent} "),
        (lambda path: path.parent.chmod(0o702), "(mode 702). "),
        (lambda path: path.parent.chmod(0o777), "chmod go-w {path.parent}"),
        (lambda path: path.parent.chmod(0o1777), "in a folder of your own."),
        (belongs_to_another, f"the journal {{path}} belongs to another user (uid {NOBODY})"),
        (
            lambda path: belongs_to_another(path.parent),
            f"the folder {{path.parent}} of the journal belongs to another user (uid {NOBODY})",
        ),
    ],
)
def test_a_journal_that_others_own_or_can_write_is_refused(
    made: Path, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(made)

    assert said.format(path=made) in refused(made)


def test_a_journal_that_others_can_only_read_is_taken(open_it: Open, made: Path) -> None:
    made.chmod(0o644)
    made.parent.chmod(0o755)
    made.with_name("b").hardlink_to(made)
    made.with_name("b").unlink()

    open_it(str(made))


def test_a_link_to_a_journal_is_followed_before_its_folder_is_checked(
    open_it: Open, made: Path
) -> None:
    link = made.parent.with_name("link.db")
    link.symlink_to(made)
    open_it(str(link)).plan([PLANNED])
    made.parent.chmod(0o777)

    assert f"others can write in the folder {made.parent}" in refused(link)


def test_a_journal_that_is_refused_leaves_nothing_behind(loyalty: Run, path: Path, at: At) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    at(path)

    assert loyalty("journal", "init").code == 3
    assert list(path.parent.iterdir()) == []


def test_a_log_whose_journal_is_gone_or_empty_is_an_error_and_kept(
    loyalty: Run, path: Path, at: At
) -> None:
    path.parent.mkdir(mode=0o700)
    log = Path(f"{path}-wal")
    log.write_bytes(b"all that there is")
    at(path)
    for command in ("init", "list"):
        done = loyalty("journal", command)
        assert done.code == 3
        assert "but its log journal.db-wal is there" in done.err
    for create in (False, True):
        assert "init" not in refused(path, create=create)
    assert [each.name for each in path.parent.iterdir()] == ["journal.db-wal"]

    path.touch(mode=0o600)
    for create in (False, True):
        said = refused(path, create=create)
        assert "holds no journal" in said
        assert "-wal" in said
        assert "init" not in said
    assert log.read_bytes() == b"all that there is"
