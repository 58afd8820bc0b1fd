"""The profile file as it stands on disk: where it is, and what cannot be read of it."""

import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from loyalty_cli.config.file import SIZE_LIMIT, outline
from loyalty_cli.config.folders import default_path
from tests.conftest import Run

CARD = "profiles: {card: {provider: imprint}}\n"


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the profile file is to be, with nothing there."""
    path = tmp_path / "config.yaml"
    monkeypatch.setenv("LOYALTY_CONFIG", str(path))
    return path


def test_without_config_the_profile_file_is_in_the_users_config_folder(
    environment: dict[str, str], loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(environment["HOME"]) / ".config" / "loyalty" / "config.yaml"
    assert default_path() == path
    path.parent.mkdir(parents=True)
    path.write_text(CARD)
    path.chmod(0o600)

    assert loyalty("profiles").code == 0
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    assert default_path() == Path("/elsewhere/loyalty/config.yaml")


def test_config_wins_over_the_environment_and_that_over_the_config_folder(
    chosen: Path, loyalty: Run, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("profiles: {other: {provider: gameball}}\n")
    chosen.write_text(CARD)

    assert loyalty("profiles", "-o", "json").record["profile"] == "card"
    assert loyalty("--config", str(other), "profiles", "-o", "json").record["profile"] == "other"


def test_without_a_home_folder_the_profile_file_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, loyalty: Run
) -> None:
    def nobody(_: int) -> NoReturn:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    done = loyalty("profiles")

    assert done.code == 3
    assert "the home folder is not known" in done.err
    assert "--config" in done.err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, " cannot be read: it is a folder."),
        (b"", ": the file is empty."),
        ((CARD + "#" * 2 * SIZE_LIMIT).encode(), " cannot be read: it is larger than 1024 KiB."),
        (f"# é\n{CARD}".encode("latin-1"), " cannot be read: it is not UTF-8 text."),
        (CARD.encode("utf-16"), " cannot be read: it is not UTF-8 text."),
        (CARD.encode("utf-16-le"), ", line 1: a control character (U+0000) is not allowed"),
    ],
    ids=["a folder", "nothing", "too large", "Latin-1", "UTF-16", "UTF-16 without a mark"],
)
def test_a_profile_file_that_cannot_be_read_is_told_with_the_reason(
    chosen: Path, loyalty: Run, content: bytes | None, reason: str
) -> None:
    chosen.mkdir() if content is None else chosen.write_bytes(content)

    done = loyalty("profiles")

    assert (done.code, done.out) == (3, "")
    assert f"{chosen}{reason}" in done.err
    assert len(done.err.splitlines()) <= 2


def test_a_missing_profile_file_is_an_error_that_mentions_the_sandbox(
    monkeypatch: pytest.MonkeyPatch, chosen: Path, loyalty: Run
) -> None:
    assert f"there is no profile file {chosen}." in loyalty("profiles").err
    monkeypatch.setenv("LOYALTY_CONFIG", "")

    done = loyalty("profiles")

    assert done.code == 3
    assert f"there is no profile file {default_path()}." in done.err
    assert "--sandbox" in done.err


def test_a_profile_file_may_have_a_byte_order_mark_and_windows_line_ends(
    chosen: Path, loyalty: Run
) -> None:
    text = "profiles:\n  card:\n    provider: imprint\n    auth: basic\n"
    chosen.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    assert loyalty("profiles", "-o", "json").record["auth"] == "basic"


@pytest.mark.parametrize(("mode", "warns"), [(0o600, 0), (0o644, 0), (0o664, 1), (0o602, 1)])
def test_a_profile_file_that_others_may_write_is_used_with_a_warning(
    chosen: Path, loyalty: Run, mode: int, warns: int
) -> None:
    chosen.write_text(CARD)
    chosen.chmod(mode)

    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.record["profile"]) == (0, "card")
    said = f"Warning: {chosen} can be written by other users; run chmod 600 on it.\n"
    assert done.err == said * warns


def test_the_outline_of_a_profile_file_leaves_out_wrong_profiles(
    profile_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = profile_file(
        "nonsense: 1\nprofiles:\n  a: {provider: imprint, x: 1}\n"
        "  b: {provider: [x]}\n  c: text\n  d: {}\n  e: {provider: nosuch}\n"
    )

    assert outline(path) == {"a": "imprint", "e": "nosuch"}
    for text in ("profiles: [a]", "- a", "{"):
        assert outline(profile_file(text)) == {}
    for path in (tmp_path, tmp_path / "missing"):
        assert outline(path) == {}
