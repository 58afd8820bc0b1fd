"""The JSON Schema of what `-o json` prints."""

from functools import partial
from inspect import cleandoc
from typing import Any

import msgspec

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, MessageCode
from loyalty_cli.model.records import (
    SCHEMA_VERSION,
    CheckRecord,
    DebitHistory,
    DebitRecord,
    DiffRecord,
    DiffTotalRecord,
    HistoryRecord,
    JournalRecord,
    JournalSummaryRecord,
    Lookup,
    MessageRecord,
    PersonRecord,
    ProfileRecord,
    ProviderRecord,
    RawLookup,
    ShortfallRecord,
    SummaryRecord,
    WarningCode,
)
from loyalty_cli.output.format import Amounts
from loyalty_cli.output.meanings import MEANINGS, WARNINGS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ARRAYS = (
    tuple[Lookup, ...],
    tuple[RawLookup, ...],
    tuple[SummaryRecord, ...],
    tuple[DiffRecord, ...],
    tuple[DiffTotalRecord, ...],
    tuple[HistoryRecord, ...],
    tuple[ProviderRecord, ...],
    tuple[ShortfallRecord, ...],
    tuple[ProfileRecord, ...],
    tuple[DebitRecord, ...],
    tuple[DebitHistory, ...],
    tuple[JournalRecord, ...],
    tuple[JournalSummaryRecord, ...],
    tuple[PersonRecord, ...],
    tuple[CheckRecord, ...],
)


_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_HAS_BY = {"properties": {"by": {"type": "string"}}, "required": ["by"]}


def json_schema(amounts: Amounts = Amounts.NUMBER) -> dict[str, Any]:
    """Describe the array that any command prints; a `jsonl` line is one item of it.

    `$defs` has the object of a message on stderr, too.
    """
    (*arrays, _), components = msgspec.json.schema_components(
        (*ARRAYS, MessageRecord),
        schema_hook=partial(_amount, amounts),
        ref_template="#/$defs/{name}",
    )
    return {
        "$schema": DIALECT,
        "title": "What loyalty prints with -o json",
        "$comment": "`loyalty schema --amounts text`: the same, with amounts as strings.",
        "anyOf": arrays,
        "$defs": {name: _explained(_strict(schema)) for name, schema in components.items()},
    }


def _amount(amounts: Amounts, kind: type) -> dict[str, Any]:
    if kind is Amount and amounts is Amounts.TEXT:
        return {"type": "string", "pattern": _NUMBER}
    if kind is Amount:
        return {"type": "number"}
    raise NotImplementedError(kind)


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """Require every key, also those with a default."""
    properties = {
        name: {key: value for key, value in member.items() if key != "default"}
        for name, member in schema.get("properties", {}).items()
    }
    if "schema_version" in properties:
        properties["schema_version"] = {"const": SCHEMA_VERSION}
    if "asked" in properties:
        properties["asked"] = {**properties["asked"], **_HAS_BY}
    if schema["title"] == MessageRecord.__name__:
        properties["code"] = {"enum": [*ErrorCode, *WarningCode, *MessageCode]}
    if not properties:
        return schema
    return {**schema, "properties": properties, "required": list(properties)}


def _explained(schema: dict[str, Any]) -> dict[str, Any]:
    """Say what the record and its keys mean."""
    name, explained = schema["title"], {**schema, "description": cleandoc(schema["description"])}
    if name == WarningCode.__name__:
        texts = (f"`{code}`: {meaning}." for code, meaning in WARNINGS.items())
        explained["description"] = "\n".join([schema["description"], *texts])
    meanings = MEANINGS.get(name, {})
    if meanings:
        explained["properties"] = {
            key: {**member, "description": meanings[key]} if key in meanings else member
            for key, member in schema["properties"].items()
        }
    return explained
