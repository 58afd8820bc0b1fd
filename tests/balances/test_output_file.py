"""The output file: never over something else, never by two at once, and never half a record."""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from loyalty_cli.balances.output_file import OutputFile, check_apart, open_output
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from tests.requires import without_rights


def open_lines(path: Path, *, resume: bool) -> AbstractContextManager[OutputFile]:
    return open_output(path, is_lines=True, resume=resume)


def refused(path: Path, why: str, *, resume: bool = False) -> None:
    """Expect that this file is refused in one line that says so, and with a hint."""
    with pytest.raises(LoyaltyError) as refusal, open_lines(path, resume=resume):
        pytest.fail("it was opened")

    assert refusal.value.code is ErrorCode.SETUP
    assert refusal.value.message == f"the output file {str(path)!r} {why}."
    assert refusal.value.hint


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.mark.parametrize("resume", [False, True], ids=["at first", "resumed"])
@pytest.mark.parametrize("is_there", [False, True], ids=["new", "empty, as mktemp makes it"])
def test_a_new_or_empty_output_file_gets_what_is_written(
    path: Path, is_there: bool, resume: bool
) -> None:
    if is_there:
        path.touch(0o600)

    with open_lines(path, resume=resume) as file:
        assert path.stat().st_size == 0
        file.write(b"one\n")
        assert path.read_bytes() == b"one\n"
        file.write(b"two\n")

    assert path.read_bytes() == b"one\ntwo\n"
    assert not is_there or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_resumed_file_is_read_and_kept_up_to_a_chosen_byte(path: Path) -> None:
    path.write_bytes(b"one\ntwo\nthr")

    with open_lines(path, resume=True) as file:
        assert path.stat().st_size == 11
        with file.read() as there:
            assert there.readline() == b"one\n"
        assert path.read_bytes() == b"one\ntwo\nthr"
        file.keep(8)
        file.write(b"three\n")

    assert path.read_bytes() == b"one\ntwo\nthree\n"


class StoppedError(Exception):
    """What ends a run."""


@pytest.mark.parametrize("is_lines", [True, False], ids=["lines", "working file"])
@pytest.mark.parametrize(
    ("before", "written", "after"),
    [(None, b"", None), (b"", b"", b""), (b"one\n", b"", b"one\n"), (None, b"one\n", b"one\n")],
    ids=["new", "empty", "with records", "new, and written to"],
)
def test_an_error_removes_a_new_output_file_without_records_and_no_other(
    path: Path, is_lines: bool, before: bytes | None, written: bytes, after: bytes | None
) -> None:
    there = path if is_lines else working_of(path)
    if before is not None:
        there.write_bytes(before)

    with suppress(StoppedError), open_output(path, is_lines=is_lines, resume=True) as file:
        if written:
            file.write(written)
        raise StoppedError

    assert (there.read_bytes() if there.exists() else None) == after


def test_an_error_removes_no_file_that_somebody_put_in_the_place_of_ours(path: Path) -> None:
    with suppress(StoppedError), open_lines(path, resume=False):
        path.rename(path.with_suffix(".old"))
        path.write_bytes(b"")
        raise StoppedError

    assert path.exists()


def test_an_output_file_without_records_stays_where_all_went_well(path: Path) -> None:
    with open_lines(path, resume=False):
        pass

    assert path.read_bytes() == b""


def _link(path: Path) -> None:
    path.symlink_to("nothing")


def _device(path: Path) -> None:
    path.symlink_to("/dev/full")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


CANNOT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a folder": (Path.mkdir, "", "Is a directory"),
    "in no folder": (lambda _: None, "/out", "No such file or directory"),
    "below a file": (Path.touch, "/out", "Not a directory"),
    "a link to nothing": (_link, "", "No such file or directory"),
    "a name that is too long": (Path.mkdir, "/" + "x" * 300, "File name too long"),
    "a named pipe": (os.mkfifo, "", "it is not a regular file"),
    "a socket": (_socket, "", "No such device or address"),
    "a device": (_device, "", "it is not a regular file"),
}


@pytest.mark.parametrize("resume", [False, True], ids=["at first", "resumed"])
@pytest.mark.parametrize("kind", CANNOT)
def test_an_output_path_that_is_no_file_is_refused_without_waiting_for_it(
    path: Path, kind: str, resume: bool
) -> None:
    make, below, why = CANNOT[kind]
    make(path)
    chosen = Path(f"{path}{below}")

    refused(chosen, f"cannot be written: {why}", resume=resume)
    with pytest.raises(LoyaltyError, match="cannot be written: "):
        open_output(chosen, is_lines=False, resume=resume).__enter__()
    assert [*path.parent.rglob("*.partial")] == []


