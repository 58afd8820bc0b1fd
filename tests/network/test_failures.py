"""What an exception from below HTTP means to a user."""

import socket
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import pytest
import requests
import urllib3

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of
from loyalty_cli.network.failures import (
    NotPackedError,
    TooLargeError,
    explain,
)

WHERE = "Imprint at api.example.com"
PROXY = "http://staff:hidden@proxy.example:3128"


def explained(error: Exception, proxy: str | None = None) -> LoyaltyError:
    return explain(error, WHERE, 10.0, proxy)


def wrapped(error: Exception) -> Exception:
    """As the libraries hand an exception on: one inside the arguments of another."""
    return requests.exceptions.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", error)
    )


REFUSED = ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (TimeoutError(), ErrorCode.TIMED_OUT, "did not answer within 10 s"),
        (wrapped(TimeoutError("timed out")), ErrorCode.TIMED_OUT, "did not answer"),
        (TooLargeError(), ErrorCode.BAD_RESPONSE, "too large for a balance"),
        (REFUSED, ErrorCode.UNREACHABLE, "Connection refused"),
        (wrapped(REFUSED), ErrorCode.UNREACHABLE, "Connection refused"),
        (wrapped(OSError(113, "No route to host")), ErrorCode.UNREACHABLE, "No route to host"),
        (wrapped(RemoteDisconnected("hidden")), ErrorCode.UNREACHABLE, "without an answer"),
        (wrapped(socket.gaierror(-2, "Name unknown")), ErrorCode.UNREACHABLE, "(Name unknown)"),
        (wrapped(IncompleteRead(b"x", 5)), ErrorCode.UNREACHABLE, "in the middle of the answer"),
        (wrapped(BadStatusLine("hidden")), ErrorCode.BAD_RESPONSE, "not HTTP"),
        (NotPackedError("hidden"), ErrorCode.BAD_RESPONSE, "cannot be decompressed"),
        (ZeroDivisionError("hidden"), ErrorCode.BAD_RESPONSE, "cannot be read (ZeroDivisionError)"),
        (wrapped(ssl.SSLError(1, "bad record mac")), ErrorCode.TLS_FAILED, "no secure connection"),
        (wrapped(ssl.SSLEOFError(8, "EOF")), ErrorCode.UNREACHABLE, "without an answer"),
        (wrapped(ssl.SSLZeroReturnError(6, "x")), ErrorCode.UNREACHABLE, "without an answer"),
        (requests.exceptions.InvalidURL("hidden"), ErrorCode.UNREACHABLE, "the connection failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exception_of_the_network_becomes_an_error_with_a_reason(
    error: Exception, code: ErrorCode, words: str
) -> None:
    found = explained(error)

    assert found.code is code
    assert exit_code_of(found.code) is ExitCode.UNAVAILABLE
    assert found.message.startswith((WHERE, f"there is no secure connection to {WHERE}"))
    assert words in found.message
    assert found.hint
    assert "hidden" not in found.message + found.hint


def test_a_failure_of_tls_is_told_in_the_tls_librarys_words_if_it_has_any() -> None:
    expired = ssl.SSLCertVerificationError(1, "hidden")
    expired.verify_message = "certificate has expired"

    for error, words in (
        (wrapped(expired), "certificate has expired"),
        (ssl.SSLError(), "the connection broke off"),
    ):
        assert explained(error).message == f"there is no secure connection to {WHERE}: {words}."


def test_exceptions_that_cause_each_other_do_not_loop() -> None:
    one, other = OSError("one"), OSError("other")
    one.__cause__, other.__cause__ = other, one

    assert explained(one).code is ErrorCode.UNREACHABLE


def test_a_failure_of_a_proxy_names_its_host_without_its_user() -> None:
    error = requests.exceptions.ProxyError(
        urllib3.exceptions.ProxyError("Unable to connect to proxy http://staff:hidden@x", REFUSED)
    )

    assert explained(error, PROXY).message == (
        f"the proxy proxy.example:3128 on the way to {WHERE} cannot be used: Connection refused."
    )
    assert explained(error).message == f"{WHERE} cannot be reached: Connection refused."
