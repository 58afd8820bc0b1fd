"""`loyalty balance --from` and bad input: one clear line, the right code, nothing half-written."""

from pathlib import Path

import pytest

from tests.commands.balance.lists import (
    At,
    BalancePlatform,
    Listed,
    customers,
    lines,
    names,
    piped,
    running,
)
from tests.conftest import Outcome, Run
from tests.requires import without_rights

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def platform(at: At) -> BalancePlatform:
    """A platform at which nothing is wrong; `card` is its profile."""
    return at()


def is_refused(
    done: Outcome, platform: BalancePlatform, error: str, *hint: str, code: int = 2
) -> bool:
    """Whether that one line was said, with a hint or none, and nothing else was done."""
    expected = [f"Error: {error}", *(f"Hint: {text}" for text in hint)]
    assert (done.code, done.err.splitlines()) == (code, expected)
    assert done.out == ""
    assert platform.asked == []
    return True


# Files.


CUSTOMER = "Give the column of identifiers that name."
AS_LINES = "If each line is one identifier, add --input-format lines."
UTF_8 = "Save it as UTF-8 text."
CANNOT_READ = "the file 'missing' cannot be read"
NOBODY = ("there is no customer in the file.", "Write one identifier on each line.")
FILES: dict[str, tuple[str | bytes, tuple[str, ...]]] = {
    "empty": ("", NOBODY),
    "header without customer": (
        "id,name\nC-1,Jane\n",
        ("line 1 of the file: the header has no column 'customer'.", f"{CUSTOMER} {AS_LINES}"),
    ),
    "ragged": (
        "customer,profile\nC-1,card\nC-2,card,x\n",
        ("line 3 of the file: it has 3 cells where the header has 2.",),
    ),
    "unknown profile": (
        "customer,profile\nC-1,card\nC-2,crad\n",
        ("line 3 of the file: there is no profile 'crad'.", "Did you mean 'card'?"),
    ),
    "not CSV": (
        'customer\n"C-1\n',
        ("line 2 of the file is not CSV: unexpected end of data.",),
    ),
    "dot": (
        "C-1\n..\n",
        ("line 2 of the file: the identifier '..' would change the address of the request.",),
    ),
    "control character": (
        "C-1\nC\x1b[2J\n",
        (
            r"line 2 of the file: 'C\x1b[2J' has the invisible character '\x1b' in it.",
            "Take it out.",
        ),
    ),
    "UTF-16": ("C-1\n".encode("utf-16"), ("the file is UTF-16 text.", UTF_8)),
    "latin-1": (
        "C-1\nZo\xeb\n".encode("latin-1"),
        ("line 2 of the file is not UTF-8 text.", UTF_8),
    ),
    "gzip": (b"\x1f\x8b\x08\x00\x00", ("line 1 of the file has a NUL in it.", UTF_8)),
}


@pytest.mark.parametrize("name", FILES)
def test_of_a_bad_file_nothing_is_asked(
    name: str, platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    content, said = FILES[name]

    done = loyalty("balance", "--from", listed(content), "-o", "csv")

    assert is_refused(done, platform, *said)


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
@pytest.mark.parametrize("name", ["empty", "latin-1"])
def test_of_a_pipe_that_is_bad_from_the_start_nothing_is_asked_or_written(
    name: str, output: str, platform: BalancePlatform, loyalty: Run
) -> None:
    content, (error, *_) = FILES[name]
    first = content if isinstance(content, bytes) else content.encode()
    if name == "latin-1":
        first = first.partition(b"\n")[2]
        error = error.replace("line 2", "line 1")

    with piped(first) as pipe:
        done = loyalty("balance", "--from", pipe, "-o", output)

    assert (done.code, done.out, platform.asked) == (2, "", [])
    assert done.err.startswith(f"Error: {error}\n")


@pytest.mark.parametrize("mistake", ["C-\x00\n", "..\n", "x" * 65_000 + "\n"], ids=len)
@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "table"])
def test_of_a_pipe_what_came_before_the_mistake_is_written_whole(
    mistake: str, output: str, platform: BalancePlatform, loyalty: Run
) -> None:
    good = names(40)
    with piped(lines(good) + mistake) as pipe:
        done = loyalty("balance", "--from", pipe, "-o", output)

    assert done.code == 2
    assert done.err.startswith("Error: line 41 of the file")
    assert len(done.err.splitlines()) <= 2
    assert sorted(platform.asked) == sorted(good)
    there = [line.split()[0] for line in done.out.splitlines()[1:]]
    assert (there if output == "table" else customers(done, output)) == good