def test_an_output_file_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o555)
    Path("there").touch(0o444)

    with without_rights():
        refused(Path("there"), "cannot be written: Permission denied", resume=True)
        refused(Path("new"), "cannot be written: Permission denied")
    assert not Path("new").exists()


@pytest.mark.parametrize("resume", [False, True], ids=["at first", "resumed"])
def test_an_output_file_that_another_run_writes_to_is_refused_and_kept(
    path: Path, resume: bool
) -> None:
    with open_lines(path, resume=False) as file:
        refused(path, "cannot be written: another run is writing to it", resume=resume)
        file.write(b"one\n")
        refused(path, "cannot be written: another run is writing to it", resume=resume)
        file.write(b"two\n")

    assert path.read_bytes() == b"one\ntwo\n"
    with open_lines(path, resume=True) as file:
        assert path.stat().st_size == 8


def locking(then: Callable[[], None]) -> Callable[[int, int], None]:
    """What another run does just before this one has the lock."""
    real = fcntl.flock

    def flock(descriptor: int, how: int) -> None:
        then()
        real(descriptor, how)

    return flock


def test_an_output_file_that_cannot_be_locked_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks() -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    path.touch()
    for then, why in (
        (path.unlink, "another run is writing to it"),
        (no_locks, "No locks available"),
    ):
        monkeypatch.setattr(fcntl, "flock", locking(then))
        refused(path, f"cannot be written: {why}")


def test_a_new_output_file_that_another_run_locks_first_is_refused_and_kept(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Any] = []

    def quicker() -> None:
        monkeypatch.undo()
        others.append(open_lines(path, resume=False))
        others[0].__enter__()

    monkeypatch.setattr(fcntl, "flock", locking(quicker))

    refused(path, "cannot be written: another run is writing to it")
    assert path.exists()
    others[0].__exit__(None, None, None)


@contextmanager
def writing(*sizes: int | OSError) -> Any:
    """Let each write take so many bytes, or none and fail."""
    real = os.write
    left = list(sizes)

    def write(descriptor: int, content: Any) -> int:
        size = left.pop(0) if left else len(content)
        if isinstance(size, OSError):
            raise size
        return real(descriptor, content[:size])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", write)
        yield


def test_a_write_of_only_a_part_is_continued_with_the_rest(path: Path) -> None:
    with open_lines(path, resume=False) as file, writing(1, 2, 1):
        file.write(b"one and more\n")
        file.write(b"two\n")

    assert path.read_bytes() == b"one and more\ntwo\n"


@pytest.mark.parametrize("kept", [0, 4, 8])
@pytest.mark.parametrize("part", range(1, 5))
def test_a_full_disk_leaves_whole_records_that_a_later_run_continues(
    path: Path, kept: int, part: int
) -> None:
    path.write_bytes(b"one\ntwo\nthree\n")
    full = OSError(errno.ENOSPC, "No space left on device")

    def write() -> None:
        with open_lines(path, resume=True) as file:
            file.keep(kept)
            file.write(b"four\n")
            file.write(b"five\n")

    with pytest.raises(LoyaltyError) as refusal, writing(5, part, full):
        write()

    assert refusal.value.code is ErrorCode.SETUP
    assert "cannot be written: No space left on device." in refusal.value.message
    assert refusal.value.hint == "Make room, then continue with --resume."
    assert path.read_bytes() == b"one\ntwo\nthree\n"[:kept] + b"four\n"

    with open_lines(path, resume=True) as file:
        file.keep(path.stat().st_size)
        file.write(b"five\n")
    assert path.read_bytes().endswith(b"four\nfive\n")


def test_a_disk_that_is_full_from_the_first_byte_on_leaves_no_output_file(path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(LoyaltyError), open_lines(path, resume=False) as file, writing(1, full):
        file.write(b"one\n")

    assert not path.exists()


@pytest.mark.parametrize("name", ["fsync", "ftruncate"])
def test_an_output_file_that_cannot_be_synced_or_cut_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, name, fail)
    with (
        pytest.raises(LoyaltyError, match="cannot be written: Input/output error"),
        open_lines(path, resume=False) as file,
    ):
        file.keep(0)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.partial"])
