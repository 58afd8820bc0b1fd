"""`loyalty schema`: a document that a validator takes as it is."""

import json

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import Run


def test_schema_prints_a_json_schema(loyalty: Run) -> None:
    done = loyalty("schema")

    schema = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


def test_records_fit_the_schema_that_the_program_prints(program: Run) -> None:
    validator = Draft202012Validator(json.loads(program("schema").out))

    done = program("--sandbox", "balance", "C-1006", "E-404", "--all-profiles", "-o", "json")

    validator.validate(json.loads(done.out))
    assert not validator.is_valid([{"schema_version": 1}])


def test_a_summary_of_what_was_found_and_of_what_failed_fits_too(program: Run) -> None:
    validator = Draft202012Validator(json.loads(program("schema").out))
    everything = ["--sandbox", "balance", "--all-profiles", "--summary", "-o", "json"]

    done = program(*everything, "C-1001", "C-1006", "E-404")

    records = json.loads(done.out)
    validator.validate(records)
    assert {record["failed"] for record in records} == {1}
    assert not validator.is_valid([{**records[0], "total": "10"}])


def test_schema_takes_no_arguments(loyalty: Run) -> None:
    assert loyalty("schema", "-o", "json").code == 2


@pytest.mark.parametrize(
    "kind", ["Lookup", "RawLookup", "SummaryRecord", "ProviderRecord", "ProfileRecord"]
)
def test_every_record_says_which_version_it_is(loyalty: Run, kind: str) -> None:
    record = json.loads(loyalty("schema").out)["$defs"][kind]

    assert record["properties"]["schema_version"] == {"const": 1}
