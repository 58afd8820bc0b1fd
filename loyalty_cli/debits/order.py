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
        """The customer, as the profile names customers, and the options that debits have."""
        profile, known = self.profile, self.provider.debit_options
        options = {
            each.name: profile.options[each.name] for each in known if each.name in profile.options
        }
        return Query(self.customer, profile.settings, options, profile.by)

    @property
    def asked(self) -> dict[str, str]:
        """The options that choose the balance which is debited."""
        known = {option.name for option in self.provider.options}
        return {name: value for name, value in self.query.options.items() if name in known}

    @property
    def provider(self) -> DebitProvider:
        """The provider; it can debit."""
        provider = self.profile.provider
        assert isinstance(provider, DebitProvider)
        return provider


def debit_of(order: DebitOrder, failures: int = 0, at: datetime | None = None) -> Debit:
    """An order in the form that its provider gets; `at` is the present time if it is None."""
    return Debit(
        order.customer,
        order.unit,
        order.amount,
        order.reference,
        at or datetime.now(UTC),
        failures,
    )


def request_of(order: DebitOrder, debit: Debit) -> Request:
    """The request for a debit, to show it; raise LoyaltyError if the provider fails to make it."""
    try:
        return order.provider.debit_request(order.query, debit)
    except LoyaltyError:
        raise
    except Exception as error:
        raise defect(order, error) from error


def defect(order: DebitOrder, error: Exception) -> LoyaltyError:
    """The error for a provider that fails to make the request of a debit."""
    return LoyaltyError(
        ErrorCode.SETUP,
        f"the provider {order.provider.name!r} has a defect: {type(error).__name__} while"
        f" making the request for the debit {order.reference!r}.",
        hint="Nothing was sent. Report it to the author of that provider.",
    )


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
