"""Looking balances up: profile and customer in, a record out."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw, Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import LoyaltyError, nearest, usage_error
from loyalty_cli.model.records import Failure, Lookup, RawLookup
from loyalty_cli.model.strict_json import compact
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query


class Order(Struct, frozen=True):
    """One look-up that was asked for: what `check_customer` and `check_options` let through."""

    profile: Profile
    customer: str
    options: Mapping[str, str]
    raw: bool = False

    @property
    def query(self) -> Query:
        """What the provider is asked."""
        return Query(self.customer, self.profile.settings, self.options)


def check_options(profile: Profile, given: Mapping[str, str]) -> Mapping[str, str]:
    """Lay the command line's options over a profile's own; raise LoyaltyError for a wrong one."""
    known = {option.name: option for option in profile.provider.options}
    checked = {}
    for name, value in given.items():
        if name not in known:
            usage_error(
                f"{profile.provider.title} (profile {profile.name!r}) has no option {name!r}.",
                nearest(name, known),
            )
        try:
            checked[name] = known[name].check(value)
        except ValueError as error:
            usage_error(
                f"the option {name} {error}", f"`loyalty providers {profile.provider.name}`"
            )
    return {**profile.options, **checked}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Lookups:
    """Looks up orders; safe to use from several threads."""

    def __init__(
        self,
        platforms: PlatformClient,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._platforms = platforms
        self._now = now

    def look_up(self, order: Order) -> Lookup | RawLookup:
        """Look one order up; what goes wrong with it stands in the record's `error`."""
        make = RawLookup if order.raw else Lookup
        try:
            content = self._raw(order) if order.raw else self._normalized(order)
        except LoyaltyError as error:
            content = {"error": Failure.of(error)}
        return make(
            profile=order.profile.name,
            provider=order.profile.provider.name,
            customer=order.customer,
            sandbox=order.profile.sandbox,
            retrieved_at=self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            **content,
        )

    def _raw(self, order: Order) -> dict[str, Any]:
        answer = self._platforms.ask(order.profile, order.query)
        return {"raw": Raw(compact(answer.body))}

    def _normalized(self, order: Order) -> dict[str, Any]:
        reading = self._platforms.reading(order.profile, order.query)
        return {
            "balances": reading.balances,
            "details": None if reading.details is None else dict(reading.details),
            "warnings": reading.warnings,
        }
