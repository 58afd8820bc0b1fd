"""Turn the exceptions of HTTP, TLS and sockets into errors for the user."""

import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead
from typing import TypeVar

import requests
import urllib3

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.network.proxies import TunnelRefusedError, without_user

Cause = TypeVar("Cause", bound=BaseException)

TRY_AGAIN = "Nothing was changed; try again later."


class TooLargeError(Exception):
    """The decompressed body is larger than any balance."""


class NotPackedError(Exception):
    """The body is not compressed as its headers say, or it is incomplete."""


FAILURES = (OSError, urllib3.exceptions.HTTPError, HTTPException, UnicodeError)
"""Exceptions of a failed connection; those of the library requests are OSErrors."""
HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def explain(error: Exception, where: str, timeout: float, proxy: str | None) -> LoyaltyError:
    """Turn an exception into an error for the user; `where` names platform and host.

    The exception's text is left out: it can contain the password of a proxy.
    """
    causes = list(_causes(error))
    if isinstance(error, TooLargeError):
        return bad_response(f"{where} sent an answer that is too large for a balance.")
    if _first(causes, TimeoutError):
        return timed_out(where, timeout)
    refused = _first(causes, TunnelRefusedError)
    if proxy and (refused or _first(causes, requests.exceptions.ProxyError)):
        return _no_proxy(where, proxy, causes, refused.status if refused else None)
    tls = _first(causes, ssl.SSLError)
    if tls and not isinstance(tls, HUNG_UP):
        # A reason of OpenSSL is spelt as WRONG_VERSION_NUMBER.
        words = getattr(tls, "reason", None) or "the connection broke off"
        reason = getattr(tls, "verify_message", "") or words.replace("_", " ").lower()
        return LoyaltyError(
            ErrorCode.TLS_FAILED,
            f"there is no secure connection to {where}: {reason}.",
            hint="Behind a company proxy, name its certificate with ca_bundle in the profile.",
        )
    if isinstance(error, NotPackedError):
        return bad_response(f"{where} sent a body that cannot be decompressed.")
    if _first(causes, HTTPException) and not _first(causes, ConnectionError, IncompleteRead):
        return bad_response(f"{where} sent something that is not HTTP.")
    if not isinstance(error, FAILURES):
        return bad_response(f"{where} sent an answer that cannot be read ({type(error).__name__}).")
    return LoyaltyError(
        ErrorCode.UNREACHABLE, f"{where} cannot be reached: {_reason(causes)}.", hint=TRY_AGAIN
    )


def _no_proxy(
    where: str, proxy: str, causes: list[BaseException], status: int | None
) -> LoyaltyError:
    answer = "it requires a sign-in (HTTP 407)" if status == 407 else f"it answers HTTP {status}"
    reason = answer if status else _reason(causes)
    return LoyaltyError(
        ErrorCode.UNREACHABLE,
        f"the proxy {without_user(proxy)} on the way to {where} cannot be used: {reason}.",
        hint="Check HTTPS_PROXY, or set NO_PROXY for this host.",
        http_status=status,
    )


def timed_out(where: str, timeout: float) -> LoyaltyError:
    """The error for no complete answer within `timeout` seconds."""
    return LoyaltyError(
        ErrorCode.TIMED_OUT,
        f"{where} did not answer within {timeout:g} s.",
        hint="Try again, or allow more time: --timeout, or timeout in the profile.",
    )


def bad_response(message: str, http_status: int | None = None) -> LoyaltyError:
    """The error for an answer that makes no sense."""
    hint = "Check the profile's base_url; -v shows the requests."
    return LoyaltyError(ErrorCode.BAD_RESPONSE, message, hint=hint, http_status=http_status)


def _reason(causes: list[BaseException]) -> str:
    if unknown := _first(causes, socket.gaierror):
        return f"its name is not known ({unknown.strerror}); check base_url"
    if _first(causes, IncompleteRead):
        return "the connection ended in the middle of the answer"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and cause.strerror:
            return cause.strerror
    if _first(causes, ConnectionError, *HUNG_UP):
        return "the connection ended without an answer"
    return "the connection failed"


def _first(causes: list[BaseException], *kinds: type[Cause]) -> Cause | None:
    return next((cause for cause in causes if isinstance(cause, kinds)), None)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all its causes; libraries put some into `args` and `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, getattr(cause, "reason", None), *cause.args]
