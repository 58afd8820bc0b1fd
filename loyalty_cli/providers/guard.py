"""Calls the functions of a provider from another package, and names the package if one fails.

A built-in provider that raises an unexpected exception has a defect of this program. For another
package, an exception (sys.exit() raises one, too) or a result of a wrong type becomes an error, and
the run goes on.
"""

import inspect
import logging
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount, decode_amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import (
    Auth,
    DebitReceipt,
    Evidence,
    Exchange,
    PlatformError,
    Provider,
    Question,
    Reading,
    Request,
    Token,
)

LOG = logging.getLogger("loyalty_cli.providers")
"""Gets the tracebacks of failed packages, below the level that is shown unless it is asked for."""

HINT = "Update or remove that package, or tell its author; LOYALTY_DEBUG=1 shows more."

MAKING, READING = ErrorCode.PROVIDER_FAILED, ErrorCode.BAD_RESPONSE
"""The codes for failures before a request, and after its answer."""

Check = Callable[[Any], Any]
"""Returns a result if it is of the right type; raises TypeError or ValueError if not."""


class Package(Struct, frozen=True):
    """A provider and the package it is from, for errors."""

    name: str
    provider: str

    def failed(self, what: str, code: ErrorCode, error: BaseException) -> LoyaltyError:
        """The error for a failure of the package; its traceback goes to the log."""
        LOG.debug("%s", self.name, exc_info=error)
        who = f"the provider {self.provider!r} of the package {self.name}"
        return LoyaltyError(code, f"{who} failed: {what}.", hint=HINT)

    def checked(self, result: Any, where: str, code: ErrorCode, check: Check) -> Any:
        """What a function of the package gave; raise LoyaltyError if it is a wrong thing."""
        try:
            return check(result)
        except (TypeError, ValueError, NotImplementedError) as error:
            why = re.sub("'.*'", "a text", str(error))  # it may be a secret
            raise self.failed(f"{where} gave something wrong: {why}", code, error) from error

    def guard(
        self,
        call: Callable[..., Any],
        where: str,
        code: ErrorCode,
        check: Check,
        *passed: type[Exception],
    ) -> Callable[..., Any]:
        """A function that is `call`, with its failures as errors; `passed` exceptions are none."""

        def guarded(*given: Any) -> Any:
            try:
                result = call(*given)
            except (Exception, SystemExit) as error:
                if isinstance(error, (LoyaltyError, *passed)):
                    raise
                # Without its text, which may have a secret in it.
                raise self.failed(f"{type(error).__name__} in {where}", code, error) from error
            return self.checked(result, where, code, check)

        return guarded


def guarded_provider(kind: type[Provider], package: Package) -> Provider:
    """An instance of a provider's class, with every function of the package guarded."""
    own: dict[str, Any] = {"auths": tuple(_auth(auth, package) for auth in kind.auths)}
    for many, check in _CHECKED.items():
        own[many] = tuple(
            replace(
                each,
                check=package.guard(
                    each.check, f"the check of {each.name!r}", MAKING, check, ValueError
                ),
            )
            for each in getattr(kind, many, ())
        )
    for name, (code, check, *passed) in _FUNCTIONS.items():
        if call := getattr(kind, name, None):
            own[name] = package.guard(call, name, code, check, *passed)
    for name in _STEPS:
        if call := getattr(kind, name, None):
            own[name] = _steps(package, call, name)
    for name in own.keys() & (_FUNCTIONS.keys() | _STEPS.keys()):
        if not inspect.isfunction(inspect.getattr_static(kind, name)):  # it gets no instance
            own[name] = staticmethod(own[name])
    made_of: type[Provider] = type(kind.__name__, (kind,), own)
    return made_of()


def _auth(auth: Auth, package: Package) -> Auth:
    exchange = auth.exchange
    return replace(
        auth,
        headers=package.guard(auth.headers, f"headers of {auth.name!r}", MAKING, _headers),
        sign=package.guard(auth.sign, f"sign of {auth.name!r}", MAKING, _headers),
        exchange=exchange
        and Exchange(
            package.guard(exchange.request, "the request for a token", MAKING, _request),
            package.guard(exchange.read, "reading a token", READING, _whole(Token), ValueError),
        ),
    )


