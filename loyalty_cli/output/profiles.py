"""How profiles are shown: each credential with its source, never its value."""

from collections.abc import Iterator

from loyalty_cli.model.environment_name import environment_name
from loyalty_cli.model.records import CredentialRecord, ProfileRecord
from loyalty_cli.output.view import Column, Group, View, texts


def _profile_rows(profile: ProfileRecord) -> Iterator[list[str | bool]]:
    for credential in profile.credentials:
        yield [
            *(profile.profile, profile.default, profile.provider, profile.base_url, profile.auth),
            *(credential.field, _source(profile, credential)),
        ]


def _source(profile: ProfileRecord, credential: CredentialRecord) -> str:
    if credential.error:
        return f"cannot be read: {credential.error.message}"
    return credential.source or f"missing: {environment_name(profile.profile, credential.field)}"


def _group(profile: ProfileRecord) -> Group:
    mark = " (default)" if profile.default else ""
    heading = [f"{profile.profile}{mark}", profile.provider, profile.base_url, profile.auth]
    rows = [texts((each.field, _source(profile, each))) for each in profile.credentials]
    return Group(texts(heading), rows)


PROFILES = View[ProfileRecord](
    ("profile", "default", "provider", "base_url", "auth", "credential", "source"),
    _profile_rows,
    (
        *(Column("Profile", above=1), Column("Provider", above=2)),
        *(Column("Base URL", above=3), Column("Sign-in", above=4)),
        *(Column("Credential"), Column("Source")),
    ),
    _group,
)
