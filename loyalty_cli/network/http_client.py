"""HTTP: send requests to platforms, and read the answers within one deadline."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from unicodedata import category
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from loyalty_cli import __version__
from loyalty_cli.config.base_url import check_base_url
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.connections import Adapter, Call
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.failures import FAILURES, explain
from loyalty_cli.network.framing import FramedResponse
from loyalty_cli.network.proxies import proxy_for
from loyalty_cli.network.rate_limit import Permit, RateLimiter, RateLimits
from loyalty_cli.network.retry import (
    INTERACTIVE,
    Outcome,
    Retries,
    RetryPolicy,
    is_throttled,
    retry_after,
)
from loyalty_cli.network.tls import trusted
from loyalty_cli.network.trace import SILENT, Secrecy, Trace
from loyalty_cli.network.unpacking import unpacked
from loyalty_cli.providers.contract import Answer, Attempt, Headers, Request

Sign = Callable[[Attempt], Headers]
"""Makes the sign-in headers of one attempt."""

BODY_LIMIT_BYTES = 1024 * 1024
CONNECTIONS = 16
"""How many connections to one host are kept open for reuse."""

HEADERS = {
    "User-Agent": f"loyalty-cli/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Cache-Control": "no-cache",
}


class UnsafePathError(LoyaltyError):
    """A path with a segment that would change the address; nothing was sent."""


def url_of(profile: Profile, request: Request) -> str:
    """The full URL of a request; in segments and values, / and & are percent-encoded, too."""
    check_path(profile, request)
    path = "/".join(quote(segment, safe="") for segment in request.path)
    given = {key: value for key, value in request.query.items() if value is not None}
    query = urlencode(given, safe="", quote_via=quote)
    base_url = base_url_of(profile, request)
    return f"{base_url}/{path}?{query}" if query else f"{base_url}/{path}"


def check_path(profile: Profile, request: Request) -> None:
    """Raise UnsafePathError for a segment with which a server would read another path."""
    for segment in request.path:
        if isinstance(segment, str) and (why := _unsafe(segment)):  # others fail in the URL
            raise UnsafePathError(
                ErrorCode.PROVIDER_FAILED,
                f"{profile.provider.title} cannot be asked: a part of the request's path {why}.",
                hint=f"Nothing was sent. See `loyalty providers {profile.provider.name}`.",
            )


def _unsafe(segment: str) -> str | None:
    """Why this segment is no safe one; None if it is."""
    if segment in ("", ".", ".."):
        return f"is {segment!r}"
    # Printable text, the usual case, has neither.
    if not segment.isprintable() and any(category(sign) in ("Cc", "Cs") for sign in segment):
        return "has a control character or half a character"
    return None


def base_url_of(profile: Profile, request: Request) -> str:
    """The address that a request is for; the sandbox has all hosts of its platforms at its own."""
    if request.base_url is None or profile.sandbox:
        return profile.base_url
    try:
        return check_base_url(request.base_url)
    except ValueError as error:
        name = profile.provider.name
        raise LoyaltyError(
            ErrorCode.PROVIDER_FAILED,
            f"the provider {name!r} asks at another address, which {error}.",
            hint=f"Nothing was sent there. See `loyalty providers {name}`.",
        ) from None


def _unsigned(_: Attempt) -> Headers:
    return {}


PLAIN = Secrecy()
"""For requests without a sign-in."""


class HttpClient:
    """Sends requests, with one adapter for each host; safe to use from several threads."""

    def __init__(
        self,
        trace: Trace | None = None,
        rate_limits: RateLimits | None = None,
        policy: RetryPolicy = INTERACTIVE,
        connections: int = CONNECTIONS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate_limits = rate_limits or RateLimits()
        self._trace = trace or SILENT
        self._policy = policy
        self._connections = connections
        self._sleep = sleep
        self._adapters: dict[tuple[object, ...], Adapter] = {}
        self._lock = Lock()

    def read(
        self,
        profile: Profile,
        request: Request,
        deadline: Deadline,
        sign: Sign = _unsigned,
        secrecy: Secrecy = PLAIN,
    ) -> Answer:
        """Send an idempotent request, with retries; raise LoyaltyError at the deadline."""
        limiter = self.rate_limits.of(profile)

        def attempt(permit: Permit) -> Outcome:
            """Send the request once, and report the outcome to the rate limiter."""
            outcome = Outcome()
            try:
                answer = self._send(profile, request, Call(deadline), sign, secrecy)
                outcome = Outcome(answer)
                if is_throttled(answer):
                    self._slow_down(limiter, permit.begun, answer)
            except LoyaltyError as error:
                return Outcome(error=error)
            finally:
                limiter.end(answered=outcome.answer is not None)
            return outcome

        retries = Retries(limiter, self._policy, deadline, profile.provider.is_busy)
        return retries.run(attempt, self._pause)

    def knock(self, profile: Profile, deadline: Deadline) -> Answer:
        """Ask for the base URL itself, once and without a sign-in; the answer has no body.

        Any answer will do, such as a web page that is larger than a balance can be.
        """
        call = Call(deadline, head_only=True)
        return self._send(profile, Request(()), call, _unsigned, PLAIN)

    def send_once(
        self,
        profile: Profile,
        request: Request,
        before_first_byte: Callable[[], None],
        sign: Sign = _unsigned,
        secrecy: Secrecy = PLAIN,
    ) -> Answer:
        """Send a request that must not be sent twice, over a connection used only for it.

        `before_first_byte` is called when everything is ready; it may raise LoyaltyError to stop
        the request. Raises NotSentError if no byte was offered, and another LoyaltyError if bytes
        were offered but no complete answer came.
        """
        began = time.monotonic()
        call = Call(Deadline(profile.timeout), before_first_byte)
        try:
            answer = self._send(profile, request, call, sign, secrecy)
        except LoyaltyError as error:
            if call.offered:
                raise
            raise NotSentError.of(error) from None
        if is_throttled(answer):
            self._slow_down(self.rate_limits.of_debits(profile), began, answer)
        return answer

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        with self._lock:
            for adapter in self._adapters.values():
                adapter.close()

    def _slow_down(self, limiter: RateLimiter, begun: float, answer: Answer) -> None:
        pause = limiter.slow_down(begun, answer, retry_after(answer, time.time()))
        self._trace.note(f"rate-limited: pausing for {pause:.2f} s")

    def _pause(self, seconds: float) -> None:
        self._trace.note(f"retry in {seconds:.2f} s")
        self._sleep(seconds)

    def _send(
        self, profile: Profile, request: Request, call: Call, sign: Sign, secrecy: Secrecy
    ) -> Answer:
        url = url_of(profile, request)
        adapter = self._adapter(profile, url, once=call.once)
        began = time.monotonic()
        try:
            prepared = _prepared(request, url, adapter.host, sign)
            headers = prepared.headers
            body = prepared.body if isinstance(prepared.body, bytes) else b""
            self._trace.request(request.method, url, headers, body, secrecy)
            with adapter.answer(prepared, call) as response:
                content = b"" if call.head_only else _body(response)
        except LoyaltyError:  # from before_first_byte
            raise
        except Exception as error:
            if not (call.offered or isinstance(error, FAILURES)):
                raise  # a defect that no answer can have caused
            where = f"{profile.provider.title} at {urlsplit(url).netloc}"
            raise explain(error, where, profile.timeout, adapter.proxy) from None
        took = time.monotonic() - began
        self._trace.answer(response.status, response.headers, content, took, secrecy)
        return Answer(response.status, response.headers, content)

    def _adapter(self, profile: Profile, url: str, *, once: bool) -> Adapter:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        key = (origin, profile.ca_bundle, once)
        with self._lock:
            if key not in self._adapters:
                proxy = proxy_for(origin)
                context = trusted(profile.ca_bundle) if parts.scheme == "https" else None
                self._adapters[key] = Adapter(origin, context, proxy, self._connections)
            return self._adapters[key]


def _prepared(request: Request, url: str, host: str, sign: Sign) -> requests.PreparedRequest:
    """Build a request that is ready to be sent, signed.

    The library requests would take a quarter of a look-up's time, and decode parts of the URL
    again.
    """
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = request.method, url
    headers = CaseInsensitiveDict({"Host": host, **HEADERS})
    headers.update(request.headers)
    body, kind = _body_of(request)
    if kind:
        prepared.body = body
        headers["Content-Type"] = kind
    if kind or request.method != "GET":
        headers["Content-Length"] = str(len(body))
    parts = urlsplit(url)
    at, nonce = datetime.now(UTC), secrets.token_hex(16)
    headers.update(sign(Attempt(request.method, parts.path, parts.query, body, at, nonce)))
    for header in headers.items():
        check_header_validity(header)
    prepared.headers = headers
    return prepared


def _body_of(request: Request) -> tuple[bytes, str | None]:
    """The body of a request and its content type, which is None without a body."""
    if request.json is not None:
        return msgspec.json.encode(request.json), "application/json"
    if request.form is not None:
        form = urlencode(request.form, quote_via=quote)
        return form.encode(), "application/x-www-form-urlencoded"
    return b"", None


def _body(response: FramedResponse) -> bytes:
    encodings = response.headers.get("content-encoding", "")
    return b"".join(unpacked(response.pieces(), encodings, BODY_LIMIT_BYTES))
