"""What `loyalty balance` prints of its records, and which options for that exclude each other."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from loyalty_cli.model.errors import usage_error
from loyalty_cli.output.arrangement import Arrangement, read_arrangement
from loyalty_cli.output.balances import BALANCES, RAW, field_layout
from loyalty_cli.output.document import Layout, layout
from loyalty_cli.output.format import Amounts, Format, TableLayout
from loyalty_cli.output.summary import SUMMARY
from loyalty_cli.output.view import View

if TYPE_CHECKING:
    from loyalty_cli.commands.balance.tasks import BalanceRequest

_EXCLUDED: Mapping[str, tuple[str, ...]] = {
    "--field": (
        *("--query", "--output", "--amounts", "--columns", "--sort", "--layout"),
        *("--raw", "--summary", "--copy", "--output-file"),
    ),
    "--query": ("--columns", "--sort", "--layout", "--copy", "--output-file"),
    "--columns": ("--output-file",),
    "--sort": ("--output-file",),
    "--amounts": ("--raw", "--output-file"),
}
_FORMATS: Mapping[str, tuple[Format, ...]] = {
    "--query": (Format.JSON, Format.JSONL),
    "--amounts": (Format.JSON, Format.JSONL),
    "--columns": (Format.TABLE, Format.CSV, Format.MARKDOWN),
    "--sort": (Format.TABLE, Format.CSV, Format.MARKDOWN),
}
"""The formats that an option is for; the first is what it needs where no format is chosen."""


class Shape(Struct, frozen=True):
    """What is printed: the records in a format, one field of them, or the value of a query."""

    output: Format
    amounts: Amounts
    arrangement: Arrangement
    field: Layout | None = None
    query: Callable[[list[Any]], bytes] | None = None

    @classmethod
    def of(cls, request: "BalanceRequest", output: Format) -> "Shape":
        """Read the options; raise LoyaltyError for a name or an expression that has a mistake."""
        view: View[Any] = SUMMARY if request.summary else RAW if request.raw else BALANCES
        return cls(
            output,
            request.amounts,
            read_arrangement(view, request.columns, request.sort, is_csv=output is Format.CSV),
            None if request.field is None else field_layout(request.field),
            None if request.query is None else _query(request.query, output, request.amounts),
        )

    @property
    def is_extract(self) -> bool:
        """Whether something else than the records is printed."""
        return self.field is not None or self.query is not None

    @property
    def is_whole(self) -> bool:
        """Whether all is printed at the end."""
        people = self.output.is_for_people and self.field is None
        return people or self.query is not None or bool(self.arrangement.sort)

    def has_warnings(self, layout: TableLayout) -> bool:
        """Whether the warnings of the records are in what is printed."""
        if self.is_extract:
            return False
        if self.output is Format.TABLE:
            return layout.has_notes
        columns = self.arrangement.columns
        return self.output is not Format.CSV or not columns or "warnings" in columns

    def layout(self, view: View[Any]) -> Layout:
        """How a document for programs is made of the records."""
        return self.field or layout(self.output, view, self.amounts)


def _query(expression: str, output: Format, amounts: Amounts) -> Callable[[list[Any]], bytes]:
    from loyalty_cli.output.query import Query, query_text

    query = Query(expression)
    return lambda records: query_text(query.value(records), output, amounts)


def check_output(request: "BalanceRequest") -> None:
    """Raise LoyaltyError for options that exclude each other."""
    given = _given(request)
    for option, others in _EXCLUDED.items():
        if option in given and (wrong := next((each for each in others if each in given), None)):
            usage_error(f"{option} and {wrong} exclude each other.", "Leave one out.")
    output = request.output or (Format.JSON if request.query is not None else Format.TABLE)
    for option, formats in _FORMATS.items():
        if option in given and output not in formats:
            names = ", ".join(formats)
            usage_error(
                f"{option} is not for -o {output}, but for {names}.", f"Add -o {formats[0]}."
            )


def _given(request: "BalanceRequest") -> set[str]:
    values: dict[str, Any] = {
        "--field": request.field is not None,
        "--query": request.query is not None,
        "--columns": request.columns is not None,
        "--sort": request.sort is not None,
        "--amounts": request.amounts is not Amounts.NUMBER,
        "--output": request.output,
        "--layout": request.layout is not TableLayout.AUTO,
        "--raw": request.raw,
        "--summary": request.summary,
        "--copy": request.copy,
        "--output-file": request.output_file,
    }
    return {name for name, value in values.items() if value}
