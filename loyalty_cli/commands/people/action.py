"""The actions of `loyalty people`."""

import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import NoReturn

from loyalty_cli.commands.confirm import confirmed, is_interactive
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.open_history import open_history
from loyalty_cli.commands.open_people import open_people
from loyalty_cli.commands.session import Session, open_session
from loyalty_cli.config.profile import Profile
from loyalty_cli.history.periods import Whose
from loyalty_cli.lists.delimiter import COMMA, check_delimiter
from loyalty_cli.lists.list_file import open_input
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, nearest, usage_error
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.model.records import PersonRecord
from loyalty_cli.output import messages
from loyalty_cli.output.format import Format
from loyalty_cli.output.people import print_people
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import require_stdout
from loyalty_cli.people.find import names_of, the_one
from loyalty_cli.people.keys import key_of
from loyalty_cli.people.people_file import read_people
from loyalty_cli.people.person import NAME, Person, check_identifier, check_text
from loyalty_cli.people.staging import StagedPeople
from loyalty_cli.people.store import MOST_FOUND, People
from loyalty_cli.providers.contract import ID


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
            _warn_of_shared(people, staged)
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
    """Change the person with a key, or add one by name and identifiers; print the result."""
    require_stdout()
    with open_session(chosen) as session:
        values = _values(changes, session.config.profiles)
        is_whole = bool(values.get(NAME)) and any(values[name] for name in values if name != NAME)
        with open_people(session, chosen, create=is_whole) as people:
            person = _find_or_new(people, key, values, session.config.profiles, is_whole=is_whole)
            assert people is not None
            for profile in values.keys() - {NAME, *session.config.profiles, *person.identifiers}:
                _refuse_profile(profile, session.config.profiles)
            name = values.pop(NAME, person.name) or None
            given = {profile: text for profile, text in values.items() if text}
            changed = Person(person.person, name, given)
            before = len(people)
            people.put([changed], values, has_name=True)
            _warn_of_shared(people, [changed])
            kept = {
                profile: text
                for profile, text in person.identifiers.items()
                if profile not in values
            }
            _print(Person(person.person, name, {**kept, **given}), session, chosen, output)
            if len(people) > before:
                messages.note(f"{changed} was added.")


def _find_or_new(
    people: People | None,
    key: str,
    values: Mapping[str, str],
    profiles: Collection[str],
    *,
    is_whole: bool,
) -> Person:
    """The person with a key; a new one if nobody has it, and there are a name and an identifier.

    If somebody has that name or identifier by another key, the key may be a slip: LoyaltyError.
    """
    try:
        return the_one(people, key)
    except LoyaltyError as error:
        if error.code is not ErrorCode.NOT_FOUND:
            raise
        if not is_whole or people is None:
            raise LoyaltyError(
                error.code, error.message, hint=_how_to_add(key, values, profiles)
            ) from None
    for text in filter(None, values.values()):
        for each in people.find(text):
            usage_error(
                f"there is nobody with the key {key!r}, but {each} has {text!r}.",
                "Use the key of that person. `loyalty people import FILE` adds somebody else.",
            )
    return Person(check_text(key), None, {})


def _how_to_add(key: str, values: Mapping[str, str], profiles: Collection[str]) -> str:
    """The command that adds a person, with the words in capitals to be filled in."""
    given = {name: text for name, text in values.items() if text}
    if not given.keys() - {NAME}:
        given[next(iter(profiles))] = "ID"
    pairs = [f"{name}={text}" for name, text in ({NAME: "NAME"} | given).items()]
    return f"To add the person: `{shlex.join(['loyalty', 'people', 'set', key, *pairs])}`."


def forget(chosen: Globals, key: str, *, yes: bool) -> int:
    """Delete the person with a key, and the history; ask before, unless `yes`.

    The history of an identifier that somebody else has, too, is theirs as well, and stays.
    """
    if not (yes or is_interactive()):
        usage_error("there is no terminal to ask on.", "Add --yes if you are sure.")
    with (
        _with_people(chosen) as (session, people),
        open_history(session, chosen) as history,
    ):
        person = the_one(people, key)
        assert people is not None
        theirs = history.known(person.identifiers) if history else {}
        others = _others_by_profile(people, person, theirs)
        own = [each for each in theirs.items() if each[0] not in others]
        if history:
            ways = _ways(person, session.config.profiles)
            own += _by_key(people, person, ways, history.by_other_ways())
        too = f", with the history of {_listed(own)}" if own else ""
        for name, who in others.items():
            messages.note(f"The history of {_listed([(name, theirs[name])])} is kept for {who}.")
        if not yes and not confirmed(f"Forget {person}{too}?"):
            messages.note("Nobody was forgotten.")
            return ExitCode.REFUSED
        if history:  # first: if it fails, the person can still be found, and forgotten
            history.forget(own)
        people.forget(person)
    messages.note(f"{person} was forgotten{too}.")
    return ExitCode.OK