def test_a_file_that_may_not_be_read(
    platform: BalancePlatform, loyalty: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, open_to_all = tmp_path / "secret", tmp_path / "open"
    for path, mode in ((secret, 0), (open_to_all, 0o644), (tmp_path, 0o755)):
        if path is not tmp_path:
            path.write_text("C-1\n")
        path.chmod(mode)
    (tmp_path / "config.yaml").chmod(0o644)
    monkeypatch.chdir(tmp_path)  # from where nobody's rights reach the files
    monkeypatch.setenv("LOYALTY_CONFIG", "config.yaml")
    assert loyalty("balance", "--from", "open").code == 0
    platform.asked.clear()

    with without_rights():
        done = loyalty("balance", "--from", "secret")

    assert is_refused(done, platform, "the file 'secret' cannot be read: Permission denied.")


@pytest.mark.parametrize("output", ["json", "csv"])
def test_zeros_without_end(output: str, platform: BalancePlatform, loyalty: Run) -> None:
    done = loyalty("balance", "--from", "/dev/zero", "-o", output)

    assert is_refused(done, platform, "line 1 of the file has a NUL in it.", UTF_8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], ("no customer given.", "Name a customer, or a list with --from.")),
        (["--from", "missing"], (f"{CANNOT_READ}: No such file or directory.",)),
        (["--from", "/"], ("the file '/' cannot be read: Is a directory.",)),
        (["--from", "/dev/null"], NOBODY),
        (["--from", "-"], ("stdin is closed.", "Send the list to it, or name a file.")),
        (
            ["C-1", "--input-format", "csv"],
            ("--input-format is the format of --from.", "Add --from FILE, or leave it out."),
        ),
    ],
)
def test_without_a_list_nothing_is_asked(
    arguments: list[str],
    said: tuple[str, ...],
    platform: BalancePlatform,
    loyalty: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)

    assert is_refused(loyalty("balance", *arguments), platform, *said)


def test_a_stdin_that_can_only_be_written_to(platform: BalancePlatform, tmp_path: Path) -> None:
    with (
        (tmp_path / "out").open("wb") as file,
        running("balance", "--from", "-", stdin=file) as there,
    ):
        done = there.ended()

    assert is_refused(done, platform, "the file '-' cannot be read: Bad file descriptor.")


# Options.


RANGE = "is not in the range 1<=x<=256."
SHARD = "--shard must be I/N, I from 1 to N (or from 0 to N - 1), N at most 999999."
RATE = "--rate must be more than 0 and at most 10000 requests a second."
OPTIONS: list[tuple[list[str], str]] = [
    *((["--jobs", n], f"Invalid value for '--jobs': {n} {RANGE}") for n in ("0", "-1", "257")),
    (["--jobs", "1.5"], "Invalid value for '--jobs': '1.5' is not a valid int range."),
    *((["--rate", value], RATE) for value in ("0", "-1", "nan", "inf", "-inf", "1e9", "10001")),
    *(
        (["--rate", value], f"--rate must be a number of requests a second, not {value!r}.")
        for value in ("x", "", "1_0", "10/s")
    ),
    *((["--shard", value], SHARD) for value in ("5/4", "-1/2", "x", "१/२", "1/1000001")),
    (
        ["--input-format", "xml"],
        "Invalid value for '--input-format': 'xml' is not one of 'lines', 'csv', 'jsonl'.",
    ),
    (["C-1"], "--from takes the customers from the list."),
    (["-O", "x=y"], "Imprint (profile 'card') has no option 'x'."),
    (["--timeout", "0"], "--timeout must be more than 0 and at most 3600 seconds."),
]


@pytest.mark.parametrize(("arguments", "error"), OPTIONS)
@pytest.mark.parametrize("source", ["file", "pipe"])
def test_a_wrong_option_is_said_before_anything_is_asked(
    arguments: list[str],
    error: str,
    source: str,
    *,
    platform: BalancePlatform,
    loyalty: Run,
    listed: Listed,
) -> None:
    with piped("C-1\n") as pipe:
        list_name = pipe if source == "pipe" else listed("C-1\n")
        done = loyalty("balance", "--from", list_name, *arguments, "-o", "csv")

    assert (done.code, done.out, platform.asked) == (2, "", [])
    first, *hint = done.err.splitlines()
    assert first == f"Error: {error}"
    assert len(hint) <= 1


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["-p", "crad"], "there is no profile 'crad'"),
        (["--config", "/nowhere/at/all"], "there is no profile file"),
    ],
)
def test_what_is_wrong_with_the_set_up_is_3(
    arguments: list[str], error: str, loyalty: Run, listed: Listed
) -> None:
    done = loyalty("balance", "--from", listed("customer,profile\nC-1,card\n"), *arguments)

    assert (done.code, done.out) == (3, "")
    assert error in done.err.splitlines()[0]


def test_a_list_of_another_format_than_was_said(
    platform: BalancePlatform, loyalty: Run, listed: Listed
) -> None:
    asking = ("balance", "--from", listed("C-1\n"), "--input-format")

    assert is_refused(
        loyalty(*asking, "csv"),
        platform,
        "line 1 of the file: the header has no column 'customer'.",
        CUSTOMER,
    )
    assert is_refused(
        loyalty(*asking, "jsonl"),
        platform,
        "line 1 of the file: it is not JSON (Expecting value at character 0).",
    )
