"""A requested debit, and the account at the platform that it debits."""

from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import quote, unquote_to_bytes, urlsplit

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal.entries import Key, Planned
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import ID, Debit, DebitProvider, Query, Request

NAMED = " account="
BY = " by="


class DebitOrder(Struct, frozen=True):
    """A requested debit, at a profile that allows it."""

    profile: Profile
    customer: str
    unit: str
    amount: int
    reference: str

    @property
    def key(self) -> Key:
        """The key that identifies the debit, whatever the name of the profile."""
        return Key(platform_of(self.profile), self.reference)

    @property
    def planned(self) -> Planned:
        """The debit as the journal records it first."""
        return Planned(
            key=self.key,
            profile=self.profile.name,
            provider=self.profile.provider.name,
            customer=self.customer,
            unit=self.unit,
            amount=self.amount,
            sandbox=self.profile.sandbox,
        )

    @property
    def query(self) -> Query:
        """The customer, as the profile names customers, at the profile's account."""
        return Query(self.customer, self.profile.settings, by=self.profile.by)

    @property
    def provider(self) -> DebitProvider:
        """The provider; it can debit."""
        provider = self.profile.provider
        assert isinstance(provider, DebitProvider)
        return provider


def debit_of(order: DebitOrder) -> Debit:
    """An order in the form that its provider gets, with the present time."""
    return Debit(order.customer, order.unit, order.amount, order.reference, datetime.now(UTC))


def request_of(order: DebitOrder) -> Request:
    """The request for an order, not signed; raise LoyaltyError if the provider fails to make it."""
    try:
        return order.provider.debit_request(order.query, debit_of(order))
    except LoyaltyError:
        raise
    except Exception as error:
        raise LoyaltyError(
            ErrorCode.SETUP,
            f"the provider {order.provider.name!r} has a defect: {type(error).__name__} while"
            f" making the request for the debit {order.reference!r}.",
            hint="Nothing was sent. Report it to the author of that provider.",
        ) from error


def platform_of(profile: Profile) -> str:
    """The account of a profile at its platform: provider, address, tenant, name.

    Different spellings of one address are equal, and so are all ports of the sandbox. A way to name
    customers is part of it: by another way, the same text may be another customer.
    """
    name = "" if profile.account is None else f"{NAMED}{profile.account}"
    return f"{unnamed_platform_of(profile)}{name}"


def unnamed_platform_of(profile: Profile) -> str:
    """The account of a profile without its `account:`."""
    way = "" if profile.by == ID else f"{BY}{profile.by}"
    return f"{address_of(profile)}{way}"


def address_of(profile: Profile) -> str:
    """Provider, address and tenant of a profile; the same for two shops at one address."""
    names = (setting.name for setting in profile.provider.settings if setting.required)
    tenant = "".join(f" {name}={profile.settings[name]}" for name in names)
    address = "sandbox" if profile.sandbox else _address(profile.base_url)
    return f"{profile.provider.name} {address}{tenant}"


def _address(base_url: str) -> str:
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}[scheme]
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = ip_address(host).exploded
    segments = (quote(unquote_to_bytes(each), safe="") for each in parts.path.split("/"))
    return f"{scheme}://{host}:{port}{'/'.join(segments).rstrip('/')}"
