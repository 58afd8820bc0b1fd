"""Checks of the way to the platforms: certificates, proxy, address, clock, credentials."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from loyalty_cli.commands.doctor.examined import Examined
from loyalty_cli.commands.doctor.finding import Finding, broken, ok, warning
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.key_check import check_key
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.proxies import proxy_for, without_user
from loyalty_cli.network.reachability import Reached, reach
from loyalty_cli.network.tls import bundle_of, trusted
from loyalty_cli.output.waiting import LINE

CLOCK_SECONDS = 60.0
"""How wrong a clock may be: signatures and times of debits are compared with the platform's."""

NO_PROOF = frozenset(
    {ErrorCode.USAGE, ErrorCode.NOT_FOUND, ErrorCode.REFUSED, ErrorCode.WRONG_CUSTOMER}
)
"""Errors of the question whether credentials are taken that a real look-up need not have."""


def certificates(examined: Examined) -> Iterator[Finding]:
    """The certificate authorities that are trusted."""
    bundles = {each.ca_bundle for each in examined.profiles if _is_https(each)} or {None}
    for bundle in sorted(bundles, key=str):
        check = f"certificates {bundle}" if bundle else "certificates"
        try:
            trusted(bundle)
        except LoyaltyError as error:
            yield broken(check, error)
            continue
        named = bundle_of(bundle)
        yield ok(check, f"{named[0]} ({named[1]})" if named else "those of the system")


def proxy(examined: Examined) -> Iterator[Finding]:
    """The proxy on the way to each host, without its password."""
    used: dict[str, str] = {}
    for profile in examined.profiles:
        host = profile.host
        try:
            if found := proxy_for(profile.base_url):
                used[host] = without_user(found)
        except LoyaltyError as error:
            yield broken(f"proxy {host}", error)
            used[host] = ""
    for host, found in used.items():
        if found:
            yield ok(f"proxy {host}", found)
    if not used:
        yield ok("proxy", "none is used")


def platform(examined: Examined, profiles: Sequence[Profile]) -> Iterator[Finding]:
    """An address, asked once for all its profiles: whether it answers, and takes their keys."""
    first = profiles[0]
    check = f"base URL {first.base_url}"
    try:
        with LINE.on(first.provider.title):
            reached = reach(examined.http, first)
    except LoyaltyError as error:
        yield broken(check, error)
        for profile in profiles:
            yield warning(f"key {profile.name}", "not checked: its base URL cannot be reached")
        return
    yield _answered(check, reached)
    yield _clock(f"clock {first.host}", reached)
    tokens = AccessTokens(None)
    platforms = PlatformClient(examined.http, examined.found, tokens, waiting=LINE.on)
    for profile in profiles:
        if examined.found.has_all(profile):
            yield _key(platforms, profile)


def _answered(check: str, reached: Reached) -> Finding:
    what = f"{reached.through} answers HTTP {reached.status} after {reached.seconds:.2f} s"
    if reached.status >= 500:
        return warning(check, what, "The platform, or a proxy before it, has a problem.")
    return ok(check, what)


def _clock(check: str, reached: Reached) -> Finding:
    if reached.clock is None:
        return ok(check, "the platform does not say what time it is")
    off = abs(reached.clock)
    ahead = "behind" if reached.clock > 0 else "ahead of"
    if off <= CLOCK_SECONDS:
        return ok(check, "the same time as the platform's")
    what = f"this machine's clock is {off:.0f} s {ahead} the platform's"
    return warning(check, what, "Set the clock: signed requests and debits need the right time.")


def _key(platforms: PlatformClient, profile: Profile) -> Finding:
    check = f"key {profile.name}"
    try:
        result = check_key(platforms, profile)
    except LoyaltyError as error:
        return broken(check, error)
    if result.error is None:
        return ok(check, f"{profile.provider.title} takes the credentials")
    if result.error.code in NO_PROOF:
        hint = f"Look a customer up: `loyalty balance CUSTOMER -p {profile.name}`."
        return warning(check, f"it is unclear whether they are taken: {result.error.message}", hint)
    return broken(check, result.error)


def _is_https(profile: Profile) -> bool:
    return urlsplit(profile.base_url).scheme == "https"
