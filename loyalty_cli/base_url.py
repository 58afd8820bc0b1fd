"""A platform's base URL: scheme, host, and perhaps a path prefix."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_base_url(url: str) -> str:
    """Take an https URL, or an http one on loopback, and give it without a slash at the end.

    Raises ValueError, in words for a user and without a password that may stand in it.
    """
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ValueError("must not have spaces or control characters in it")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL ({error})") from None
    if "@" in parts.netloc:
        raise ValueError("must not have a user or a password in it")
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be a URL such as https://api.example.com")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("must end with the host or a path, without ? or #")
    if any(segment in (".", "..") for segment in parts.path.split("/")):
        raise ValueError("must not have . or .. in its path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https:// (http:// is for loopback alone)")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by name or by address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
