"""The people whom a command line or a list names, and their identifiers."""

from contextlib import ExitStack
from functools import cached_property, lru_cache
from shlex import quote
from typing import TYPE_CHECKING

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.output import messages

if TYPE_CHECKING:
    from loyalty_cli.people.person import Person
    from loyalty_cli.people.store import People


class NamedPeople:
    """The people on file; their database is opened for the first one who is named."""

    def __init__(self, session: Session, chosen: Globals) -> None:
        self._session = session
        self._chosen = chosen
        self._stack = ExitStack()
        self.find = lru_cache(maxsize=1)(self._find)  # a list asks for it at each profile

    def close(self) -> None:
        """Close the database, if it was opened."""
        self._stack.close()

    def identifier(self, key: str, profile: Profile) -> str:
        """A person's identifier at a profile; raise LoyaltyError if there is none, as `find`."""
        from loyalty_cli.people.find import no_id

        identifier = self.find(key).identifiers.get(profile.name)
        if identifier is None:
            raise no_id(key, profile.name)
        return identifier

    def has(self, text: str) -> bool:
        """Whether a text is the key of a person on file, or of several."""
        try:
            self.find(text)
        except LoyaltyError as error:
            return error.code is ErrorCode.USAGE
        return True

    @cached_property
    def _people(self) -> "People | None":
        from loyalty_cli.commands.open_people import open_people

        return self._stack.enter_context(open_people(self._session, self._chosen))

    def _find(self, key: str) -> "Person":
        """The person with a key; raise LoyaltyError for nobody, or several."""
        from loyalty_cli.people.find import the_one

        return the_one(self._people, key)


def note_person(key: str) -> None:
    """Say that what was taken for a customer is the key of a person."""
    messages.note(f"{key!r} is a person on file: use -P {quote(key)}.")
