"""Look-ups of two profiles, and records of what came of them."""

from collections.abc import Iterator, Sequence
from typing import Any

from loyalty_cli.balances.lookup import LookupTask
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.records import Balance, Failure, Lookup
from tests.fakes.servers import profile_at

URL = "http://127.0.0.1:9"
WHO: Any = {
    "profile": "north",
    "provider": "imprint",
    "sandbox": False,
    "asked": {"by": "id"},
    "retrieved_at": "2026-11-20T05:00:00Z",
}
NORTH, SOUTH = (profile_at(URL, name=name) for name in ("north", "south"))


def tasks(customers: Sequence[str]) -> Iterator[LookupTask]:
    return (LookupTask(NORTH, each, {}) for each in customers)


def looked_up(customer: str, lines: int = 1, code: ErrorCode | None = None) -> Lookup:
    return Lookup(
        **WHO,
        customer=customer,
        balances=tuple(Balance(name=str(each), kind="points") for each in range(lines)),
        error=Failure(code=code, message="=no", hint="'x") if code else None,
    )
