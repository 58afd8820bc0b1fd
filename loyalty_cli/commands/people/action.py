"""The actions of `loyalty people`."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from loyalty_cli.commands.confirm import confirmed, is_interactive
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_history import open_history
from loyalty_cli.commands.open_people import open_people
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.config.profile import Profile
from loyalty_cli.lists.delimiter import COMMA, check_delimiter
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.errors import nearest, usage_error
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import PersonRecord
from loyalty_cli.output import messages
from loyalty_cli.output.format import Format
from loyalty_cli.output.people import print_people
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import require_stdout
from loyalty_cli.people.find import the_one
from loyalty_cli.people.people_file import read_people
from loyalty_cli.people.person import NAME, Person, check_identifier, check_text
from loyalty_cli.people.staging import StagedPeople
from loyalty_cli.people.store import People


def import_file(chosen: Globals, name: str, delimiter: str | None) -> None:
    """Add or update the people of a file; raise LoyaltyError, and leave all as it was."""
    sign = check_delimiter(delimiter) or COMMA
    with (
        open_session(chosen) as session,
        open_input(name) as file,
        closing(StagedPeople()) as staged,
    ):
        with file.reading():
            content = read_people(file.from_start(), session.config.profiles, sign)
            staged.add(content.rows)
        with open_people(session, chosen, create=True) as people:
            assert people is not None
            before = len(people)
            shown = progress(iter(staged), len(staged), lambda _: False)
            people.put(shown, content.profiles, has_name=content.has_name)
            new = len(people) - before
    was = "person was" if len(staged) == 1 else "people were"
    messages.note(
        f"{len(staged)} {was} imported into {people.database.place}: {new} new,"
        f" {len(staged) - new} updated."
    )


def show(chosen: Globals, key: str, output: Format) -> None:
    """Print the person with a key."""
    require_stdout()
    with _with_people(chosen) as (session, people):
        _print(the_one(people, key), session, chosen, output)


def change(chosen: Globals, key: str, changes: Sequence[str], output: Format) -> None:
    """Change the person with a key, and print the result."""
    require_stdout()
    with _with_people(chosen) as (session, people):
        person = the_one(people, key)
        assert people is not None
        values = _values(changes, person, session.config.profiles)
        name = values.pop(NAME, person.name) or None
        given = {profile: text for profile, text in values.items() if text}
        people.put([Person(person.person, name, given)], values, has_name=True)
        kept = {
            profile: text for profile, text in person.identifiers.items() if profile not in values
        }
        _print(Person(person.person, name, {**kept, **given}), session, chosen, output)


def forget(chosen: Globals, key: str, *, yes: bool) -> int:
    """Delete the person with a key; ask before, unless `yes`."""
    if not (yes or is_interactive()):
        usage_error("there is no terminal to ask on.", "Add --yes if you are sure.")
    with _with_people(chosen) as (session, people):
        person = the_one(people, key)
        assert people is not None
        if not yes and not confirmed(f"Forget {person}?"):
            messages.note("Nobody was forgotten.")
            return ExitCode.REFUSED
        people.forget(person)
        with open_history(session, chosen) as history:
            if history:
                history.forget(person.identifiers)
    messages.note(f"{person} was forgotten.")
    return ExitCode.OK


def export(chosen: Globals, output: Format) -> None:
    """Print everybody."""
    require_stdout()
    with _with_people(chosen) as (session, people):
        known = [] if people is None else people.profiles()
        _print_all(people or (), known, session, chosen, output)
        if not people:
            messages.note("nobody is on file. `loyalty people import` adds people.")


@contextmanager
def _with_people(chosen: Globals) -> Iterator[tuple[Session, People | None]]:
    with open_session(chosen) as session, open_people(session, chosen) as people:
        yield session, people


def _values(
    changes: Sequence[str], person: Person, profiles: Mapping[str, Profile]
) -> dict[str, str]:
    """What the command line gives by name, checked."""
    values: dict[str, str] = {}
    for pair in changes:
        name, equals, text = pair.partition("=")
        if not equals:
            usage_error(f"{pair!r} is not PROFILE=ID.", "Write it like points=C-1001.")
        if name in values:
            usage_error(f"{name!r} is there twice.", "Leave one out.")
        removes = not text.strip() and name in person.identifiers
        if name != NAME and name not in profiles and not removes:
            usage_error(f"there is no profile {name!r}.", nearest(name, (NAME, *profiles)))
        try:
            values[name] = _checked(name, text, profiles)
        except ValueError as error:
            usage_error(f"{name}: {error}.")
    return values


def _checked(name: str, text: str, profiles: Mapping[str, Profile]) -> str:
    if name == NAME:
        return check_text(text)
    return check_identifier(text, profiles[name]) if text.strip() else ""


def _print(person: Person, session: Session, chosen: Globals, output: Format) -> None:
    _print_all([person], person.identifiers, session, chosen, output)


def _print_all(
    people: Iterable[Person],
    profiles: Collection[str],
    session: Session,
    chosen: Globals,
    output: Format,
) -> None:
    """Print people, with their profiles in the order of the profile file."""
    first = [name for name in session.config.profiles if name in profiles]
    ordered = [*first, *sorted(set(profiles) - set(first))]
    records = (
        PersonRecord(
            person=each.person,
            name=each.name,
            identifiers={
                name: each.identifiers[name] for name in ordered if name in each.identifiers
            },
            sandbox=chosen.sandbox,
        )
        for each in people
    )
    print_people(records, ordered, output)
