"""The only place that builds the client with which commands ask platforms."""

from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.session import Session
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.network.http_client import CONNECTIONS, HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.rate_limit import RateLimits
from loyalty_cli.network.retry import INTERACTIVE, RetryPolicy
from loyalty_cli.network.trace import Trace
from loyalty_cli.output import messages
from loyalty_cli.output.waiting import LINE


def platform_client(
    session: Session,
    chosen: Globals,
    *,
    policy: RetryPolicy = INTERACTIVE,
    rate: float | None = None,
    connections: int = CONNECTIONS,
    keep_tokens: bool = True,
) -> PlatformClient:
    """A client for all profiles; `rate` is in requests a second, for all profiles together.

    To check credentials, `keep_tokens` is false: then each token is a new one.
    """
    http = HttpClient(trace_of(chosen), RateLimits(rate), policy, connections)
    tokens = AccessTokens(session.keyring if keep_tokens else None)
    return PlatformClient(http, session.credentials, tokens, waiting=LINE.on)


def trace_of(chosen: Globals) -> Trace | None:
    """What shows the requests, as `--verbose` says; None without it."""
    return Trace(messages.trace, whole=chosen.verbose > 1) if chosen.verbose else None
