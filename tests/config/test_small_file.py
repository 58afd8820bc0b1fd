"""Reading a small file that a user named: never a wait, never too much."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.model.errors import os_error_text
from tests.requires import without_rights


def open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - names alone


def test_a_small_file_is_read_whole_with_its_mode_even_through_a_link(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    path.chmod(0o640)
    (tmp_path / "link").symlink_to("file")

    for each in (path, tmp_path / "link"):
        content, status = read_regular_file(each, limit=10)
        assert content == b"0123456789"
        assert status.st_mode & 0o777 == 0o640


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)  # the whole path may be too long for a socket


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.write_bytes(b"x" * 2049), "it is larger than 2 KiB"),
        (Path.mkdir, "it is a folder"),
        (os.mkfifo, "it is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is not a regular file"),
        (listen, "No such device or address"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
        (lambda path: path, "No such file or directory"),
    ],
    ids=["large", "folder", "pipe", "device", "socket", "circle", "missing"],
)
def test_a_path_that_is_no_small_file_is_refused_at_once_with_the_reason(
    make: Callable[[Path], object], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "here")
    before = open_files()

    with pytest.raises((OSError, ValueError)) as caught:
        read_regular_file(Path("here"), limit=2048)

    assert isinstance(caught.value, OSError | ValueError)
    assert os_error_text(caught.value) == why
    assert open_files() == before


def test_a_file_that_may_not_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "hidden"
    path.touch(mode=0)

    with without_rights(), pytest.raises(PermissionError):
        read_regular_file(path, limit=10)
