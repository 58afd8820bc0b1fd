"""How profiles are shown: each credential with its source, never its value."""

from collections.abc import Iterable, Iterator

from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.records import CredentialRecord, ProfileRecord
from loyalty_cli.output import messages
from loyalty_cli.output.csv_text import CsvCell
from loyalty_cli.output.view import Column, Group, Note, View, texts


def _profile_rows(profile: ProfileRecord) -> Iterator[list[CsvCell]]:
    for credential in profile.credentials:
        yield [
            *(profile.profile, profile.default, profile.provider, profile.base_url, profile.auth),
            *(credential.field, _source(profile, credential)),
            *(_result(profile), _why(profile)),
        ]


def _source(profile: ProfileRecord, credential: CredentialRecord) -> str:
    if credential.error:
        return f"cannot be read: {credential.error.message}"
    return credential.source or f"missing: {environment_name(profile.profile, credential.field)}"


def _group(profile: ProfileRecord) -> Group:
    mark = " (default)" if profile.default else ""
    heading = [f"{profile.profile}{mark}", profile.provider, profile.base_url, profile.auth]
    check = _result(profile)
    rows = [texts((each.field, _source(profile, each))) for each in profile.credentials]
    why = _why(profile)
    notes = [Note(f"{why} {_hint(profile)}".strip(), is_error=True)] if why else []
    return Group(texts((*heading, check and check.replace("_", " "))), rows, notes)


def _result(profile: ProfileRecord) -> str | None:
    return profile.check.result if profile.check else None


def _why(profile: ProfileRecord) -> str | None:
    """Why it is not certain that the platform takes the credentials."""
    return profile.check.error.message if profile.check and profile.check.error else None


def _hint(profile: ProfileRecord) -> str:
    return (profile.check and profile.check.error and profile.check.error.hint) or ""


def tell_failures(profiles: Iterable[ProfileRecord]) -> None:
    """Say on stderr of which profiles it is not certain that the platform takes the credentials."""
    messages.failures(
        messages.Failed(each.check.error, each.profile, each.profile)
        for each in profiles
        if each.check and each.check.error
    )


PROFILES = View[ProfileRecord](
    ("profile", "default", "provider", "base_url", "auth", "credential", "source", "check", "why"),
    _profile_rows,
    (
        *(Column("Profile", above=1), Column("Provider", above=2)),
        *(Column("Base URL", above=3), Column("Sign-in", above=4), Column("Check", above=5)),
        *(Column("Credential"), Column("Source")),
    ),
    _group,
)
