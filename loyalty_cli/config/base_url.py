"""A platform's base URL: scheme, host, and perhaps a path prefix."""

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit


def check_base_url(url: str) -> str:
    """Check a base URL (https, or http on loopback), and return it without a slash at the end.

    Raises ValueError, in words for a user, and without a password that the URL may contain.
    """
    if any(sign.isspace() or not sign.isprintable() for sign in url):
        raise ValueError("must not have spaces or control characters in it")
    if not url.isascii() or "\\" in url:
        raise ValueError("must be ASCII without \\: a host as xn--…, a path with %XX")
    if "@" in url:  # in the whole URL: a password with a slash ends the host early
        raise ValueError("must not have a user or a password in it")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or its port is wrong") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("must be a URL such as https://api.example.com")
    if not (is_address(host) if "[" in parts.netloc else _is_name(host)):
        raise ValueError(f"has a host name that is not valid: {host[:80]}")
    if "?" in url or "#" in url:
        raise ValueError("must end with the host or a path, without ? or #")
    if any(unquote(segment) in (".", "..") for segment in parts.path.split("/")):
        raise ValueError("must not have . or .. in its path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https:// (http:// is only for loopback)")
    return f"{parts.scheme}{url[len(parts.scheme) :]}".rstrip("/")


def _is_name(host: str) -> bool:
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(map(_is_label, labels))


def _is_label(label: str) -> bool:
    letters = label.replace("-", "").replace("_", "")
    return len(label) <= 63 and label.strip("-") == label and letters.isalnum()


def is_address(host: str) -> bool:
    """Whether a host is an address, without the name of a network interface."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, by name or by address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
