"""Rows of a file or pipe: text lines with their numbers, CSV and JSON in them, in flat memory."""

import csv
import io
import os
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.lists.rows import (
    LONGEST_LINE,
    LONGEST_SHOWN,
    Line,
    csv_rows,
    from_first,
    shorten,
    text_lines,
)
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

MIB = 1024 * 1024
SAVE_AS_UTF_8 = (
    "Save it as UTF-8, in Excel as 'CSV UTF-8'."
    " If it is {0}, `iconv -f {0} -t UTF-8` makes it UTF-8."
)
CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


class Endless(io.RawIOBase):
    """A stream that begins like one thing, repeats another for ever, and counts what is taken."""

    def __init__(self, start: bytes, again: bytes) -> None:
        self._bytes = iter(start)
        self._again = cycle(again)
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        for at in range(len(buffer)):
            buffer[at] = next(self._bytes, None) or next(self._again)
        self.taken += len(buffer)
        return len(buffer)


def read(content: bytes) -> list[Line]:
    return list(text_lines(io.BytesIO(content)))


def rows(content: str) -> list[tuple[int, list[str]]]:
    return list(csv_rows(text_lines(io.BytesIO(content.encode()))))


def refused(action: Callable[[], object]) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        action()
    assert caught.value.code is ErrorCode.USAGE
    return caught.value


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"a", ["a"]),
        (b"a\n", ["a\n"]),
        (b"a\r\nb\r\n", ["a\r\n", "b\r\n"]),
        (b"a\rb\nc", ["a\r", "b\n", "c"]),
        (b"\n\r\n\r", ["\n", "\r\n", "\r"]),
        (b"\xef\xbb\xbfa\nb", ["a\n", "b"]),
        (b"\xef\xbb\xbf", []),
        (b"a\n\xef\xbb\xbfb", ["a\n", "\ufeffb"]),
        ("a\x0bb\x85c\u2028d\n".encode(), ["a\x0bb\x85c\u2028d\n"]),
        ("Zoë\n注文\n🙂".encode(), ["Zoë\n", "注文\n", "🙂"]),
    ],
    ids=repr,
)
def test_lines_are_numbered_and_keep_their_line_ends(content: bytes, texts: list[str]) -> None:
    assert read(content) == list(enumerate(texts, start=1))


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"))))
def test_any_text_comes_back_line_by_line(texts: list[str]) -> None:
    lines = [f"{text}\r\n" for text in texts]

    assert read("\ufeff".encode() + "".join(lines).encode()) == list(enumerate(lines, start=1))


@pytest.mark.parametrize("is_closed", [False, True], ids=["left open", "closed meanwhile"])
def test_reading_lines_does_not_close_the_stream(is_closed: bool) -> None:
    stream = io.BytesIO(b"a\nb\n")
    lines = text_lines(stream)
    next(lines)
    if is_closed:
        stream.close()

    del lines

    assert stream.closed == is_closed


@pytest.mark.parametrize("buffering", [0, -1], ids=["raw", "buffered"])
@pytest.mark.timeout(20)
def test_a_line_of_a_pipe_is_given_before_the_next_one_is_written(buffering: int) -> None:
    source, sink = os.pipe()
    with os.fdopen(source, "rb", buffering=buffering) as stream:
        lines = text_lines(stream)
        for number in range(1, 4):
            os.write(sink, b"line\r\n")
            assert next(lines) == (number, "line\r\n")
        os.close(sink)
        assert next(lines, None) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["C-1\nC-2\n", "Zoë\n", "\r\nC-1\r\n", "C", "\ufeffC-1\n"])
def test_utf_16_text_is_recognised_and_named(encoding: str, text: str) -> None:
    error = refused(lambda: read(text.encode(encoding)))

    assert "UTF-16" in error.message
    assert not text.startswith("\ufeff") or error.message == "line 1: the file is UTF-16 text."
    assert error.hint == SAVE_AS_UTF_8.format("UTF-16")


@pytest.mark.parametrize(
    "line",
    [
        b"Zo\xeb\n",
        b"\xff\n",
        b"\xc3\n",
        b"a\xed\xa0\x80\n",
        b"\xc0\x80\n",
        b"\xf4\x90\x80\x80\n",
        b"C-2\xe2\x82",
    ],
    ids=repr,
)
def test_text_that_is_not_utf_8_is_told_with_its_line(line: bytes) -> None:
    content = "Zoë\r\n\r\n".encode() * 5000

    error = refused(lambda: read(content + line))

    assert error.message == "line 10001: it is not UTF-8 text."
    assert error.hint == SAVE_AS_UTF_8.format("WINDOWS-1252")