@pytest.mark.parametrize(
    "link", [None, "symlink_to", "hardlink_to"], ids=["itself", "symlink", "hardlink"]
)
def test_an_output_file_that_is_the_list_itself_is_refused_under_any_name(
    path: Path, name: str, link: str | None
) -> None:
    written = path.with_name(name)
    written.write_bytes(b"C-1\n")
    listed = path.with_name("list") if link else written
    if link:
        getattr(listed, link)(written)

    with pytest.raises(LoyaltyError, match="it is the list of customers") as refusal:
        check_apart(path, str(listed))
    assert refusal.value.code is ErrorCode.SETUP


def test_an_output_file_that_is_not_the_list_is_taken(path: Path) -> None:
    other = path.with_name("list")

    check_apart(path, str(other))
    for each in (other, path):
        each.touch()
        check_apart(path, str(other))
    check_apart(path, "-")


Fill = Callable[[Callable[[bytes], object]], None]

# A file that is made at the end, of the records in a working file.


def working_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def made(write: Callable[[bytes], object]) -> None:
    write(b"made\n")


def make(path: Path, fill: Fill = made, *, resume: bool = False) -> None:
    with open_output(path, is_lines=False, resume=resume) as file:
        file.write(b"one\n")
        assert working_of(path).read_bytes().endswith(b"one\n")
        file.make(fill)


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob("out*"))


def test_an_output_file_is_made_in_one_piece_and_its_working_file_removed(path: Path) -> None:
    def fill(write: Callable[[bytes], object]) -> None:
        write(b"made ")
        assert not path.exists()
        write(b"of it\n")

    with open_output(path, is_lines=False, resume=False) as file:
        file.write(b"one\n")
        assert not file.is_finished
        file.make(fill)
        assert file.is_finished

    assert path.read_bytes() == b"made of it\n"
    assert names_in(path.parent) == [path.name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666], ids=oct)
def test_an_output_file_keeps_the_permissions_and_the_link_it_had(path: Path, mode: int) -> None:
    there = path.with_name("folder") / "there"
    there.parent.mkdir()
    there.touch()
    there.chmod(mode)
    path.symlink_to(there)

    with open_output(path, is_lines=False, resume=False) as file:
        assert not stat.S_IMODE(working_of(there).stat().st_mode) & ~mode
        file.make(made)

    assert path.is_symlink()
    assert there.read_bytes() == b"made\n"
    assert stat.S_IMODE(there.stat().st_mode) == mode


@pytest.mark.parametrize(
    ("is_lines", "there"), [(True, "out.jsonl"), (False, "out.jsonl"), (False, "out.jsonl.partial")]
)
def test_neither_an_output_file_nor_its_working_file_is_overwritten(
    path: Path, is_lines: bool, there: str
) -> None:
    path.with_name(there).write_bytes(b"\n")

    with pytest.raises(LoyaltyError, match=f"{there}' is there already") as refusal:
        open_output(path, is_lines=is_lines, resume=False).__enter__()
    assert refusal.value.code is ErrorCode.SETUP
    assert refusal.value.hint
    assert path.with_name(there).read_bytes() == b"\n"
    assert names_in(path.parent) == [there]


def test_an_output_file_that_somebody_makes_during_the_run_is_not_overwritten(path: Path) -> None:
    def fill(write: Callable[[bytes], object]) -> None:
        write(b"made\n")
        path.write_bytes(b"something\n")

    with pytest.raises(LoyaltyError, match="is there already"):
        make(path, fill)

    assert path.read_bytes() == b"something\n"
    assert working_of(path).read_bytes() == b"one\n"
    assert names_in(path.parent) == [path.name, working_of(path).name]


@pytest.mark.parametrize(
    "error", [StoppedError(), OSError(errno.ENOSPC, "No space left")], ids=["stopped", "full disk"]
)
def test_an_output_file_that_cannot_be_finished_leaves_its_working_file(
    path: Path, error: Exception
) -> None:
    def fill(write: Callable[[bytes], object]) -> None:
        write(b"ma")
        raise error

    with pytest.raises((StoppedError, LoyaltyError)):
        make(path, fill)

    assert names_in(path.parent) == [working_of(path).name]
    make(path, resume=True)
    assert path.read_bytes() == b"made\n"


@pytest.mark.parametrize(
    ("mode", "folder_mode", "name"),
    [(0o444, 0o777, "out"), (0o666, 0o555, "out.partial")],
    ids=["the file", "its folder"],
)
def test_an_output_file_that_could_not_be_replaced_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, folder_mode: int, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out").touch()
    Path("out").chmod(mode)
    tmp_path.chmod(folder_mode)

    with without_rights(), pytest.raises(LoyaltyError, match=f"'{name}' cannot be written: Perm"):
        make(Path("out"))
