"""The proxy on the way to a platform: which one, whether it can be used, and how it is shown.

Only other hosts are reached through a proxy, always over https and so through a tunnel.
"""

from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from loyalty_cli.config.base_url import is_loopback
from loyalty_cli.model.errors import setup_error

NOT_A_URL = "(not a URL)"


class TunnelRefusedError(OSError):
    """A proxy answered the request for a tunnel with a `status` other than 200."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def proxy_for(base_url: str) -> str | None:
    """The URL of the proxy that the environment names, if any; none is used for loopback."""
    if is_loopback(urlsplit(base_url).hostname or ""):
        return None
    proxy: str | None = select_proxy(base_url, get_environ_proxies(base_url))
    if proxy and (fault := proxy_fault(proxy)):
        setup_error(
            f"the proxy {without_user(proxy)} cannot be used: {fault}.",
            "Set HTTPS_PROXY to an HTTP proxy, or NO_PROXY to go without one.",
        )
    return _with_scheme(proxy) if proxy else None


def proxy_fault(proxy: str) -> str | None:
    """Describe what is wrong with the address of a proxy; None if it can be tried."""
    try:
        parts = urlsplit(_with_scheme(proxy))
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        return "its address is not a URL; in a password, write / as %2F, @ as %40 and so on"
    if parts.scheme.startswith("socks"):
        return "it is a SOCKS proxy, which is not supported"
    if parts.scheme not in ("http", "https"):
        return "it is not an HTTP proxy"
    return None


def without_user(url: str) -> str:
    """The host and port of a URL, without user and password."""
    # After the last @: a password may contain @ and /.
    _, at, rest = url.rpartition("@")
    try:
        return urlsplit(f"//{rest}" if at else _with_scheme(url)).netloc or NOT_A_URL
    except ValueError:
        return NOT_A_URL


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"
