"""How profiles are shown: each credential with its source, never its value."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.records import CredentialRecord, ProfileRecord
from loyalty_cli.output.csv_text import Cell as CsvCell
from loyalty_cli.output.document import View

if TYPE_CHECKING:
    from loyalty_cli.output.table import Column, Group


def _profile_rows(profile: ProfileRecord) -> Iterator[list[CsvCell]]:
    for credential in profile.credentials:
        yield [
            profile.profile,
            profile.default,
            profile.provider,
            profile.base_url,
            profile.auth,
            credential.field,
            _source(profile, credential),
        ]


def _source(profile: ProfileRecord, credential: CredentialRecord) -> str:
    if credential.error:
        return f"cannot be read: {credential.error.message}"
    return credential.source or f"missing: {environment_name(profile.profile, credential.field)}"


def _profiles_table(
    profiles: Sequence[ProfileRecord],
) -> "tuple[Sequence[Column], Sequence[Group]]":
    from loyalty_cli.output.table import Cell, Column, Group

    shared = ("Profile", "Provider", "Base URL", "Sign-in")
    columns = [Column(each, once=True) for each in shared] + [
        Column("Credential"),
        Column("Source"),
    ]
    groups = []
    for profile in profiles:
        name = f"{profile.profile} (default)" if profile.default else profile.profile
        who = [name, profile.provider, profile.base_url, profile.auth]
        rows = [[*who, each.field, _source(profile, each)] for each in profile.credentials]
        groups.append(Group([[Cell(text) for text in row] for row in rows]))
    return columns, groups


PROFILES = View[ProfileRecord](
    ("profile", "default", "provider", "base_url", "auth", "credential", "source"),
    _profile_rows,
    _profiles_table,
)
