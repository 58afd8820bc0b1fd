"""`loyalty schema`: a document that a validator takes as it is."""

import json

from jsonschema import Draft202012Validator

from tests.conftest import Run


def test_schema_prints_a_json_schema_with_a_version_in_every_record(loyalty: Run) -> None:
    done = loyalty("schema")

    schema = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    for kind in ("Lookup", "RawLookup", "SummaryRecord", "ProviderRecord", "ProfileRecord"):
        assert schema["$defs"][kind]["properties"]["schema_version"]["const"] == 2
    assert loyalty("schema", "-o", "json").code == 2


def test_records_and_summaries_fit_the_schema_that_the_program_prints(program: Run) -> None:
    validator = Draft202012Validator(json.loads(program("schema").out))
    asked = ["--sandbox", "balance", "C-1001", "C-1006", "E-404", "--all-profiles", "-o", "json"]

    records = json.loads(program(*asked).out)
    sums = json.loads(program(*asked, "--summary").out)

    validator.validate(records)
    validator.validate(sums)
    assert {record["failed"] for record in sums} == {1}
    assert not validator.is_valid([{"schema_version": 1}])
    assert not validator.is_valid([{**sums[0], "total": "10"}])
