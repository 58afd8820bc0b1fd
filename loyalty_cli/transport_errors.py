"""What an exception from below HTTP means to a user."""

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from loyalty_cli.errors import ErrorCode, LoyaltyError

Cause = TypeVar("Cause", bound=BaseException)

TRY_AGAIN = "Nothing was changed; try again later."


class TooLargeError(Exception):
    """The body, decoded, is larger than any balance."""


def explain(error: Exception, where: str, timeout: float, proxy: str | None) -> LoyaltyError:
    """Turn what was raised into an error for a user; `where` names platform and host.

    The exception's own text stays out of it: it can hold the password of a proxy.
    """
    causes = list(_causes(error))
    if isinstance(error, TooLargeError):
        return bad_response(f"{where} sent more than a balance can be.")
    if _first(causes, TimeoutError):
        return LoyaltyError(
            ErrorCode.TIMED_OUT,
            f"{where} did not answer within {timeout:g} s.",
            hint="Try again, or give it longer with --timeout.",
        )
    if _first(causes, requests.exceptions.ProxyError) and proxy:
        reason = _reason(causes)
        return LoyaltyError(
            ErrorCode.UNREACHABLE,
            f"the proxy {without_user(proxy)} on the way to {where} cannot be used: {reason}.",
            hint="Check HTTPS_PROXY and HTTP_PROXY, or set NO_PROXY for this host.",
        )
    if tls := _first(causes, ssl.SSLError):
        reason = getattr(tls, "verify_message", "") or tls.reason or "the connection broke off"
        return LoyaltyError(
            ErrorCode.TLS_FAILED,
            f"there is no secure connection to {where}: {reason}.",
            hint="Behind a company proxy, name its certificate with ca_bundle in the profile.",
        )
    if _first(causes, urllib3.exceptions.DecodeError):
        return bad_response(f"{where} sent a body that does not unpack.")
    if _first(causes, HTTPException) and not _first(causes, ConnectionError, HTTP_CUT_SHORT):
        return bad_response(f"{where} sent something that is not HTTP.")
    return LoyaltyError(
        ErrorCode.UNREACHABLE, f"{where} cannot be reached: {_reason(causes)}.", hint=TRY_AGAIN
    )


def bad_response(message: str) -> LoyaltyError:
    """An answer that makes no sense."""
    return LoyaltyError(
        ErrorCode.BAD_RESPONSE, message, hint="Check the profile's base_url; -v shows the requests."
    )


def without_user(url: str) -> str:
    """A URL without the user and the password that may stand in it."""
    host = urlsplit(url if "//" in url else f"//{url}").netloc.rpartition("@")[2]
    return host or "(not a URL)"


HTTP_CUT_SHORT = urllib3.exceptions.IncompleteRead


def _reason(causes: list[BaseException]) -> str:
    if unknown := _first(causes, socket.gaierror):
        return f"its name is not known ({unknown.strerror})"
    if _first(causes, HTTP_CUT_SHORT):
        return "the connection ended in the middle of the answer"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    if _first(causes, ConnectionError):
        return "the connection ended without an answer"
    return "the connection failed"


def _first(causes: list[BaseException], *kinds: type[Cause]) -> Cause | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it was raised from: libraries wrap in `args` and `reason`, too."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
