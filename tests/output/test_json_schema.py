"""The JSON Schema: what fits it, and what does not; what commands print is in `test_stdout`."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.records import Bin, Expiring, SummaryRecord, WarningCode
from loyalty_cli.output.json_schema import json_schema
from loyalty_cli.output.json_text import json_document
from loyalty_cli.output.meanings import WARNINGS
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


@pytest.fixture
def found(loyalty: Run) -> dict[str, Any]:
    """A record with a balance line and a warning, which fits the schema."""
    line = ("--sandbox", "balance", "C-1001", "-p", "imprint", "-o", "json")
    (record,) = json.loads(loyalty(*line).out)
    return dict(record)


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        ("asked", {"by": "email"}, True),
        ("asked", {"by": "id", "expand": "tier"}, True),
        ("asked", {}, False),
        ("asked", {"expand": "tier"}, False),
        ("asked", {"by": "id", "n": 1}, False),
        ("asked", {"by": None}, False),
        ("asked", None, False),
        ("platform_customer", "0b9f", True),
        ("platform_customer", 7, False),
        ("warnings", [], True),
        ("warnings", [{"code": "not_stated", "message": "…"}], True),
        ("warnings", [{"code": "other", "message": "…"}], False),
        ("warnings", [{"code": "platform"}], False),
        ("warnings", ["text"], False),
        ("schema_version", 1, False),
    ],
    ids=str,
)
def test_what_was_asked_and_warnings_fit_the_schema_in_their_form_alone(
    found: dict[str, Any], validator: Draft202012Validator, key: str, value: object, fits: bool
) -> None:
    validator.validate([found])

    assert validator.is_valid([{**found, key: value}]) is fits


@pytest.mark.parametrize(
    ("key", "value", "fits"),
    [
        *(("basis", basis, True) for basis in ("stated", "computed", "scale_unknown")),
        ("basis", "guessed", False),
        ("basis", None, False),
        ("includes_pending", True, True),
        ("includes_pending", "true", False),
        ("sum_of", ["points", "rewards"], True),
        ("sum_of", "points", False),
    ],
    ids=str,
)
def test_how_sure_a_balance_line_is_fits_the_schema_in_its_form_alone(
    found: dict[str, Any], validator: Draft202012Validator, key: str, value: object, fits: bool
) -> None:
    found["balances"][0][key] = value

    assert validator.is_valid([found]) is fits


def test_a_record_of_version_1_does_not_fit_the_schema(
    found: dict[str, Any], validator: Draft202012Validator
) -> None:
    gone = {key: value for key, value in found.items() if key not in ("asked", "platform_customer")}
    (line,) = found["balances"]
    for key in ("basis", "includes_pending", "sum_of"):
        del line[key]
    old = {**gone, "warnings": [], "balances": [line]}

    for version in (1, 2):
        assert not validator.is_valid([{**old, "schema_version": version}])


def test_the_schema_says_what_every_key_of_a_look_up_and_every_warning_means(
    validator: Draft202012Validator,
) -> None:
    schema: Any = validator.schema
    definitions = schema["$defs"]

    for name in ("Lookup", "RawLookup", "Balance", "WarningRecord", "Failure"):
        for key, member in definitions[name]["properties"].items():
            assert len(member["description"]) > 3, (name, key)
    assert set(definitions["WarningCode"]["enum"]) == set(WarningCode) == set(WARNINGS)
    assert all(f"`{code}`: " in definitions["WarningCode"]["description"] for code in WarningCode)


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
        basis="computed",
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
