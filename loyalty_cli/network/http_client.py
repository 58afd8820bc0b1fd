"""HTTP: requests to a platform and the bytes that come back, within one deadline for each call."""

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from email.utils import parsedate_to_datetime
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import requests
from msgspec import Struct
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, get_environ_proxies, select_proxy

from loyalty_cli import __version__
from loyalty_cli.config.base_url import is_loopback
from loyalty_cli.config.profile import Profile
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError, setup_error
from loyalty_cli.network.connection import use_watched_connections
from loyalty_cli.network.deadline import Call, Deadline, watched
from loyalty_cli.network.failures import FAILURES, explain, proxy_fault, without_user
from loyalty_cli.network.rate_limit import Permit, RateLimiter, RateLimits, WaitTooLongError
from loyalty_cli.network.tls import trusted
from loyalty_cli.network.unpacking import unpacked
from loyalty_cli.providers.contract import Answer, Request

if TYPE_CHECKING:
    from pathlib import Path

BODY_LIMIT_BYTES = 1024 * 1024
CHUNK_BYTES = 64 * 1024
MAX_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5
BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
CONNECTIONS = 16
"""How many connections to one host are kept open, unless more are used at once."""

HEADERS = {
    "User-Agent": f"loyalty-cli/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Cache-Control": "no-cache",
}


def url_of(profile: Profile, request: Request) -> str:
    """The full URL of a request, each segment and each value percent-encoded whole."""
    path = "/".join(quote(segment, safe="") for segment in request.path)
    given = {key: value for key, value in request.query.items() if value is not None}
    query = urlencode(given, safe="", quote_via=quote)
    return f"{profile.base_url}/{path}?{query}" if query else f"{profile.base_url}/{path}"


class RetryPolicy(Struct, frozen=True):
    """What is done about refusals as too much: so many attempts, and a wait of so many seconds.

    That wait does not count against the deadline; without one, a wait has to fit it.
    """

    attempts: int = MAX_ATTEMPTS
    longest_wait_seconds: float = 0.0


INTERACTIVE = RetryPolicy()
LONGEST_WAIT_SECONDS = 60.0
"""Seconds that a platform which refuses can ask for where nobody waits in front of it."""
BULK = RetryPolicy(attempts=6, longest_wait_seconds=LONGEST_WAIT_SECONDS)


