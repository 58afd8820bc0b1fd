"""Reading a small file that a user named: never a wait, never too much."""

import os
import socket
from pathlib import Path

import pytest

from loyalty_cli.config.small_file import read_regular_file
from loyalty_cli.model.errors import os_error_text
from tests.requires import without_rights


def open_files() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - names alone


def test_a_file_is_read_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    path.chmod(0o640)

    content, status = read_regular_file(path, limit=10)

    assert content == b"0123456789"
    assert status.st_mode & 0o777 == 0o640


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2049)

    with pytest.raises(ValueError, match="larger than 2 KiB"):
        read_regular_file(path, limit=2048)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")

    assert read_regular_file(tmp_path / "link", limit=10)[0] == b"x"


def test_a_folder_is_refused_and_nothing_stays_open(tmp_path: Path) -> None:
    before = open_files()

    for _ in range(5):
        with pytest.raises(ValueError, match="it is a folder"):
            read_regular_file(tmp_path, limit=10)

    assert open_files() == before


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ValueError, match="not a regular file"):
        read_regular_file(tmp_path / "pipe", limit=10)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    with pytest.raises(ValueError, match="not a regular file"):
        read_regular_file(Path(device), limit=10)


def test_a_socket_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("socket"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("here")

        with pytest.raises(OSError, match="here"):
            read_regular_file(Path("here"), limit=10)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing", "No such file or directory"),
        ("circle", "Too many levels of symbolic links"),
        ("file/inside", "Not a directory"),
        ("a\0b", "embedded null byte"),
    ],
)
def test_the_systems_own_reasons_are_told_in_its_words(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "file").touch()

    with pytest.raises((OSError, ValueError)) as caught:
        read_regular_file(tmp_path / name, limit=10)

    assert isinstance(caught.value, OSError | ValueError)
    assert os_error_text(caught.value) == words


def test_a_file_that_others_hide_is_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "hidden"
    path.touch(mode=0)

    with without_rights(), pytest.raises(PermissionError) as caught:
        read_regular_file(path, limit=10)

    assert os_error_text(caught.value) == "Permission denied"


def test_text_that_is_not_utf_8_is_told_as_that() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        b"\xe9".decode()

    assert os_error_text(caught.value) == "it is not UTF-8 text"
