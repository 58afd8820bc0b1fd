"""The profile file as it stands on disk: where it is, and what cannot be read of it."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from loyalty_cli.config.file import SIZE_LIMIT, default_path, outline
from tests.conftest import Run
from tests.requires import without_rights

CARD = "profiles: {card: {provider: imprint}}\n"


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profile file is to be, with nothing there."""
    path = tmp_path / "config.yaml"
    monkeypatch.setenv("LOYALTY_CONFIG", str(path))
    return path


def assert_it_cannot_be_read(loyalty: Run, path: Path, reason: str) -> None:
    done = loyalty("profiles")
    assert (done.code, done.out) == (3, "")
    assert str(path) in done.err
    assert reason in done.err
    assert len(done.err.splitlines()) <= 2


def test_without_config_it_is_in_the_users_config_folder(
    environment: dict[str, str], loyalty: Run
) -> None:
    path = Path(environment["HOME"]) / ".config" / "loyalty" / "config.yaml"
    assert default_path() == path
    path.parent.mkdir(parents=True)
    path.write_text(CARD)
    path.chmod(0o600)

    assert loyalty("profiles").code == 0


def test_xdg_config_home_moves_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert default_path() == tmp_path / "loyalty" / "config.yaml"


def test_config_goes_before_the_environment_and_that_before_the_folder(
    chosen: Path, loyalty: Run, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("profiles: {other: {provider: gameball}}\n")
    chosen.write_text(CARD)

    assert loyalty("profiles", "-o", "json").record["profile"] == "card"
    assert loyalty("--config", str(other), "profiles", "-o", "json").record["profile"] == "other"


def test_an_empty_variable_is_no_file(monkeypatch: pytest.MonkeyPatch, loyalty: Run) -> None:
    monkeypatch.setenv("LOYALTY_CONFIG", "")

    assert f"there is no profile file {default_path()}" in loyalty("profiles").err


def test_without_a_home_folder_it_says_so(monkeypatch: pytest.MonkeyPatch, loyalty: Run) -> None:
    def nobody(_: int) -> NoReturn:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    done = loyalty("profiles")

    assert done.code == 3
    assert "the home folder is not known" in done.err
    assert "--config" in done.err


def test_a_missing_file_is_an_error_that_mentions_the_sandbox(chosen: Path, loyalty: Run) -> None:
    assert_it_cannot_be_read(loyalty, chosen, f"there is no profile file {chosen}.")
    assert "--sandbox" in loyalty("profiles").err


def test_an_empty_file(chosen: Path, loyalty: Run) -> None:
    chosen.touch()
    assert_it_cannot_be_read(loyalty, chosen, "the file is empty")


def test_a_folder(chosen: Path, loyalty: Run) -> None:
    chosen.mkdir()
    assert_it_cannot_be_read(loyalty, chosen, "it is a folder")


def test_a_pipe_that_nobody_writes_to(chosen: Path, loyalty: Run) -> None:
    os.mkfifo(chosen)
    assert_it_cannot_be_read(loyalty, chosen, "not a regular file")


def test_a_device_that_never_ends(
    monkeypatch: pytest.MonkeyPatch, chosen: Path, loyalty: Run
) -> None:
    chosen.symlink_to("/dev/zero")
    assert_it_cannot_be_read(loyalty, chosen, "not a regular file")
    monkeypatch.setenv("LOYALTY_CONFIG", "/dev/zero")
    assert_it_cannot_be_read(loyalty, Path("/dev/zero"), "not a regular file")


def test_a_file_that_may_not_be_read(chosen: Path, loyalty: Run) -> None:
    chosen.write_text(CARD)
    loyalty("profiles")  # imports what it needs, for which the test has the right
    chosen.chmod(0)
    with without_rights():
        assert_it_cannot_be_read(loyalty, chosen, "Permission denied")


def test_a_file_that_is_too_large(chosen: Path, loyalty: Run) -> None:
    chosen.write_text(CARD + "#" * 2 * SIZE_LIMIT)
    assert_it_cannot_be_read(loyalty, chosen, "larger than 1024 KiB")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-32"])
def test_text_that_is_not_utf_8(chosen: Path, loyalty: Run, encoding: str) -> None:
    chosen.write_bytes(f"# é\n{CARD}".encode(encoding))
    assert_it_cannot_be_read(loyalty, chosen, "it is not UTF-8 text")


def test_utf_16_without_a_mark_at_its_beginning(chosen: Path, loyalty: Run) -> None:
    chosen.write_bytes(CARD.encode("utf-16-le"))
    assert_it_cannot_be_read(loyalty, chosen, "line 1: a control character (U+0000)")


def test_a_mark_at_the_beginning_and_windows_line_ends_are_welcome(
    chosen: Path, loyalty: Run
) -> None:
    text = "profiles:\n  card:\n    provider: imprint\n    auth: basic\n"
    chosen.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert loyalty("profiles", "-o", "json").record["auth"] == "basic"


@pytest.mark.parametrize(("mode", "warns"), [(0o600, 0), (0o644, 0), (0o664, 1), (0o602, 1)])
def test_a_file_that_others_may_write_is_used_with_a_warning(
    chosen: Path, loyalty: Run, mode: int, warns: int
) -> None:
    chosen.write_text(CARD)
    chosen.chmod(mode)

    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.record["profile"]) == (0, "card")
    said = f"Warning: {chosen} can be written by other users; run chmod 600 on it.\n"
    assert done.err == said * warns


def test_the_outline_passes_over_what_is_wrong(
    profile_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = profile_file(
        "nonsense: 1\nprofiles:\n  a: {provider: imprint, x: 1}\n"
        "  b: {provider: [x]}\n  c: text\n  d: {}\n  e: {provider: nosuch}\n"
    )

    assert outline(path) == {"a": "imprint", "e": "nosuch"}
    assert outline(profile_file("profiles: [a]")) == {}
    assert outline(profile_file("- a")) == {}
    assert outline(profile_file("{")) == {}
    assert outline(tmp_path) == {}
    assert outline(tmp_path / "missing") == {}
