"""How people are shown; as CSV they can be imported again, and give the same bytes."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from loyalty_cli.model.csv_formula import harmless
from loyalty_cli.model.records import PersonRecord
from loyalty_cli.output.csv_text import CsvCell
from loyalty_cli.output.document import Layout, print_records, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.stdout import require_stdout, write_bytes
from loyalty_cli.output.view import facts_view

_PHONE = re.compile(r"\+[0-9 ]+")
"""No formula, and a key that must look in the file as it was typed."""


def _facts(person: PersonRecord) -> Iterator[tuple[str, CsvCell]]:
    yield "person", person.person
    yield "name", person.name
    yield from person.identifiers.items()


PERSON = facts_view(_facts)


def print_people(people: Iterable[PersonRecord], profiles: Sequence[str], output: Format) -> None:
    """Print people; as CSV with a column for each of these profiles."""
    if output is not Format.CSV:
        print_records(people, output, PERSON)
        return
    require_stdout()

    def encode(person: PersonRecord) -> bytes:
        identifiers = (person.identifiers.get(profile, "") for profile in profiles)
        return _line([person.person, person.name or "", *identifiers])

    write_records(people, Layout(encode, _line(["person", "name", *profiles])), write_bytes)


def _line(cells: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(_cell, cells))
    return text.getvalue().encode()


def _cell(text: str) -> str:
    return text if _PHONE.fullmatch(text) else harmless(text)
