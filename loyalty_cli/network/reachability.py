"""Whether a platform's address answers at all, step by step: DNS, TCP, TLS, HTTP."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from msgspec import Struct

from loyalty_cli.config.base_url import is_loopback
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.connections import PORTS, addresses, connect
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.failures import FAILURES
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.proxies import proxy_for, without_user
from loyalty_cli.providers.contract import Answer


class Reached(Struct, frozen=True):
    """An answer: the address or the proxy that gave it, its status, and after how many seconds.

    `clock` is by how many seconds the platform's clock is ahead of ours; None if it does not say.
    """

    through: str
    status: int
    seconds: float
    clock: float | None


def reach(http: HttpClient, profile: Profile) -> Reached:
    """Ask for the base URL itself, without credentials; any answer means that it is reached.

    Raises LoyaltyError, which says at which step there was no way on.
    """
    deadline = Deadline(profile.timeout)
    through = _way_to(profile, deadline)
    began = time.monotonic()
    try:
        answer = http.knock(profile, deadline)
    except LoyaltyError as error:
        step = "TLS" if error.code is ErrorCode.TLS_FAILED else "HTTP"
        error.message = f"{step}: {error.message}"
        raise
    return Reached(through, answer.status, time.monotonic() - began, ahead(answer, time.time()))


def ahead(answer: Answer, now: float) -> float | None:
    """By how many seconds the clock in an answer is ahead of `now`; None if it has none."""
    try:
        date: datetime = parsedate_to_datetime(answer.headers["date"])
        since = date if date.tzinfo else date.replace(tzinfo=UTC)
        return since.timestamp() + int(answer.headers.get("age", "0")) - now  # age: in a cache
    except (KeyError, ValueError, OverflowError):
        return None


def _way_to(profile: Profile, deadline: Deadline) -> str:
    """The address that takes a connection, or the proxy; raise LoyaltyError if none does."""
    if proxy := proxy_for(profile.base_url):
        return f"the proxy {without_user(proxy)}"
    parts = urlsplit(profile.base_url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    step = "DNS"
    try:
        addresses(host, port, deadline.remaining())
        step = "TCP"
        with connect(host, port, deadline.remaining) as sock:
            return str(sock.getpeername()[0])
    except TimeoutError:
        code, why = ErrorCode.TIMED_OUT, f"no answer within {profile.timeout:g} s"
    except FAILURES as error:
        code, why = ErrorCode.UNREACHABLE, getattr(error, "strerror", None) or "it failed"
    what = f"the name {host} is not found" if step == "DNS" else f"no connection to {host}:{port}"
    hint = f"Check base_url of the profile {profile.name!r}, and "
    if is_loopback(host):
        hint += "whether the program there runs."
    else:
        hint += "this machine's network. Behind a company proxy, set HTTPS_PROXY."
    raise LoyaltyError(code, f"{step}: {what}: {why}.", hint=hint)
