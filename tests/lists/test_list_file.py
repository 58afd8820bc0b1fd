"""Files that a user named to be read, and stdin: which can be read again, and what cannot be."""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from loyalty_cli.lists.line_error import line_error
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

PATIENCE = 10.0


def refused(name: str) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught, open_input(name) as file, file.reading():
        file.from_start().read()
    assert caught.value.code is ErrorCode.USAGE
    return caught.value


def test_a_list_in_a_file_can_be_read_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"C-1\n")

    with open_input(str(path)) as file:
        assert file.is_rereadable
        assert not file.is_typed
        assert [file.from_start().read() for _ in range(3)] == [b"C-1\n"] * 3
        stream = file.from_start()
    assert stream.closed


def test_a_list_from_a_pipe_can_be_read_once() -> None:
    source, sink = os.pipe()
    os.write(sink, b"C-1\n")
    os.close(sink)

    with open_input(f"/dev/fd/{source}") as file:
        assert not file.is_rereadable
        assert file.from_start().read() == b"C-1\n"
        assert file.from_start().read() == b""
    os.close(source)


def test_a_pipe_can_be_closed_while_it_is_read() -> None:
    """Whoever waits for a silent pipe must not make the whole program wait for it."""
    source, sink = os.pipe()
    reading, closed = Event(), Event()

    def run() -> None:
        with open_input(f"/dev/fd/{source}") as file:
            stream = file.from_start()

            def read() -> None:
                reading.set()
                with suppress(OSError, ValueError):  # as it is closed by then
                    stream.read(1)

            Thread(target=read, daemon=True).start()
            assert reading.wait(PATIENCE)
        closed.set()

    Thread(target=run, daemon=True).start()
    try:
        assert closed.wait(PATIENCE)
    finally:
        os.close(sink)
        os.close(source)


def test_stdin_is_read_from_where_it_is_and_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"C-1\nC-2\n")
    with path.open() as stdin:
        os.lseek(stdin.fileno(), 4, os.SEEK_SET)
        monkeypatch.setattr(sys, "stdin", stdin)

        with open_input("-") as file:
            assert [file.from_start().read() for _ in range(2)] == [b"C-2\n"] * 2
        assert not stdin.closed


def test_a_stdin_that_does_not_block_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise a list would end, unnoticed, where its writer took a breath."""
    source, sink = os.pipe()
    os.set_blocking(source, False)
    with os.fdopen(source) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)

        def write() -> None:
            os.write(sink, b"C-1\n")
            os.close(sink)

        with open_input("-") as file:
            late = Timer(0.1, write)
            late.start()
            assert file.from_start().read() == b"C-1\n"
        late.join(PATIENCE)


def test_a_stdin_without_a_file_descriptor_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"C-1\n")))

    with open_input("-") as file:
        assert file.from_start().read() == b"C-1\n"


def test_a_terminal_is_known_as_typed_input() -> None:
    near, far = os.openpty()
    try:
        with open_input(os.ttyname(far)) as file:
            assert file.is_typed
            assert not file.is_rereadable
    finally:
        os.close(near)
        os.close(far)


@pytest.mark.parametrize(
    ("name", "why"), [("", "Is a directory"), (".", "Is a directory"), ("none", "No such file")]
)
def test_a_list_that_cannot_be_read_is_told_with_the_reason(
    name: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert refused(name).message.startswith(f"the file {name!r} cannot be read: {why}")


@pytest.mark.parametrize("how", ["appended to", "written anew"])
def test_a_list_that_is_changed_while_it_is_read_is_refused(tmp_path: Path, how: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"C-1\n")

    def write() -> None:
        if how == "appended to":
            path.write_bytes(b"C-1\nC-2\n")
        else:
            path.write_bytes(b"C-9\n")
            os.utime(path, ns=(1, 1))

    with open_input(str(path)) as file:
        reading = file.unchanged()
        reading.__enter__()
        file.from_start().read()
        write()
        with pytest.raises(LoyaltyError) as caught:
            reading.__exit__(None, None, None)

    assert caught.value.message == f"the file {str(path)!r} was changed while it was read."


def test_a_file_that_nobody_changes_and_a_pipe_count_as_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b"C-1\n")
    source, sink = os.pipe()
    try:
        os.write(sink, b"C-1\n")
        for name in (str(path), f"/dev/fd/{source}"):
            with open_input(name) as file, file.unchanged():
                assert file.from_start().read(4) == b"C-1\n"
    finally:
        os.close(sink)
        os.close(source)


def test_a_mistake_in_a_line_is_told_with_the_file_and_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "customers.csv"
    path.touch()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))

    def told(name: str, line: int | None) -> str:
        with pytest.raises(LoyaltyError) as caught, open_input(name) as file, file.reading():
            line_error(line, "it is wrong.", "Mend it.")
        assert (caught.value.code, caught.value.hint) == (ErrorCode.USAGE, "Mend it.")
        return caught.value.message

    assert told(str(path), 2) == f"{path}:2: it is wrong."
    assert told(str(path), None) == f"{path}: it is wrong."
    assert told("-", 2) == "stdin:2: it is wrong."
