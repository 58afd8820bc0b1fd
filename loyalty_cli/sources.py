"""What is said of a profile without asking its platform: where its credentials would come from."""

from loyalty_cli.config.load import Config
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.sources import CredentialSource
from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.model.records import CredentialRecord, Failure, ProfileRecord


def profile_record(
    profile: Profile, config: Config, credentials: CredentialSource
) -> ProfileRecord:
    """Describe a profile; a source that cannot be read is told, not raised."""
    return ProfileRecord(
        profile=profile.name,
        provider=profile.provider.name,
        base_url=profile.base_url,
        auth=profile.auth.name,
        default=profile.name == config.default_profile,
        sandbox=profile.sandbox,
        credentials=tuple(_credential(profile, name, credentials) for name in profile.auth.fields),
    )


def _credential(profile: Profile, name: str, credentials: CredentialSource) -> CredentialRecord:
    try:
        found = credentials.find(profile, name)
    except LoyaltyError as error:
        return CredentialRecord(field=name, error=Failure.of(error))
    return CredentialRecord(field=name, source=found.source if found else None)