class HttpClient:
    """Sends requests, one adapter a host; safe to use from several threads."""

    def __init__(
        self,
        trace: Callable[[str], None] | None = None,
        rate_limits: RateLimits | None = None,
        policy: RetryPolicy = INTERACTIVE,
        connections: int = CONNECTIONS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._trace = trace or (lambda _: None)
        self._rate_limits = rate_limits or RateLimits()
        self._policy = policy
        self._connections = connections
        self._sleep = sleep
        self._adapters: dict[tuple[str, Path | None, bool], _Adapter] = {}
        self._lock = Lock()

    def read(
        self,
        profile: Profile,
        request: Request,
        is_busy: Callable[[Answer], bool],
        deadline: Deadline,
    ) -> Answer:
        """Send a request that changes nothing, several times if need be.

        It is sent again after a connection that failed, an answer in BUSY_STATUSES, and one that
        `is_busy`; a refusal as too much slows the whole profile down. All that is over at the
        deadline, which waiting for a rate puts off, and with policy a refusal, too.
        Raises LoyaltyError where no answer came, or none that is a whole one.
        """
        limiter = self._rate_limits.of(profile)
        outcome: Answer | LoyaltyError | None = None
        refusals = failures = 0
        is_patient = self._policy.longest_wait_seconds > 0
        while True:
            most = inf if outcome is None or is_patient else deadline.left()
            try:
                permit = limiter.begin(
                    max(self._policy.longest_wait_seconds, deadline.left()), most
                )
            except WaitTooLongError as late:
                return _answer(outcome or late.refusal)
            if is_patient:
                deadline.extend(permit.waited)
            elif outcome is None:
                deadline.extend(permit.waited - permit.paused)
            outcome = self._in_turn(profile, request, deadline, limiter, permit)
            if _is_too_much(outcome):
                refusals += 1
                if refusals == self._policy.attempts:
                    return _answer(outcome)
                continue  # the next permit comes after the pause
            failures += 1
            pause = _pause(outcome, failures, is_busy, deadline)
            if pause is None:
                return _answer(outcome)
            self._trace(f"* trying again in {pause:.2f} s")
            self._sleep(pause)

    def _in_turn(
        self,
        profile: Profile,
        request: Request,
        deadline: Deadline,
        limiter: RateLimiter,
        permit: Permit,
    ) -> Answer | LoyaltyError:
        """Send a request, and let its platform's limiter know what came of it."""
        outcome = None
        try:
            outcome = self._try(profile, request, deadline)
            if isinstance(outcome, Answer) and _is_too_much(outcome):
                asked = retry_after(outcome, time.time())
                wait = limiter.slow_down(permit.begun, outcome, asked)
                self._trace(f"* rate-limited: pausing for {wait:.2f} s")
            return outcome
        finally:
            limiter.end(answered=isinstance(outcome, Answer))

    def _try(self, profile: Profile, request: Request, deadline: Deadline) -> Answer | LoyaltyError:
        try:
            with watched(Call(deadline.ends)) as call:
                return self._send(profile, request, call)
        except LoyaltyError as error:
            return error

    def is_closed(self, profile: str, *, debits: bool = False) -> bool:
        """Whether the platform asked to be left alone for longer than anybody waits."""
        return self._rate_limits.is_paused_for(profile, LONGEST_WAIT_SECONDS, debits=debits)

    def is_paused(self, profile: str) -> bool:
        """Whether the platform wants no debits now."""
        return self._rate_limits.is_paused_for(profile, 0, debits=True)

    def permit_to_debit(
        self, profile: Profile, check: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Wait for a permit to make a debit, and give what must be held meanwhile.

        `check` can end the wait by raising. Raises LoyaltyError where the platform asked to be left
        alone for longer than anybody waits.
        """
        limiter = self._rate_limits.of_debits(profile)
        try:
            limiter.begin(LONGEST_WAIT_SECONDS, check=check)
        except WaitTooLongError:
            raise LoyaltyError(
                ErrorCode.RATE_LIMITED,
                f"{profile.provider.title} takes no more debits for now.",
                hint="Nothing was sent; run the same again later.",
            ) from None
        return _held(limiter)

    def send_once(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> Answer:
        """Send a request that must not be sent twice, over a connection of its own.

        `before_first_byte` is called when all is ready, and can still stop it by raising
        LoyaltyError.
        Raises NotSentError where not one byte was offered to the platform, and another LoyaltyError
        where it was, and no whole answer came.
        """
        began = time.monotonic()
        call = Call(began + profile.timeout, before_first_byte)
        with watched(call):
            try:
                answer = self._send(profile, request, call)
            except LoyaltyError as error:
                if call.offered:
                    raise
                raise NotSentError.of(error) from None
        if _is_too_much(answer):
            asked = retry_after(answer, time.time())
            self._rate_limits.of_debits(profile).slow_down(began, answer, asked)
        return answer

    def _send(self, profile: Profile, request: Request, call: Call) -> Answer:
        adapter = self._adapter(profile, once=call.once)
        url = url_of(profile, request)
        self._trace(f"> {request.method} {url}")
        began = time.monotonic()
        try:
            with adapter.send(
                _prepared(request, url),
                stream=True,
                timeout=call.remaining(),
                proxies=adapter.proxies,
            ) as response:
                content = _body(response, call)
        except LoyaltyError:  # by whoever was asked before the first byte
            raise
        except Exception as error:
            if not (call.offered or isinstance(error, FAILURES)):
                raise  # a defect, and none that an answer can cause
            where = f"{profile.provider.title} at {profile.host}"
            proxy = select_proxy(url, adapter.proxies)
            seen = TimeoutError() if call.expired else error
            raise explain(seen, where, profile.timeout, proxy) from None
        took = time.monotonic() - began
        self._trace(f"< {response.status_code}, {len(content)} bytes in {took:.3f} s")
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lower, content)

    def _adapter(self, profile: Profile, *, once: bool) -> "_Adapter":
        parts = urlsplit(profile.base_url)
        key = (f"{parts.scheme}://{parts.netloc}", profile.ca_bundle, once)
        with self._lock:
            if key not in self._adapters:
                self._adapters[key] = _new_adapter(profile, self._connections)
            return self._adapters[key]


def _prepared(request: Request, url: str) -> requests.PreparedRequest:
    """A request that is ready to be sent.

    Put together here and not by requests, which takes a quarter of a look-up for it, and decodes
    some of the URL again.
    """
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = request.method, url
    headers = {**HEADERS, **request.headers}
    if request.json is not None:
        prepared.body = msgspec.json.encode(request.json)
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(prepared.body))
    for header in headers.items():
        check_header_validity(header)
    prepared.headers = CaseInsensitiveDict(headers)
    return prepared


class _Adapter(HTTPAdapter):
    """requests' own, with our connections, our idea of whom to trust, and no cookies.

    Without a session of requests around it: that would follow redirects, read .netrc, and take
    half as long again for a look-up.
    """

    def __init__(
        self, context: ssl.SSLContext | None, proxies: Mapping[str, str], connections: int
    ) -> None:
        self.proxies = dict(proxies)
        self._context = context
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        use_watched_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, proxy_ssl_context=self._context, **options)
        use_watched_connections(manager)
        return manager

    def build_connection_pool_key_attributes(
        self, request: Any, verify: Any, cert: Any = None
    ) -> Any:
        host, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**tls, "ssl_context": self._context} if self._context else tls

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the choice of certificates to the TLS context."""

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Only what is read here: no cookie jar, no text encoding."""
        response = requests.Response()
        response.request, response.raw = req, resp
        response.status_code, response.headers = resp.status, resp.headers
        return response


def _new_adapter(profile: Profile, connections: int) -> _Adapter:
    host = urlsplit(profile.base_url).hostname or ""
    proxies = {} if is_loopback(host) else get_environ_proxies(profile.base_url)
    proxy = select_proxy(profile.base_url, proxies)
    if proxy and (fault := proxy_fault(proxy)):
        setup_error(
            f"the proxy {without_user(proxy)} cannot be used: {fault}.",
            "Set HTTPS_PROXY to an HTTP proxy, or NO_PROXY to go without one.",
        )
    secure = profile.base_url.startswith("https:")
    return _Adapter(trusted(profile.ca_bundle) if secure else None, proxies, connections)


def _body(response: requests.Response, call: Call) -> bytes:
    pieces = response.raw.stream(CHUNK_BYTES, decode_content=False)
    encodings = response.headers.get("Content-Encoding", "")
    body = b"".join(unpacked(pieces, encodings, BODY_LIMIT_BYTES))
    if call.expired:
        raise TimeoutError  # cut off here, which can look like the end
    return body


@contextmanager
def _held(limiter: RateLimiter) -> Iterator[None]:
    """A permit that is over at the end of this."""
    try:
        yield
    finally:
        limiter.end(answered=True)


def _is_too_much(outcome: Answer | LoyaltyError) -> bool:
    """Whether a platform says that it is rate-limiting requests."""
    if isinstance(outcome, LoyaltyError):
        return False
    return outcome.status == 429 or (outcome.status == 503 and "retry-after" in outcome.headers)


def _pause(
    outcome: Answer | LoyaltyError,
    failures: int,
    is_busy: Callable[[Answer], bool],
    deadline: Deadline,
) -> float | None:
    """Seconds until the next try; None where there is to be none."""
    if failures == MAX_ATTEMPTS or not _may_pass(outcome, is_busy):
        return None
    pause = random.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (failures - 1))  # noqa: S311 - no secret
    if isinstance(outcome, Answer):
        pause = max(pause, retry_after(outcome, time.time()) or 0)
    return pause if pause < deadline.left() else None


def _may_pass(outcome: Answer | LoyaltyError, is_busy: Callable[[Answer], bool]) -> bool:
    """Whether what failed may work the next time; a proxy's "no" to a connection stays one."""
    if isinstance(outcome, Answer):
        return outcome.status in BUSY_STATUSES or is_busy(outcome)
    passing = outcome.http_status is None or outcome.http_status in BUSY_STATUSES
    return outcome.code == ErrorCode.UNREACHABLE and passing


def _answer(outcome: Answer | LoyaltyError | None) -> Answer:
    assert outcome
    if isinstance(outcome, LoyaltyError):
        raise outcome
    return outcome


def retry_after(answer: Answer, now: float) -> float | None:
    """The seconds a platform asks to wait, whether it says so in seconds or as a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError, OSError):
        return None
