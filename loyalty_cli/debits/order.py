"""A debit that was asked for, and the account at the platform that it is made at."""

from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import quote, unquote_to_bytes, urlsplit

from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.debits.journal.entries import Entry, Key, Planned
from loyalty_cli.providers.contract import Debit, DebitProvider, Query, Request

NAMED = " account="


class DebitOrder(Struct, frozen=True):
    """A debit that was asked for, at a profile that allows it."""

    profile: Profile
    customer: str
    unit: str
    amount: int
    reference: str

    @property
    def key(self) -> Key:
        """What makes it the same debit, whatever the profile is called."""
        return Key(platform_of(self.profile), self.reference)

    @property
    def planned(self) -> Planned:
        """The debit as it is written down first."""
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
    def provider(self) -> DebitProvider:
        """The provider, which can debit."""
        provider = self.profile.provider
        assert isinstance(provider, DebitProvider)
        return provider


def order_again(profile: Profile, entry: Entry) -> DebitOrder:
    """The order that a debit on record was."""
    return DebitOrder(profile, entry.customer, entry.unit, entry.amount, entry.key.reference)


def debit_of(order: DebitOrder) -> Debit:
    """An order as its provider gets it, made now."""
    return Debit(order.customer, order.unit, order.amount, order.reference, datetime.now(UTC))


def request_of(order: DebitOrder) -> Request:
    """The request that an order becomes, not signed."""
    query = Query(order.customer, order.profile.settings)
    return order.provider.debit_request(query, debit_of(order))


def platform_of(profile: Profile) -> str:
    """The account at the provider that a profile stands for: provider, address, tenant, name.

    However the address is spelt it is the same; the sandbox's is, on whatever port it answers.
    """
    name = "" if profile.account is None else f"{NAMED}{profile.account}"
    return f"{unnamed_platform_of(profile)}{name}"


def unnamed_platform_of(profile: Profile) -> str:
    """The same without the account's name: what two shops at one address have in common."""
    names = (setting.name for setting in profile.provider.settings if setting.required)
    tenant = "".join(f" {name}={profile.settings[name]}" for name in names)
    address = "sandbox" if profile.sandbox else _address(profile.base_url)
    return f"{profile.provider.name} {address}{tenant}"


def unnamed(platform: str) -> str:
    """A platform on record without the account's name."""
    return platform.partition(NAMED)[0]


def _address(base_url: str) -> str:
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    port = parts.port or {"https": 443, "http": 80}[scheme]
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = ip_address(host).exploded
    segments = (quote(unquote_to_bytes(each), safe="") for each in parts.path.split("/"))
    return f"{scheme}://{host}:{port}{'/'.join(segments).rstrip('/')}"
