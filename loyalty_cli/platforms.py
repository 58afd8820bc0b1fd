"""Asking a platform: sign in as a profile, send what its provider wants sent, judge the answer."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from threading import Lock

import msgspec
from msgspec.structs import replace

from loyalty_cli.credentials import KEYRING, CredentialSource, Found, check_secret
from loyalty_cli.deadline import Deadline
from loyalty_cli.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.http import Client
from loyalty_cli.profile import Profile
from loyalty_cli.providers.contract import (
    Answer,
    Exchange,
    Headers,
    Query,
    Reading,
    Request,
    Secrets,
    Token,
)
from loyalty_cli.redaction import redact
from loyalty_cli.tokens import Holder, Tokens
from loyalty_cli.verdict import read_json, unreadable, verdict

Send = Callable[[Request], Answer]

PUBLIC_HEADERS = frozenset({"application/json"})
"""Values of headers that are no secret, though they are sent with the sign-in."""


class Platforms:
    """The platforms behind profiles; each profile's credentials are looked for once."""

    def __init__(self, client: Client, credentials: CredentialSource, tokens: Tokens) -> None:
        self._client = client
        self._credentials = credentials
        self._tokens = tokens
        self._found: dict[str, Mapping[str, Found] | LoyaltyError] = {}
        self._lock = Lock()

    def ask(self, profile: Profile, query: Query) -> Answer:
        """Ask for a balance within the profile's timeout, sign-in included.

        Raises LoyaltyError for everything but an answer that may hold one.
        """
        found = self._credentials_of(profile)
        deadline = Deadline(profile.timeout)
        secrets = {name: each.secret for name, each in found.items()}
        sent = set(secrets.values())

        def send(request: Request) -> Answer:
            sent.update(_header_secrets(request))
            return self._client.read(profile, request, profile.provider.is_busy, deadline)

        with _redacted(sent):
            request = profile.provider.request(query)
            if exchange := profile.auth.exchange:
                keep = all(each.kind == KEYRING for each in found.values())
                new_token = partial(_exchange, profile, exchange, secrets, send)
                answer = self._with_token(Holder(profile, secrets, new_token, keep), request, send)
            else:
                answer = send(_signed(request, profile.auth.headers(secrets)))
            if error := verdict(answer, profile, query.customer):
                raise error
        return answer

    def reading(self, profile: Profile, query: Query) -> Reading:
        """Ask for a balance, and read what the answer says; raise LoyaltyError as `ask` does."""
        return self.read(self.ask(profile, query), profile, query)

    def read(self, answer: Answer, profile: Profile, query: Query) -> Reading:
        """Read the answer to a look-up; raise LoyaltyError where it is not as documented."""
        body = read_json(answer, profile)
        try:
            return profile.provider.normalize(body, query)
        except ValueError as error:
            raise unreadable(answer, profile, error) from None

    def debit(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> Answer:
        """Send a debit, once, and give whatever answer came.

        `before_first_byte` may still stop it, by raising LoyaltyError. Raises NotSentError where
        nothing was sent, and any other LoyaltyError where it was sent and no whole answer came. The
        answer is kept as evidence, so there are no credentials in it.
        """
        try:
            found = self._credentials_of(profile)
        except LoyaltyError as error:
            raise NotSentError.of(error) from None
        secrets = {name: each.secret for name, each in found.items()}
        signed = _signed(request, profile.auth.headers(secrets))
        sent = {*secrets.values(), *_header_secrets(signed)}
        with _redacted(sent):
            answer = self._client.send_once(profile, signed, before_first_byte)
        return _masked(answer, sent)

    def fingerprint(self, profile: Profile, salt: str) -> str:
        """What tells a profile's credentials from others, without a way back to them.

        Raises LoyaltyError where they cannot be found.
        """
        found = self._credentials_of(profile)
        pairs = msgspec.json.encode(sorted((name, each.secret) for name, each in found.items()))
        digest = hashlib.scrypt(pairs, salt=salt.encode(), n=2**12, r=8, p=1, dklen=8)
        return digest.hex()

    def turn_to_debit(
        self, profile: Profile, check: Callable[[], None]
    ) -> AbstractContextManager[None]:
        """Wait for a turn to make a debit, as the client does."""
        return self._client.turn_to_debit(profile, check)

    def is_paused(self, profile: Profile) -> bool:
        """Whether the platform wants no debits now."""
        return self._client.is_paused(profile.name)

    def is_closed(self, profile: str, *, debits: bool = False) -> bool:
        """Whether the platform asked to be left alone for longer than anybody waits here."""
        return self._client.is_closed(profile, debits=debits)

    def _with_token(self, holder: Holder, request: Request, send: Send) -> Answer:
        """Send with the token at hand; when the platform no longer takes it, with a new one."""
        headers = holder.profile.auth.headers
        token = self._tokens.get(holder)
        answer = send(_signed(request, headers({"token": token})))
        if answer.status == 401:
            token = self._tokens.replace(holder, token)
            answer = send(_signed(request, headers({"token": token})))
        return answer

    def _credentials_of(self, profile: Profile) -> Mapping[str, Found]:
        with self._lock:
            if profile.name not in self._found:
                try:
                    self._found[profile.name] = self._credentials.require(profile)
                except LoyaltyError as error:
                    self._found[profile.name] = error
            found = self._found[profile.name]
        if isinstance(found, LoyaltyError):
            raise found
        return found


def _header_secrets(request: Request) -> Iterator[str]:
    return (value.rpartition(" ")[2] for value in request.headers.values())


@contextmanager
def _redacted(secrets: set[str]) -> Iterator[None]:
    try:
        yield
    except LoyaltyError as error:
        redact(error, secrets - PUBLIC_HEADERS)
        raise


def _masked(answer: Answer, secrets: set[str]) -> Answer:
    """The answer without the credentials that a platform may repeat in it."""
    text = LoyaltyError(
        ErrorCode.BAD_RESPONSE, answer.body.decode("utf-8", errors="surrogateescape")
    )
    redact(text, secrets - PUBLIC_HEADERS)
    return replace(answer, body=text.message.encode("utf-8", errors="surrogateescape"))


def _signed(request: Request, headers: Headers) -> Request:
    return replace(request, headers={**request.headers, **headers})


def _exchange(profile: Profile, exchange: Exchange, secrets: Secrets, send: Send) -> Token:
    answer = send(exchange.request(secrets))
    if error := verdict(answer, profile, customer=None):
        raise error
    try:
        return _sendable(exchange.read(read_json(answer, profile)))
    except ValueError as wrong:
        raise unreadable(answer, profile, wrong) from None


def _sendable(token: Token) -> Token:
    try:
        check_secret(token.value)
    except ValueError as error:
        raise ValueError(f"the token {error}") from None
    return token
