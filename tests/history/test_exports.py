"""Exports are read whole or not at all: every format, of any size, and what is wrong with one."""

import io
import json
from pathlib import Path

import pytest

from loyalty_cli.history import exports
from loyalty_cli.history.exports import read_export
from loyalty_cli.history.lookups import PastLookup
from loyalty_cli.lists.list_file import InputFile, open_input
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import WarningCode, WarningRecord
from loyalty_cli.output.format import Format
from tests.history.exported import TIMED_OUT, failed, line, looked_up, of_version_1, write

RECORDS = [
    looked_up(
        "Zoë, =1+1",
        line("12345678901234567890.00", sum_of=("a", "b"), basis="computed"),
        line(name='"quoted"\nline', unit=None, total=Amount("-0.5")),
        asked={"by": "email", "expand": "tier", "a": "b"},
        warnings=(WarningRecord(WarningCode.PLATFORM, "x" * 200_000),),
    ),
    failed("-2"),
    looked_up("nothing yet"),
    looked_up("C-3", 7, 8),
]
READABLE = (Format.JSONL, Format.JSON, Format.CSV)


def read(content: bytes | str) -> list[PastLookup]:
    stream = io.BytesIO(content.encode() if isinstance(content, str) else content)
    stream.fileno = lambda: -1  # type: ignore[method-assign] # a stream without a file
    return [found for _, found in read_export("x", InputFile("x", stream))]


def refused(content: bytes | str) -> str:
    with pytest.raises(LoyaltyError) as caught:
        read(content)
    assert caught.value.code is ErrorCode.USAGE
    assert caught.value.hint
    return caught.value.message


def text_of(tmp_path: Path, output: Format = Format.JSONL) -> str:
    return Path(write(tmp_path / "export", RECORDS, output)).read_text()


@pytest.mark.parametrize("output", READABLE)
@pytest.mark.parametrize("chunk", [7, 64 * 1024])
def test_an_export_reads_the_same_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: Format, chunk: int
) -> None:
    monkeypatch.setattr(exports, "CHUNK", chunk)
    name = write(tmp_path / "export", RECORDS, output)

    with open_input(name) as file:
        first, second, third, fourth = (found for _, found in read_export(name, file))

    assert (first.customer, first.by, first.asked) == (
        "Zoë, =1+1",
        "email",
        "a=b, expand=tier",
    )
    assert [str(each.available) for each in first.lines] == ["12345678901234567890.00", "None"]
    assert (first.lines[0].sum_of, first.lines[0].basis) == (("a", "b"), "computed")
    assert (str(first.lines[1].total), first.lines[1].unit) == ("-0.5", None)
    assert (second.customer, second.lines, second.error) == ("-2", (), TIMED_OUT)
    assert (third.lines, third.error) == ((), None)
    assert [each.available for each in fourth.lines] == [7, 8]


def test_an_array_may_be_indented_in_any_way_or_not_at_all(tmp_path: Path) -> None:
    records = json.loads(text_of(tmp_path, Format.JSON))
    expected = read(json.dumps(records))

    for indent in (1, 8):
        assert read(f"\n {json.dumps(records, indent=indent)}") == expected
    assert read("\ufeff" + json.dumps(records, separators=(",", ":"))) == expected
    assert len(expected) == 4


def test_records_of_version_1_are_read() -> None:
    (found,) = read(json.dumps(of_version_1(looked_up("C", 5))))

    assert (found.schema_version, found.by, str(found.lines[0].available)) == (1, "id", "5")


def test_the_place_of_a_look_up_is_its_line(tmp_path: Path) -> None:
    for output in (Format.JSONL, Format.CSV):
        name = write(tmp_path / "export", [looked_up("a", 1), looked_up("b", 2)], output)
        with open_input(name) as file:
            places = [place for place, _ in read_export(name, file)]
        assert places == (["line 1", "line 2"] if output is Format.JSONL else ["line 2", "line 3"])


@pytest.mark.parametrize("output", READABLE)
def test_an_export_that_is_cut_off_anywhere_in_its_last_record_is_incomplete(
    tmp_path: Path, output: Format
) -> None:
    text = text_of(tmp_path, output)

    for cut in (3, 20, 60):
        assert "'x' is incomplete: its end is missing" in refused(text[:-cut])


@pytest.mark.parametrize("output", READABLE)
def test_an_export_that_is_cut_off_within_a_character_is_incomplete(
    tmp_path: Path, output: Format
) -> None:
    name = write(tmp_path / "export", [looked_up("a", 1), looked_up("Zoë", 2)], output)
    content = Path(name).read_bytes()

    assert "is incomplete" in refused(content[: content.rindex("ë".encode()) + 1])


def test_an_array_without_its_end_is_incomplete(tmp_path: Path) -> None:
    text = text_of(tmp_path, Format.JSON)

    assert refused(text[:-2]) == "the file 'x' is incomplete: its end is missing, after record 4."
    assert refused("[\n") == "the file 'x' is incomplete: its end is missing."


def test_a_whole_last_line_needs_no_newline_in_json_lines_but_in_csv(tmp_path: Path) -> None:
    assert len(read(text_of(tmp_path).rstrip("\n"))) == 4
    assert "incomplete" in refused(text_of(tmp_path, Format.CSV).rstrip("\n"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "the file 'x' is empty."),
        ("\n \n", "the file 'x' is empty."),
        ("[]\n", "the file 'x' is empty."),
        ("hello\n", "the file 'x' is no export of look-ups: its first line has no column"),
        ("customer,profile\nC,p\n", "no column 'schema_version'"),
        ('{"schema_version":2,"reference":"x"}\n', "line 1 of the file 'x' is no record of a look"),
        ('{"a":}\n{}\n', "line 1 of the file 'x' is no JSON."),
        ('[{"a":}]', "record 1 of the file 'x' is no JSON."),
        ("[1, 2]", "record 1 of the file 'x' is no JSON."),
        ("[" * 100_000 + "]", "record 1 of the file 'x' is no JSON."),
        ('{"a":' * 100_000 + "\n", "line 1 of the file 'x' is no JSON."),
        (b"\xff\xfe{\x00", "the file 'x' is not UTF-8 text."),
        ('{"raw":{},"asked":{},"customer":"C"}\n', "was written with --raw"),
        ("schema_version,field,value\n", "was written with --raw"),
    ],
)
def test_what_is_no_export_is_refused(content: str | bytes, why: str) -> None:
    assert why in refused(content)


def test_two_arrays_in_one_file_are_refused(tmp_path: Path) -> None:
    text = text_of(tmp_path, Format.JSON)

    assert refused(text + text) == "the file 'x' has something after its array."


def test_a_wrong_record_in_the_middle_is_named(tmp_path: Path) -> None:
    lines = text_of(tmp_path).splitlines(keepends=True)
    assert "line 2 of the file 'x' is no JSON" in refused(lines[0] + "nothing\n" + lines[1])
    newer = json.dumps(json.loads(lines[1]) | {"schema_version": 3})
    assert "line 2 of the file 'x' has schema_version 3" in refused(f"{lines[0]}{newer}\n")

    rows = text_of(tmp_path, Format.CSV).splitlines(keepends=True)
    assert "line 2 of the file 'x' has 1 cells" in refused(f"{rows[0]}cell\n{rows[-1]}")
    unreadable = rows[-1].replace(",7,", ",7x,").replace(",8,", ",8x,")
    assert "line 2 of the file 'x' is no record" in refused(rows[0] + unreadable)
    assert "is no CSV" in refused(f'{rows[0]}"a"b,\n')
