"""How the checks of `loyalty doctor` are shown."""

from loyalty_cli.model.records import CheckRecord
from loyalty_cli.output.view import Column, Group, View, texts


def _row(check: CheckRecord) -> list[str]:
    return [check.check, check.status, check.message, check.hint or ""]


CHECKS = View[CheckRecord](
    ("check", "status", "message", "hint"),
    lambda check: [_row(check)],
    [Column(heading) for heading in ("Check", "Status", "Found", "What to do")],
    lambda check: Group((), [texts(_row(check))]),
)