def _steps(package: Package, call: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A generator of steps that is `call`, with its failures as errors."""
    step, made, least = _STEPS[name]
    begin = package.guard(call, name, MAKING, _a(Generator))
    first = package.guard(_send, name, MAKING, step, StopIteration)
    later = package.guard(_send, name, READING, step, StopIteration, ValueError)

    def guarded(*given: Any) -> Generator[Any, Any, Any]:
        steps, answer, advance = begin(*given), None, first
        done = 0
        try:
            while True:
                try:
                    asked = advance(steps, answer)
                except StopIteration as end:
                    result = end.value
                    break
                answer = yield asked
                advance = later
                done += 1
        finally:
            with suppress(Exception, SystemExit):  # what ended the look-up matters more
                steps.close()
        if done < least:
            raise package.failed(f"{name} asks nothing", MAKING, RuntimeError(name))
        return package.checked(result, name, READING if done else MAKING, made)

    return guarded


def _send(steps: Generator[Any, Any, Any], answer: Any) -> Any:
    return steps.send(answer)


def _a(*kinds: type) -> Check:
    def check(result: Any) -> Any:
        if not isinstance(result, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{type(result).__name__}, not {names}")
        return result

    return check


def _anything(result: Any) -> Any:
    return result


def _encoded(value: Any) -> Any:
    if isinstance(value, Amount):
        return str(value)  # as a number, -0 would become 0
    raise NotImplementedError(type(value))


def _decoded(kind: type, value: Any) -> Any:
    return value if kind is object else decode_amount(kind, value)


def _whole(*kinds: type) -> Check:
    """A check of a record with all its fields; an amount may be any number, or its text."""
    is_kind = _a(*kinds)
    decoders: dict[type, msgspec.json.Decoder[Any]] = {
        kind: msgspec.json.Decoder(kind, dec_hook=_decoded, float_hook=Amount)
        for kind in kinds
        if kind is not type(None)
    }

    def check(result: Any) -> Any:
        if is_kind(result) is None:
            return None
        decoder = next(each for kind, each in decoders.items() if isinstance(result, kind))
        return decoder.decode(msgspec.json.encode(result, enc_hook=_encoded))

    return check


_is_reading = _whole(Reading)
_is_request = _whole(Request)


def _reading(result: Any) -> Any:
    return replace(_is_reading(result), details=result.details)


def _request(result: Any) -> Any:
    _is_request(result)
    return result


def _request_or_none(result: Any) -> Any:
    return result if result is None else _request(result)


def _step(result: Any) -> Any:
    return result if isinstance(result, Question) else _request(result)


def _headers(result: Any) -> Any:
    headers = _a(Mapping)(result)
    if not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise TypeError("a header that is not text")
    return headers


_CHECKED: dict[str, Check] = {
    "ways": _anything,
    **dict.fromkeys(("settings", "options", "debit_options"), _a(str)),
}
"""What a provider checks itself, and what its check gives."""
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "request": (MAKING, _request),
    "debit_request": (MAKING, _request),
    "evidence_request": (MAKING, _request_or_none),
    "normalize": (READING, _reading, ValueError),
    "read_error": (READING, _whole(PlatformError, type(None))),
    "read_debit": (READING, _whole(DebitReceipt), ValueError),
    "read_evidence": (READING, _whole(Evidence), ValueError),
    "is_busy": (READING, _anything),
    "is_not_found": (READING, _anything),
    "is_customer": (READING, _anything),
    "check_customer": (READING, _anything, ValueError),
    "is_repeat": (READING, _anything),
    "may_have_succeeded": (READING, _anything),
    "needs_person": (MAKING, _anything),
    "why_not": (MAKING, _a(str, type(None))),
    "sent_reference": (MAKING, _a(str)),
    "debit_part": (READING, _anything),
}
"""The functions of a provider: the code of a failure, the check, and exceptions that are none."""
_STEPS: dict[str, tuple[Check, Check, int]] = {
    "look_up": (_request, _reading, 1),
    "debit_steps": (_step, _request, 0),
    "evidence_steps": (_request, _whole(Evidence, type(None)), 0),
}
"""Its generators: the checks of a step and of the result, and how many steps there must be."""
