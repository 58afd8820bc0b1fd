"""A profile: one account at one platform, and how to reach it."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from loyalty_cli.providers.contract import ID, Auth, Provider

DEFAULT_TIMEOUT = 10.0
DEFAULT_SETTLE = 900.0


class DebitRules(Struct, frozen=True):
    """The rules for debits of a profile: no debits without `allow`; amounts are in `unit`.

    `max_amount` limits one debit, `max_total` one run, and `max_total_per_day` all runs together
    in 24 hours. After `settle` seconds a request can no longer arrive at the platform. For
    `resend_for` seconds an unknown debit may be sent again, if the platform makes a repeated
    debit only once.
    """

    allow: bool = False
    unit: str | None = None
    max_amount: int | None = None
    max_total: int | None = None
    max_total_per_day: int | None = None
    settle: float = DEFAULT_SETTLE
    resend_for: float = 86400.0


class Profile(Struct, frozen=True):
    """A name, the provider and sign-in behind it, and its settings.

    `timeout` is in seconds, `rate` in requests a second; None means the published limits.
    `by` is how customers are named if a command does not say it. `account` is the same in all
    profiles that may debit the same account at the platform.
    """

    name: str
    provider: Provider
    auth: Auth
    base_url: str
    settings: Mapping[str, str] = {}
    options: Mapping[str, str] = {}
    by: str = ID
    timeout: float = DEFAULT_TIMEOUT
    rate: float | None = None
    ca_bundle: Path | None = None
    account: str | None = None
    debit: DebitRules = DebitRules()
    sandbox: bool = False

    @property
    def host(self) -> str:
        """The host of the base URL, with its port if it names one."""
        return urlsplit(self.base_url).netloc


def _positive(text: str, most: float, unit: str = "seconds") -> float:
    """Read a number of a unit; raises ValueError."""
    try:
        # float() also accepts 1_0, and digits of other scripts.
        number = float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        raise ValueError(f"must be a number of {unit}, not {text[:40]!r}") from None
    if not 0 < number <= most:
        raise ValueError(f"must be more than 0 and at most {most:.0f} {unit}")
    return number


check_timeout = partial(_positive, most=3600.0)
check_settle = partial(_positive, most=86400.0)
check_resend_for = partial(_positive, most=30 * 86400.0)
check_rate = partial(_positive, most=10_000.0, unit="requests a second")