@pytest.mark.parametrize("line", ["C-1\0\n", "\0\0\0\0", "C-1\0\0\0"], ids=repr)
def test_a_nul_is_told_with_its_line(line: str) -> None:
    error = refused(lambda: read(f"C-1\n\n{line}".encode()))

    assert error.message == "line 3: it has a NUL in it."
    assert error.hint == SAVE_AS_UTF_8.format("UTF-16")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_may_have_65536_characters_and_no_more(end: str) -> None:
    longest = "x" * (LONGEST_LINE - len(end)) + end

    assert len(read(f"a\n{longest}".encode())) == 2
    error = refused(lambda: read(f"a\nx{longest}".encode()))

    assert error.message == "line 2: it has more than 65536 characters."
    assert error.hint


@pytest.mark.parametrize(
    ("start", "again", "message"),
    [
        (b"", b"x", "line 1: it has more than 65536 characters."),
        (b"\xef\xbb\xbfC-1\n", "é".encode(), "line 2: it has more than"),
        (b"a,b\n", b",", "line 2: it has more than"),
        (b"C-1\n", b"\x00", "line 2: it has a NUL in it."),
        (b"a,b\n", b"\xff", "line 2: it is not UTF-8 text."),
        (b'a,b\n"', b"x\n", "line 2: it is not CSV: a quote is opened and not closed."),
        (b'a,b\nx,y\n"', b'\n","', "line 3: it is not CSV: a quote is opened and not"),
    ],
    ids=repr,
)
def test_an_endless_line_or_row_is_refused_before_it_fills_the_memory(
    start: bytes, again: bytes, message: str
) -> None:
    stream = Endless(start, again)

    def exhaust(lines: Iterator[Line]) -> None:
        for _ in csv_rows(lines):
            pass

    error = refused(lambda: exhaust(text_lines(io.BufferedReader(stream))))

    assert error.message.startswith(message)
    assert stream.taken < MIB


def test_an_error_of_the_stream_is_raised() -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: Any) -> int:
            raise OSError(5, "Input/output error")

    stream: BinaryIO = io.BufferedReader(Broken())

    with pytest.raises(OSError, match="Input/output error"):
        next(text_lines(stream))


@pytest.mark.parametrize(
    ("content", "first", "left"),
    [
        (b"", None, []),
        (b"\n \t\r\n\r", None, []),
        (b"a\n\nb", (1, "a\n"), [(1, "a\n"), (2, "\n"), (3, "b")]),
        (b"\n \t\r\na\nb", (3, "a\n"), [(3, "a\n"), (4, "b")]),
        ("\n\u00a0\n".encode(), (2, "\u00a0\n"), [(2, "\u00a0\n")]),
    ],
    ids=repr,
)
def test_the_first_line_with_text_can_be_seen_before_it_is_taken(
    content: bytes, first: Line | None, left: list[Line]
) -> None:
    seen, lines = from_first(text_lines(io.BytesIO(content)))

    assert seen == first
    assert list(lines) == left


@given(st.lists(st.lists(CELLS, min_size=1), max_size=5), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_cells_are_read_back_from_csv(table: list[list[str]], end: str) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(table)

    assert [cells for _, cells in rows(text.getvalue())] == table


def test_a_csv_row_has_the_number_of_its_first_line() -> None:
    assert rows('a,b\r\n"x\r\n\r\ny",1\r\n\r\nz,"2"') == [
        (1, ["a", "b"]),
        (2, ["x\r\n\r\ny", "1"]),
        (5, []),
        (6, ["z", "2"]),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('"x', "unexpected end of data"),
        ('"x\ny\n\nz', "unexpected end of data"),
        ('"x"y', "',' expected after '\"'"),
        ('"x\n"y', "',' expected after '\"'"),
    ],
)
def test_a_row_that_is_not_csv_is_told_with_the_line_it_begins_in(row: str, why: str) -> None:
    message = refused(lambda: rows(f"a,b\n\n{row}\n")).message

    assert message == f"line 3: it is not CSV: {why}."


def test_a_csv_row_may_run_over_many_lines() -> None:
    cell = "a line\n" * 9000

    assert rows(f'a\n"{cell}"\nb\n')[1:] == [(2, [cell]), (9003, ["b"])]


def test_a_long_value_is_shown_in_part_in_a_message() -> None:
    assert shorten("x" * LONGEST_SHOWN) == "x" * LONGEST_SHOWN
    assert shorten("x" * (LONGEST_SHOWN + 1)) == "x" * LONGEST_SHOWN + "…"


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ('"customer";"name"\n', "Add --delimiter ';'."),
        ('"customer"\t"name"\n', "Add --delimiter tab."),
        ('"customer" "name"\n', None),
    ],
)
def test_quotes_between_other_delimiters_give_the_hint_that_names_the_option(
    header: str, hint: str | None
) -> None:
    assert refused(lambda: rows(header)).hint == hint
