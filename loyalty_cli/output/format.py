"""The formats of a result."""

from enum import StrEnum


class Format(StrEnum):
    """`table` for people; `json` (an array), `jsonl` (a record a line) and `csv` for programs."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
