"""Looks up a balance, and makes a record from the answer or the error."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw, Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import LoyaltyError, nearest, usage_error
from loyalty_cli.model.records import Failure, Lookup, RawLookup
from loyalty_cli.model.strict_json import compact
from loyalty_cli.model.tally import Record
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import ID, Query


class LookupTask(Struct, frozen=True):
    """One look-up to make; `check_customer` and `check_options` have checked it.

    `no_id` is why nothing can be asked: the customer is a person without an identifier there.
    """

    profile: Profile
    customer: str
    options: Mapping[str, str]
    by: str = ID
    raw: bool = False
    no_id: Failure | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The way to name the customer, and the options by name, as they are sent."""
        return {"by": self.by, **dict(sorted(self.options.items()))}

    def record(self, retrieved_at: str, **content: Any) -> Record:
        """The record of this look-up, with what came of it."""
        return (RawLookup if self.raw else Lookup)(
            profile=self.profile.name,
            provider=self.profile.provider.name,
            customer=self.customer,
            sandbox=self.profile.sandbox,
            asked=self.asked,
            retrieved_at=retrieved_at,
            **content,
        )


def check_options(profile: Profile, given: Mapping[str, str]) -> Mapping[str, str]:
    """The options of the profile, replaced by those of the command line; raises LoyaltyError."""
    provider = profile.provider
    known = {option.name: option for option in provider.options}
    checked = {}
    for name, value in given.items():
        if name not in known and name in {each.name for each in provider.profile_options()}:
            usage_error(
                f"the option {name} is for debits (profile {profile.name!r}).",
                f"Set it in the profile, with `options: {{{name}: …}}`.",
            )
        if name not in known:
            usage_error(
                f"{provider.title} (profile {profile.name!r}) has no option {name!r}.",
                nearest(name, known),
            )
        try:
            checked[name] = known[name].check(value)
        except ValueError as error:
            usage_error(f"the option {name} {error}.", f"See `loyalty providers {provider.name}`.")
    usual = {name: value for name, value in profile.options.items() if name in known}
    return {**usual, **checked}


class BalanceReader:
    """Looks up tasks; safe to use from several threads."""

    def __init__(
        self, platforms: PlatformClient, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._platforms = platforms
        self._now = now

    def look_up(self, task: LookupTask) -> Record:
        """Look up one balance; if that fails, the record has the `error`."""
        content = {"error": task.no_id} if task.no_id else self._content(task)
        return task.record(self._now().strftime("%Y-%m-%dT%H:%M:%SZ"), **content)

    def _content(self, task: LookupTask) -> dict[str, Any]:
        """What the platform says, or why it does not."""
        query = Query(task.customer, task.profile.settings, task.options, task.by)
        content: dict[str, Any]
        try:
            if task.raw:
                body, reading = self._platforms.raw(task.profile, query)
                content = {"raw": Raw(compact(body))}
            else:
                reading = self._platforms.reading(task.profile, query)
                content = {
                    "balances": reading.balances,
                    "details": None if reading.details is None else dict(reading.details),
                }
            if reading:
                content["platform_customer"] = reading.platform_customer
                content["warnings"] = reading.warnings
        except LoyaltyError as error:
            _let_go(error)
            return {"error": Failure.of(error)}
        return content


def _let_go(error: BaseException | None) -> None:
    """Let an error that is told hold no frames: theirs hold it, and garbage is rarely searched."""
    while error:
        error.__traceback__ = None
        error = error.__context__
