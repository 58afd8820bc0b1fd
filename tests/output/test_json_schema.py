"""The JSON Schema: what fits it, and what does not; what commands print is in `test_stdout`."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.output.json_text import json_document
from tests.conftest import Run


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_a_missing_key_and_an_amount_as_text_do_not_fit_the_schema(
    loyalty: Run, validator: Draft202012Validator
) -> None:
    (record,) = json.loads(loyalty("--sandbox", "balance", "C-1001", "-o", "json").out)

    for key in ("schema_version", "balances", "error", "warnings", "sandbox"):
        assert not validator.is_valid([{name: record[name] for name in record if name != key}])
    record["balances"][0]["available"] = "10000"
    assert not validator.is_valid([record])


def test_a_summary_fits_the_schema_whether_anything_was_found_or_not(
    validator: Draft202012Validator,
) -> None:
    nothing = SummaryRecord(
        profile="card", provider="imprint", sandbox=False, customers=2, failed=2
    )
    everything = replace(
        nothing,
        unit="AUD",
        kinds=("money", "credit"),
        found=2,
        total=Amount("98765432109876543210.50"),
        median=Amount("0.25"),
        largest=Amount("98765432109876543210.25"),
        expiring=Expiring(
            days=30, until="2026-12-20T05:00:00Z", amount=Amount(0), customers=0, unclear=1
        ),
        histogram=(Bin(below=Amount(0), customers=2),),
    )

    validator.validate(json.loads(json_document([nothing, everything])))


def test_every_key_of_every_record_is_required_by_the_schema(
    validator: Draft202012Validator,
) -> None:
    schema: Any = validator.schema

    assert "not_found" in schema["$defs"]["ErrorCode"]["enum"]
    for name, record in schema["$defs"].items():
        if record.get("type") == "object":
            assert record["required"] == list(record["properties"]), name
            assert record["additionalProperties"] is False, name
            assert all("default" not in each for each in record["properties"].values()), name
