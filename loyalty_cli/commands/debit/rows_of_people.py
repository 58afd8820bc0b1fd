"""The rows of a file of debits that name people: which customer each of them is."""

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from loyalty_cli.commands.named_people import NamedPeople
from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.debit_list import PERSON, FileRow, Mistake, Row
from loyalty_cli.lists.rows import shorten
from loyalty_cli.model.errors import ErrorCode, LoyaltyError


def with_customers(
    rows: Iterable[FileRow], profile_of: Callable[[Row], Profile], people: NamedPeople
) -> Iterator[FileRow]:
    """The rows with the customer that each named person is; where there is none, a mistake."""
    for each in rows:
        if each.row is None or not each.row.is_person:
            yield each
            continue
        key, customer, mistakes = each.row.customer, "", [*each.mistakes]
        try:
            customer = people.identifier(key, profile_of(each.row)) if key else ""
        except LoyaltyError as error:
            if error.code not in (ErrorCode.NOT_FOUND, ErrorCode.USAGE):
                raise
            why = error.message.rstrip(".")
            mistakes.append(Mistake(each.line, PERSON, shorten(key), why))
        row = replace(each.row, customer=customer, is_person=False)
        yield replace(each, row=row, mistakes=mistakes)
