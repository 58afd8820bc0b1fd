"""Exports: files of look-ups as `loyalty balance` writes them, made by hand."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup
from loyalty_cli.output.balances import BALANCES
from loyalty_cli.output.document import layout, write_records
from loyalty_cli.output.format import Format

POINTS: Any = {"name": "Points", "kind": "points", "unit": "points"}
TIMED_OUT = Failure(code=ErrorCode.TIMED_OUT, message="Too late.", hint="Again.", http_status=504)


def line(available: object = None, **values: Any) -> Balance:
    amount = None if available is None else Amount(str(available))
    return Balance(**(POINTS | {"available": amount} | values))


def looked_up(customer: str, *lines: Balance | int, **values: Any) -> Lookup:
    known: dict[str, Any] = {
        "profile": "points",
        "provider": "gameball",
        "sandbox": False,
        "asked": {"by": "id"},
        "retrieved_at": "2026-11-20T05:00:00Z",
    }
    balances = tuple(line(each) if isinstance(each, int) else each for each in lines)
    return Lookup(**(known | values), customer=customer, balances=balances)


def failed(customer: str, **values: Any) -> Lookup:
    return looked_up(customer, error=TIMED_OUT, **values)


def write(path: Path, records: Sequence[Lookup], output: Format = Format.JSONL) -> str:
    """Write an export, and give its name."""
    with path.open("wb") as file:
        write_records(records, layout(output, BALANCES), file.write)
    return str(path)


def of_version_1(record: Lookup) -> dict[str, Any]:
    """A record as version 1 of the records had it."""
    found: dict[str, Any] = json.loads(layout(Format.JSONL, BALANCES).encode(record))
    for key in ("asked", "platform_customer"):
        del found[key]
    for each in found["balances"]:
        for key in ("basis", "includes_pending", "sum_of"):
            del each[key]
    return found | {"schema_version": 1, "warnings": ["Careful."]}
