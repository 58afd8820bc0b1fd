"""HTTP: requests to a platform and the bytes that come back, within one deadline for each call."""

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity, get_environ_proxies, select_proxy

from loyalty_cli import __version__
from loyalty_cli.connection import use_watched_connections
from loyalty_cli.deadline import Call, watched
from loyalty_cli.errors import ErrorCode, LoyaltyError, NotSentError, setup_error
from loyalty_cli.profile import Profile
from loyalty_cli.providers.contract import Answer, Request
from loyalty_cli.tls import trusted
from loyalty_cli.transport_errors import TooLargeError, explain, proxy_fault, without_user

if TYPE_CHECKING:
    from pathlib import Path

BODY_LIMIT = 8 * 1024 * 1024
ONCE_BODY_LIMIT = 1024 * 1024
CHUNK = 64 * 1024
MAX_TRIES = 3
FIRST_PAUSE = 0.5
BUSY_STATUSES = frozenset({429, 500, 502, 503, 504})
CONNECTIONS = 16
"""How many connections to one host are kept open."""

_FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    HTTPException,
    TooLargeError,
    UnicodeError,
)

HEADERS = {
    "User-Agent": f"loyalty-cli/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}


def url_of(profile: Profile, request: Request) -> str:
    """The full URL of a request, each segment and each value percent-encoded whole."""
    path = "/".join(quote(segment, safe="") for segment in request.path)
    given = {key: value for key, value in request.query.items() if value is not None}
    query = urlencode(given, safe="", quote_via=quote)
    return f"{profile.base_url}/{path}?{query}" if query else f"{profile.base_url}/{path}"


class Client:
    """Sends requests, one adapter a host; safe to use from several threads."""

    def __init__(
        self,
        trace: Callable[[str], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._trace = trace or (lambda _: None)
        self._sleep = sleep
        self._adapters: dict[tuple[str, Path | None, bool, bool], _Adapter] = {}
        self._lock = Lock()

    def read(
        self, profile: Profile, request: Request, is_busy: Callable[[Answer], bool], ends: float
    ) -> Answer:
        """Send a request that changes nothing, at most MAX_TRIES times, all before `ends`.

        It is sent again after a connection that failed, an answer in BUSY_STATUSES, and one that
        `is_busy`. Raises LoyaltyError where no answer came, or none that is a whole one.
        """
        call = Call(ends)
        with watched(call):
            for attempt in range(1, MAX_TRIES + 1):
                pause = random.uniform(0, FIRST_PAUSE * 2 ** (attempt - 1))  # noqa: S311 - no secret
                last = attempt == MAX_TRIES
                try:
                    answer = self._send(profile, request, call)
                except LoyaltyError as error:
                    if last or not _may_pass(error) or not _wait_fits(pause, call):
                        raise
                else:
                    if last or not (answer.status in BUSY_STATUSES or is_busy(answer)):
                        return answer
                    pause = max(pause, retry_after(answer, time.time()) or 0)
                    if not _wait_fits(pause, call):
                        return answer
                self._trace(f"* trying again in {pause:.2f} s")
                self._sleep(pause)
        raise AssertionError("the last try either returns or raises")

    def send_once(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> Answer:
        """Send a request that must not be sent twice, over a connection of its own.

        `before_first_byte` is called when all is ready, and can still stop it by raising
        LoyaltyError.
        Raises NotSentError where not one byte was offered to the platform, and another LoyaltyError
        where it was, and no whole answer came.
        """
        call = Call(time.monotonic() + profile.timeout, before_first_byte)
        with watched(call):
            try:
                return self._send(profile, request, call, ONCE_BODY_LIMIT)
            except LoyaltyError as error:
                if call.offered:
                    raise
                raise NotSentError.of(error) from None

    def _send(
        self, profile: Profile, request: Request, call: Call, limit: int = BODY_LIMIT
    ) -> Answer:
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
                content = b"".join(_chunks(response.raw, call, limit))
        except _FAILURES as error:
            where = f"{profile.provider.title} at {profile.host}"
            proxy = select_proxy(url, adapter.proxies)
            error = TimeoutError() if call.expired else error
            raise explain(error, where, profile.timeout, proxy) from None
        took = time.monotonic() - began
        self._trace(f"< {response.status_code}, {len(content)} bytes in {took:.3f} s")
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, lower, content)

    def _adapter(self, profile: Profile, *, once: bool) -> "_Adapter":
        parts = urlsplit(profile.base_url)
        key = (f"{parts.scheme}://{parts.netloc}", profile.ca_bundle, profile.sandbox, once)
        with self._lock:
            if key not in self._adapters:
                self._adapters[key] = _new_adapter(profile)
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

    def __init__(self, context: ssl.SSLContext | None, proxies: Mapping[str, str]) -> None:
        self.proxies = dict(proxies)
        self._context = context
        super().__init__(pool_maxsize=CONNECTIONS)

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


def _new_adapter(profile: Profile) -> _Adapter:
    proxies = {} if profile.sandbox else get_environ_proxies(profile.base_url)
    proxy = select_proxy(profile.base_url, proxies)
    if proxy and (fault := proxy_fault(proxy)):
        setup_error(
            f"the proxy {without_user(proxy)} cannot be used: {fault}.",
            "Set HTTPS_PROXY to an HTTP proxy, or NO_PROXY to go without one.",
        )
    secure = profile.base_url.startswith("https:")
    return _Adapter(trusted(profile.ca_bundle) if secure else None, proxies)


def _chunks(raw: Any, call: Call, limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in raw.stream(CHUNK, decode_content=True):
        size += len(chunk)
        if size > limit:
            raise TooLargeError
        yield chunk
    if call.expired:
        raise TimeoutError  # cut off here, which can look like the end


def _may_pass(error: LoyaltyError) -> bool:
    """Whether a connection that failed may work the next time; a proxy's "no" stays one."""
    passing = error.http_status is None or error.http_status in BUSY_STATUSES
    return error.code == ErrorCode.UNREACHABLE and passing


def _wait_fits(pause: float, call: Call) -> bool:
    return time.monotonic() + pause < call.ends


def retry_after(answer: Answer, now: float) -> float | None:
    """The seconds a platform asks to wait, whether it says so in seconds or as a date."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
