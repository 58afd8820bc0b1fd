"""`--resume` and a file that was asked otherwise, is of another version, or in another format."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.output.format import Format
from tests.conftest import Outcome, Run

FORMATS = [Format.JSONL, Format.JSON, Format.CSV]
OF_ONE = {"name": "rewards", "kind": "points", "unit": "points", "available": 7}
VERSION_1 = {
    "schema_version": 1,
    "profile": "gameball",
    "provider": "gameball",
    "customer": "C-1001",
    "sandbox": True,
    "retrieved_at": "2026-11-20T05:00:00Z",
    "balances": [OF_ONE],
    "details": None,
    "warnings": ["Look out."],
    "error": None,
}
WRITTEN = {
    Format.JSONL: json.dumps(VERSION_1, separators=(",", ":")) + "\n",
    Format.JSON: json.dumps([VERSION_1], indent=2) + "\n",
    Format.CSV: (
        "schema_version,profile,provider,customer,sandbox,retrieved_at,name,kind,unit,available\n"
        "1,gameball,gameball,C-1001,true,2026-11-20T05:00:00Z,rewards,points,points,7\n"
    ),
}


@pytest.fixture
def into(loyalty: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Look up a customer of the sandbox, with the records in a file of an empty folder."""
    monkeypatch.chdir(tmp_path)
    line = ("--sandbox", "balance", "C-1001", "-p", "gameball", "--output-file")
    return lambda name, *more: loyalty(*line, name, *more)


def refused(done: Outcome, name: str, why: str, hint: str) -> None:
    """Nothing was printed or changed, and stderr says why."""
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"Error: the output file '{name}' {why}.\nHint: It was not changed. {hint}\n"
    )


@pytest.mark.parametrize("is_working", [False, True], ids=["finished", "working file"])
@pytest.mark.parametrize("output", FORMATS)
def test_resume_refuses_a_file_that_was_asked_otherwise_and_says_how(
    into: Callable[..., Outcome], output: Format, is_working: bool
) -> None:
    name = f"out.{output}"
    if is_working and output is not Format.JSONL:
        assert into("out.jsonl", "-O", "expand=tier").code == 0
        path = Path(shutil.move("out.jsonl", f"{name}.partial"))
    else:
        assert into(name, "-O", "expand=tier").code == 0
        path = Path(name)
    before = path.read_bytes()

    for options, asks in (((), "by=id"), (("-O", "expand=referrals"), "by=id, expand=referrals")):
        refused(
            into(name, *options, "--resume"),
            name,
            f"was asked otherwise: C-1001 at gameball has by=id, expand=tier; this run asks {asks}",
            "Use the options of the first run, or name another file.",
        )
        assert path.read_bytes() == before
        assert [*Path.cwd().glob("out*")] == [path.absolute()]
    assert into(name, "-O", "expand=tier", "--resume") == (0, "", "")


@pytest.mark.parametrize("output", FORMATS)
def test_options_in_another_order_ask_the_same(
    loyalty: Run, tmp_path: Path, output: Format
) -> None:
    name = str(tmp_path / f"out.{output}")
    line = ("--sandbox", "balance", "C-1001", "-p", "capillary", "--output-file", name)
    options = [("-O", "program_id=42"), ("-O", "all_programs=false")]
    assert loyalty(*line, *options[0], *options[1]).code == 0

    assert loyalty(*line, *options[1], *options[0], "--resume") == (0, "", "")


@pytest.mark.parametrize("is_working", [False, True], ids=["finished", "working file"])
@pytest.mark.parametrize("output", FORMATS)
def test_resume_says_that_a_file_was_written_by_an_older_version(
    into: Callable[..., Outcome], output: Format, is_working: bool
) -> None:
    name = f"out.{output}"
    path = Path(f"{name}.partial" if is_working and output is not Format.JSONL else name)
    content = WRITTEN[Format.JSONL if path.name != name else output]
    path.write_text(content)

    refused(
        into(name, "--resume"),
        name,
        "was written by an older version of loyalty",
        "Look up again into a new file.",
    )
    assert path.read_text() == content


@pytest.mark.parametrize("output", FORMATS)
def test_resume_says_that_a_file_was_written_by_a_newer_version(
    into: Callable[..., Outcome], output: Format
) -> None:
    content = WRITTEN[output].replace("\n1,", "\n3,")
    for text in ('"schema_version": ', '"schema_version":'):
        content = content.replace(f"{text}1", f"{text}3")
    Path(f"out.{output}").write_text(content)

    done = into(f"out.{output}", "--resume")

    assert "was written by a newer version of loyalty" in done.err


@pytest.mark.parametrize("is_working", [False, True], ids=["finished", "working file"])
@pytest.mark.parametrize("output", FORMATS)
def test_resume_says_that_a_file_was_written_with_raw_or_without_it(
    into: Callable[..., Outcome], output: Format, is_working: bool
) -> None:
    for made, resumed, why, hint in (
        (("--raw",), (), "with --raw", "Add --raw, or name another file."),
        ((), ("--raw",), "without --raw", "Leave --raw out, or name another file."),
    ):
        name = f"{'raw' if made else 'read'}.{output}"
        if is_working and output is not Format.JSONL:
            assert into("lines.jsonl", *made).code == 0
            shutil.move("lines.jsonl", f"{name}.partial")
        else:
            assert into(name, *made).code == 0

        refused(into(name, *resumed, "--resume"), name, f"was written {why}", hint)
        assert into(name, *made, "--resume") == (0, "", "")


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("output", FORMATS)
def test_a_file_whose_name_ends_otherwise_than_its_format_is_resumed_with_the_same_format(
    into: Callable[..., Outcome], output: Format, ending: Format
) -> None:
    name = f"out.{ending}"
    assert into(name, "-o", output) == (0, "", "")
    before = Path(name).read_bytes()

    assert into(name, "-o", output, "--resume") == (0, "", "")
    if output is not ending:
        refused(
            into(name, "--resume"),
            name,
            f"holds {output}, and this run writes {ending}",
            f"Add -o {output}.",
        )
    assert Path(name).read_bytes() == before


@pytest.mark.parametrize("output", [Format.JSON, Format.CSV])
def test_a_stopped_run_is_resumed_with_the_format_of_the_option(
    into: Callable[..., Outcome], output: Format
) -> None:
    assert into("whole", "-o", output).code == 0
    assert into("lines.jsonl").code == 0
    shutil.move("lines.jsonl", "out.txt.partial")

    assert into("out.txt", "-o", output, "--resume") == (0, "", "")
    assert [path.name for path in Path.cwd().glob("out*")] == ["out.txt"]
    assert Path("out.txt").read_bytes()[:30] == Path("whole").read_bytes()[:30]
