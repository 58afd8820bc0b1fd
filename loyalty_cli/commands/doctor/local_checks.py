"""Checks of this machine: the profile file, the keyring, credentials, and what is kept."""

import os
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from loyalty_cli.commands.doctor.examined import Examined
from loyalty_cli.commands.doctor.finding import Finding, broken, doubt, ok, warning
from loyalty_cli.commands.people_place import people_place
from loyalty_cli.config.mistakes import mistakes_in
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.keyring_store import KeyringError, NoKeyringError, service
from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.open import open_database
from loyalty_cli.debits.journal.database import refuse
from loyalty_cli.debits.journal.health import counts_of, open_gap
from loyalty_cli.debits.journal.last_backup import last_backup
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.text import shown
from loyalty_cli.history.store import SCHEMA as HISTORY
from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, nearest
from loyalty_cli.people.store import SCHEMA as PEOPLE
from loyalty_cli.people.store import People

SLOW_KEYRING_SECONDS = 2.0
NO_ENTRY = "doctor"
"""An entry of the keyring that nobody has: asking for it takes as long as for a credential."""


def profile_file(examined: Examined) -> Iterator[Finding]:
    """The profile file: its place, mode and mistakes, and the default profile."""
    check, config = "profile file", examined.session.config
    if examined.chosen.sandbox:
        yield ok(check, f"not used: the sandbox has {len(config.profiles)} profiles of its own")
        return
    if examined.mistake:
        for mistake in (examined.path and mistakes_in(examined.path)) or [examined.mistake]:
            mistake.hint = mistake.hint or "Correct it; `loyalty config example` shows every key."
            yield broken(check, mistake)
    elif examined.path:
        number = len(config.profiles)
        yield ok(check, f"{_with_mode(examined.path)}, {number} profile{'s' * (number != 1)}")
    for told in config.warnings:
        yield warning(check, told)
    named = os.environ.get("LOYALTY_PROFILE")
    if named and named not in config.profiles and not examined.mistake:
        error = LoyaltyError(
            ErrorCode.SETUP,
            f"LOYALTY_PROFILE names the profile {named!r}, which is not in {config.origin}.",
            hint=nearest(named, config.profiles),
        )
        yield broken("default profile", error)


def keyring(examined: Examined) -> Iterator[Finding]:
    """The keyring: its backend, and how long it takes to answer."""
    if examined.chosen.sandbox:
        return
    check, store = "keyring", examined.session.keyring
    began = time.monotonic()
    try:
        store.get(service(NO_ENTRY), NO_ENTRY)
        took = time.monotonic() - began
        backend, is_plaintext = store.backend_name(), store.is_plaintext()
    except NoKeyringError:
        yield ok(check, "there is none on this system: credentials come from elsewhere")
        return
    except KeyringError as error:
        hint = "Unlock or repair it; credentials in the environment or in files do not need it."
        yield warning(check, str(error), hint)
        return
    answers = f"{backend} answers after {took:.2f} s"
    if is_plaintext:
        hint = "Use a keyring that encrypts."
        yield warning(check, f"{answers}, and keeps secrets unencrypted in a file", hint)
    elif took > SLOW_KEYRING_SECONDS:
        yield warning(check, answers, "A job gives up after 5 s: use the environment or files.")
    else:
        yield ok(check, answers)


def credentials(examined: Examined) -> Iterator[Finding]:
    """The source of each credential, never its value."""
    for profile in examined.profiles:
        for name in profile.auth.fields:
            check = f"credential {profile.name}.{name}"
            try:
                found = examined.session.credentials.find(profile, name)
            except LoyaltyError as error:
                yield broken(check, error)
                continue
            if found is None:
                yield broken(check, _missing(profile, name))
                continue
            examined.found.keep(profile, name, found)
            yield ok(check, found.source)
            while examined.warnings:
                yield warning(check, examined.warnings.pop(0))


def journal(examined: Examined) -> Iterator[Finding]:
    """The journal: its place and mode, and what is unknown in it; without one, nothing is made."""
    check, config = "journal", examined.session.config
    debiting = [profile.name for profile in examined.profiles if profile.debit.allow]
    place = config.journal_place
    if isinstance(place, Path) and not os.path.lexists(place):
        if debiting and not examined.chosen.sandbox:
            what = f"{place} does not exist, and {', '.join(debiting)} may debit"
            yield warning(check, what, "Run `loyalty journal init` before the first debit.")
        else:
            yield ok(check, f"{place} does not exist: nothing was debited from here")
        return
    try:
        with closing(open_journal(place)) as opened:
            database = opened.database
            if faults := database.faults():
                hint = "Restore a backup: `loyalty journal restore FILE`."
                refuse(f"the journal {database.place} is damaged: {faults[0]}.", hint)
            counts, gap = counts_of(database), open_gap(database)
            told = database.warnings
    except LoyaltyError as error:
        yield broken(check, error) if debiting else doubt(check, error)
        return
    unknown, debits = counts["unknown"], sum(counts.values())
    where = _with_mode(place) if isinstance(place, Path) else database.place
    what = f"{where}, {debits} debit{'s' * (debits != 1)}, {unknown} unknown, {_backup_of(place)}"
    if unknown:
        yield warning(check, what, "Run `loyalty journal reconcile`.")
    else:
        yield ok(check, what)
    if gap:
        what = f"debits since {shown(gap.since)} may be missing: {gap.why}"
        yield warning(check, what, "`loyalty journal restore --reviewed` records that you checked.")
    for each in told:
        yield warning(check, each)


def _backup_of(place: Path | str) -> str:
    if not isinstance(place, Path):
        return "backed up by its server"
    made = last_backup(place)
    return f"backed up at {made.at} as {made.file}" if made else "no backup is known"


def people(examined: Examined) -> Iterator[Finding]:
    """The people: the place and mode of their database, and how many there are."""
    yield from _customer_data(examined, PEOPLE)


def history(examined: Examined) -> Iterator[Finding]:
    """The history: the place and mode of its database, and whether look-ups are kept."""
    yield from _customer_data(examined, HISTORY)


def _customer_data(examined: Examined, schema: Schema) -> Iterator[Finding]:
    place = people_place(examined.session, examined.chosen)
    kept = "look-ups are kept" if examined.session.config.history else "look-ups are not kept"
    database = open_database(place, schema, create=False)
    if database is None:
        none = "nobody is in it yet" if schema is PEOPLE else f"none yet, and {kept}"
        yield ok(schema.name, f"{place}: {none}")
        return
    with closing(database):
        content = f"on file: {_number_of_people(database)}" if schema is PEOPLE else kept
        where = _with_mode(place) if isinstance(place, Path) else database.place
        yield ok(schema.name, f"{where}, {content}")
        for each in database.warnings:
            yield warning(schema.name, each)


def _number_of_people(database: CustomerData) -> int:
    return len(People(database))


def _missing(profile: Profile, name: str) -> LoyaltyError:
    variable = environment_name(profile.name, name)
    hint = f"Run `loyalty login {profile.name}`, or set {variable}."
    return LoyaltyError(ErrorCode.CREDENTIAL_MISSING, "no source has it.", hint=hint)


def _with_mode(path: Path) -> str:
    return f"{path}, mode {stat.S_IMODE(path.stat().st_mode):o}"
