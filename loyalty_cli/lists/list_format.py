"""The formats in which a list may come."""

from enum import StrEnum


class InputFormat(StrEnum):
    """`lines` with an identifier each, `csv` with a header, `jsonl` with an object a line."""

    LINES = "lines"
    CSV = "csv"
    JSONL = "jsonl"