def _others_by_profile(
    people: People, person: Person, identifiers: Mapping[str, str]
) -> dict[str, str]:
    """Who else has such an identifier, letter for letter, by its profile."""
    found = {}
    for shared in people.shared([Person(person.person, None, identifiers)]):
        others = [
            each
            for each in shared.people
            if each.person != person.person
            and each.identifiers[shared.profile] == identifiers[shared.profile]
        ]
        if others:
            found[shared.profile] = names_of(others)
    return found


def _ways(person: Person, profiles: Mapping[str, Profile]) -> set[tuple[str, str]]:
    """The keys that are the person's at every profile, each with a way other than the id."""
    return {
        (profiles[name].by, key_of(text))
        for name, text in person.identifiers.items()
        if name in profiles and profiles[name].by != ID
    }


def _by_key(
    people: People, person: Person, ways: Collection[tuple[str, str]], known: Iterable[Whose]
) -> list[tuple[str, str]]:
    """Those of these look-ups that were by a key of this person and of nobody else."""
    own = key_of(person.person)
    return [
        (each.profile, each.customer)
        for each in known
        if (key := key_of(each.customer)) == own or (each.by, key) in ways
        if all(other.person == person.person for other in people.find(key))
    ]


def _listed(identifiers: Iterable[tuple[str, str]]) -> str:
    each_once = dict.fromkeys(identifiers)
    return ", ".join(f"{identifier} at {profile}" for profile, identifier in each_once)


def _warn_of_shared(people: People, changed: Iterable[Person]) -> None:
    """Say which identifiers several people have: as a key, they find nobody."""
    found = list(islice(people.shared(changed), MOST_FOUND + 1))
    for each in found[:MOST_FOUND]:
        identifier = each.people[0].identifiers[each.profile]
        messages.warning(
            f"{identifier} at {each.profile} is on file for several people:"
            f" {names_of(each.people)}. `-P {shlex.quote(identifier)}` is refused therefore."
        )
    if len(found) > MOST_FOUND:
        messages.warning("More identifiers are on file for several people.")


def export(chosen: Globals, output: Format) -> None:
    """Print everybody."""
    require_stdout()
    with _with_people(chosen) as (session, people):
        known = [] if people is None else people.profiles()
        _print_all(people or (), known, session, chosen, output)
        if not people:
            messages.note("nobody is on file. `loyalty people import FILE` adds people.")


@contextmanager
def _with_people(chosen: Globals) -> Iterator[tuple[Session, People | None]]:
    with open_session(chosen) as session, open_people(session, chosen) as people:
        yield session, people


def _values(changes: Sequence[str], profiles: Mapping[str, Profile]) -> dict[str, str]:
    """What the command line gives by name, checked; of a profile that is no more, only nothing."""
    values: dict[str, str] = {}
    for pair in changes:
        name, equals, text = pair.partition("=")
        if not equals:
            usage_error(f"{pair!r} is not PROFILE=ID.", "Write it like points=C-1001.")
        if name in values:
            usage_error(f"{name!r} is there twice.", "Leave one out.")
        if text.strip() and name not in (NAME, *profiles):
            _refuse_profile(name, profiles)
        if text.strip() == ("NAME" if name == NAME else "ID"):
            usage_error(
                f"{pair!r} was copied as it stood.", f"Write what it stands for after {name}=."
            )
        try:
            values[name] = _checked(name, text, profiles)
        except ValueError as error:
            usage_error(f"{name}: {error}.")
    return values


def _refuse_profile(name: str, profiles: Collection[str]) -> NoReturn:
    usage_error(f"there is no profile {name!r}.", nearest(name, (NAME, *profiles)))


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
