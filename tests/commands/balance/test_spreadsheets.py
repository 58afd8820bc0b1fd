"""Lists as European spreadsheets save them: read by option, and the option is in the error."""

import re

import pytest

from tests.commands.balance.lists import At, Listed, customers
from tests.conftest import Run

EXCEL = "\ufeffCustomer;Name\r\nC-1;Zo\u00eb\r\nC-2;\u00c5sa\r\n"


def test_a_list_of_excel_is_read_with_the_options_that_its_error_names(
    loyalty: Run, at: At, listed: Listed
) -> None:
    platform = at()
    name = listed(EXCEL)

    refused = loyalty("balance", "--from", name, "-o", "csv")
    assert (refused.code, refused.out, platform.asked) == (2, "", [])
    error, hint = refused.err.splitlines()
    assert error == f"Error: {name}:1: the header has no column 'customer'."
    assert hint.startswith("Hint: Add --delimiter ';' --column Customer.")

    options = re.findall(r"--(delimiter|column) '?([;\w]+)'?", hint)
    said = [each for option, value in options for each in (f"--{option}", value)]
    done = loyalty("balance", "--from", name, *said, "-o", "csv")
    assert (done.code, customers(done, "csv")) == (0, ["C-1", "C-2"])


@pytest.mark.parametrize(
    ("encoding", "error"),
    [("windows-1252", "2: it is not UTF-8 text."), ("utf-16", "1: the file is UTF-16 text.")],
)
def test_a_list_in_another_encoding_is_refused_with_how_to_change_it(
    loyalty: Run, at: At, listed: Listed, encoding: str, error: str
) -> None:
    at()
    name = listed(EXCEL.removeprefix("\ufeff").encode(encoding))

    done = loyalty("balance", "--from", name, "--delimiter", ";", "--column", "Customer")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {name}:{error}\n")
    assert f"`iconv -f {encoding.upper()} -t UTF-8` makes it UTF-8." in done.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["C-1", "--delimiter", ";"], "--delimiter is about the list of --from."),
        (["C-1", "--column", "id"], "--column is about the list of --from."),
        (["-f", "x", "--delimiter", "ab"], "--delimiter 'ab' must be one sign"),
        (["-f", "x", "--delimiter", ";", "--input-format", "jsonl"], "--delimiter stands between"),
        (["-f", "x", "--column", "id", "--input-format", "lines"], "--input-format lines has no"),
    ],
    ids=str,
)
def test_an_option_about_a_list_that_fits_none_is_refused(
    loyalty: Run, at: At, arguments: list[str], error: str
) -> None:
    at()

    done = loyalty("balance", *arguments)

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"Error: {error}")
