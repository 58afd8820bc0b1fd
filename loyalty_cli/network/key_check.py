"""Asks a platform whether it takes a profile's credentials, by a look-up: nothing is changed."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, usage_error
from loyalty_cli.network.answers import PerhapsWrongAddressError
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import ID, Auth, Query
from loyalty_cli.providers.ways import wrong_for

NOT_ASKED = frozenset({ErrorCode.CREDENTIAL_MISSING, ErrorCode.CREDENTIAL_UNREADABLE})


class KeyCheck(Struct, frozen=True):
    """Whether a platform takes the credentials; `error` is why they are refused, or it is unclear.

    The error of a refusal has the code `credential_refused`.
    """

    result: Literal["accepted", "refused", "unclear"]
    error: LoyaltyError | None = None


ACCEPTED = KeyCheck("accepted")
NO_SIGN_IN = Auth("none", (), lambda _: {})


def query_for_check(profile: Profile, customer: str | None) -> Query:
    """Whom to ask for: a customer, by the profile's way, or an id that no customer has.

    Raises LoyaltyError if there can be no such customer.
    """
    if customer is None:
        return Query(profile.provider.impossible_customer, profile.settings)
    if why := wrong_for(profile.provider, profile.by, check_customer(customer)):
        usage_error(why)
    return Query(customer, profile.settings, by=profile.by)


def check_key(platforms: PlatformClient, profile: Profile, customer: str | None = None) -> KeyCheck:
    """Look up a customer, by the profile's way, or an id that no customer has.

    They are accepted if there is a balance, or if the platform itself says that there is no such
    customer. An answer that may mean that, or a wrong address, counts if the same look-up without
    credentials is refused. Raises LoyaltyError, and asks nothing, if a credential is missing or
    cannot be read, or if there can be no such customer. `platforms` must not keep access tokens: a
    kept one says nothing about the credentials.
    """
    query = query_for_check(profile, customer)
    if customer is None and (unclear := _needs_customer(profile)):
        platforms.require_credentials(profile)
        return KeyCheck("unclear", unclear)
    try:
        platforms.reading(profile, query)
    except LoyaltyError as error:
        if error.code in NOT_ASKED:
            raise
        if error.code == ErrorCode.CREDENTIAL_REFUSED:
            return KeyCheck("refused", error)
        doubtful = isinstance(error, PerhapsWrongAddressError)
        if error.code != ErrorCode.NOT_FOUND or (
            doubtful and not _refuses_strangers(platforms, profile, query)
        ):
            return KeyCheck("unclear", error)
    return ACCEPTED


def _refuses_strangers(platforms: PlatformClient, profile: Profile, query: Query) -> bool:
    """Whether a look-up without credentials is refused, so that they matter at this address."""
    try:
        platforms.reading(replace(profile, auth=NO_SIGN_IN), query)
    except LoyaltyError as error:
        return error.code == ErrorCode.CREDENTIAL_REFUSED
    return False


def _needs_customer(profile: Profile) -> LoyaltyError | None:
    """Why only a real customer shows whether the credentials are taken; None if any id does."""
    provider = profile.provider
    if profile.auth.for_one_customer:
        why = f"{provider.title} takes {', '.join(profile.auth.fields)} only for its own customer"
    elif wrong := wrong_for(provider, ID, provider.impossible_customer):
        why = wrong.rstrip(".")
    else:
        return None
    hint = f"Look its customer up: `loyalty balance CUSTOMER -p {profile.name}`."
    return LoyaltyError(ErrorCode.USAGE, f"{why}.", hint=hint)
