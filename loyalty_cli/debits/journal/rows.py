"""Debits and events as rows of the journal's tables."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from loyalty_cli.debits.journal.entries import Baseline, Entry, Event, Key, Process, State
from loyalty_cli.debits.journal.text import folded, time_text
from loyalty_cli.debits.journal.uptime import Instant

SELECT_DEBITS = """\
SELECT platform, reference, profile, provider, customer, unit, amount, sandbox, state, attempt,
    created_at, changed_at, sender, baseline, balance_after, provider_reference, error, claimed_at
FROM debits"""
_COLUMNS = tuple(re.findall(r"\w+", SELECT_DEBITS)[1:-2])
INSERT_DEBIT = """\
INSERT INTO debits (platform, reference, profile, provider, customer, unit, amount, sandbox, state,
    attempt, created_at, changed_at, folded)
VALUES (:platform, :reference, :profile, :provider, :customer, :unit, :amount, :sandbox, :state,
    :attempt, :created_at, :changed_at, :folded)
ON CONFLICT DO NOTHING"""
UPDATE_DEBIT = """\
UPDATE debits SET state = :state, attempt = :attempt, changed_at = :changed_at, sender = :sender,
    baseline = :baseline, balance_after = :balance_after, provider_reference = :provider_reference,
    error = :error, profile = :profile, claimed_at = :claimed_at
WHERE platform = :platform AND reference = :reference
    AND state = :was_state AND attempt = :was_attempt"""
SELECT_EVENTS = """\
SELECT at, actor, attempt, "before", "after", why, clock, seconds, number FROM events
WHERE platform = :platform AND reference = :reference ORDER BY number"""
INSERT_EVENT = """\
INSERT INTO events (platform, reference, at, actor, attempt, "before", "after", why, folded, clock,
    seconds)
VALUES (:platform, :reference, :at, :actor, :attempt, :before, :after, :why, :folded, :clock,
    :seconds)"""

_PROCESS = msgspec.json.Decoder(Process)
_BASELINE = msgspec.json.Decoder(Baseline)
_TIMES = ("created_at", "changed_at", "claimed_at")

written_time = lru_cache(maxsize=8)(time_text)  # all debits of a plan have the same time


def process_text(process: Process) -> str:
    """A process as text in the journal."""
    return msgspec.json.encode(process).decode()


def process_of(text: str) -> Process:
    """The process that `process_text` wrote."""
    return _PROCESS.decode(text)


def debit_row(entry: Entry) -> dict[str, Any]:
    """The values of a debit's columns."""
    row = msgspec.structs.asdict(entry)
    del row["key"]
    for name in ("sender", "baseline"):
        row[name] = None if row[name] is None else msgspec.json.encode(row[name]).decode()
    for name in _TIMES:
        row[name] = None if row[name] is None else written_time(row[name])
    return {**row, **account_values(entry)}


def account_values(entry: Entry) -> dict[str, str]:
    """The key of a debit, and its customer: as written, and folded."""
    return {
        "platform": entry.key.platform,
        "reference": entry.key.reference,
        "customer": entry.customer,
        "folded": folded(entry.customer),
    }


def read_debit(row: Sequence[Any]) -> Entry:
    """The debit of a row of SELECT_DEBITS."""
    values = dict(zip(_COLUMNS, row, strict=True))
    key = Key(values.pop("platform"), values.pop("reference"))
    values["sandbox"] = bool(values["sandbox"])
    values["state"] = State(values["state"])
    values["sender"] = values["sender"] and _PROCESS.decode(values["sender"])
    values["baseline"] = values["baseline"] and _BASELINE.decode(values["baseline"])
    for name in _TIMES:
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return Entry(key=key, **values)


def read_event(row: Sequence[Any]) -> Event:
    """The event of a row of SELECT_EVENTS."""
    at, actor, attempt, before, after, why, clock, seconds, number = row
    instant = None if clock is None else Instant(clock, seconds)
    states = (State(before) if before else None, State(after))
    return Event(datetime.fromisoformat(at), actor, attempt, *states, why, instant, number)
