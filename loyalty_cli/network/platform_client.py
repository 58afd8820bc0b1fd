"""Ask a platform: sign in, send the provider's request, check the answer."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens, Holder
from loyalty_cli.credentials.redaction import Mask, header_secrets, mask, redact, without_secrets
from loyalty_cli.credentials.sources import KEYRING, Credential, CredentialSource, check_secret
from loyalty_cli.model.errors import LoyaltyError, NotSentError
from loyalty_cli.network.answers import body_of, unreadable
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.failures import timed_out
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.providers.contract import Answer, Query, Reading, Request, Secrets, Token

Made = TypeVar("Made")
Send = Callable[[Request], Answer]


class DebitAnswer(Struct, frozen=True):
    """The unchanged answer to a debit; `mask` removes the credentials from a text about it."""

    answer: Answer
    mask: Mask


class PlatformClient:
    """Asks the platforms of profiles; looks for each profile's credentials once."""

    def __init__(
        self, client: HttpClient, credentials: CredentialSource, tokens: AccessTokens
    ) -> None:
        self.rate_limits = client.rate_limits
        self._client = client
        self._credentials = credentials
        self._tokens = tokens
        self._found: dict[str, Mapping[str, Credential] | LoyaltyError] = {}
        self._lock = Lock()

    def ask(self, profile: Profile, query: Query) -> Answer:
        """Ask for a balance; raise LoyaltyError for an error, or at the deadline."""
        return self._asked(profile, query, lambda answer, _: answer)

    def reading(self, profile: Profile, query: Query) -> Reading:
        """Ask for a balance, and read it; raise LoyaltyError as `ask` does."""
        return self.aged_reading(profile, query)[0]

    def aged_reading(self, profile: Profile, query: Query) -> tuple[Reading, str | None]:
        """As `reading`, with the Age header (seconds) that a cache adds to its answer."""

        def read(answer: Answer, body: Any) -> tuple[Reading, str | None]:
            try:
                reading = profile.provider.normalize(body, query)
            except ValueError as error:
                raise unreadable(answer, profile, error) from None
            return reading, answer.headers.get("age")

        return self._asked(profile, query, read)

    def _asked(self, profile: Profile, query: Query, read: Callable[[Answer, Any], Made]) -> Made:
        sign_in = _SignIn(profile, self._credentials_of(profile))
        deadline = Deadline(profile.timeout)
        send = partial(self._client.read, profile, deadline=deadline)
        with sign_in.kept_secret():
            request = profile.provider.request(query)
            secrets = self._secrets(sign_in, send)
            answer = send(sign_in.sign(request, secrets))
            if answer.status == 401 and profile.auth.exchange:
                token = self._tokens.replace(sign_in.holder(send), secrets["token"])
                answer = send(sign_in.sign(request, {"token": token}))
            made = read(answer, body_of(answer, profile, query.customer))
            if sign_in.is_repeated_in(answer):
                made = without_secrets(made, sign_in.mask)
            if deadline.left() <= 0:  # also when reading took too long
                raise timed_out(f"{profile.provider.title} at {profile.host}", profile.timeout)
        return made

    def debit(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> DebitAnswer:
        """Send a debit as `HttpClient.send_once` does, and return any answer unchanged."""
        try:
            sign_in = _SignIn(profile, self._credentials_of(profile))
            send = partial(self._client.read, profile, deadline=Deadline(profile.timeout))
            with sign_in.kept_secret():
                signed = sign_in.sign(request, self._secrets(sign_in, send))
        except LoyaltyError as error:
            raise NotSentError.of(error) from None
        with sign_in.kept_secret():
            answer = self._client.send_once(profile, signed, before_first_byte)
        return DebitAnswer(answer, sign_in.mask)

    def fingerprint(self, profile: Profile, salt: str) -> str:
        """A one-way digest of a profile's credentials, to see whether they changed."""
        found = self._credentials_of(profile)
        pairs = msgspec.json.encode(sorted((name, each.secret) for name, each in found.items()))
        digest = hashlib.scrypt(pairs, salt=salt.encode(), n=2**12, r=8, p=1, dklen=8)
        return digest.hex()

    def _secrets(self, sign_in: "_SignIn", send: Send) -> Secrets:
        """The secrets that sign a request: the credentials, or an access token for them."""
        if not sign_in.profile.auth.exchange:
            return sign_in.credentials
        return {"token": self._tokens.get(sign_in.holder(send))}

    def _credentials_of(self, profile: Profile) -> Mapping[str, Credential]:
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


class _SignIn:
    """How a profile signs in, and every secret that it uses."""

    def __init__(self, profile: Profile, found: Mapping[str, Credential]) -> None:
        self.credentials = {name: each.secret for name, each in found.items()}
        self.profile = profile
        self._keep = all(each.kind == KEYRING for each in found.values())
        self._secrets = set(self.credentials.values())

    def sign(self, request: Request, secrets: Secrets) -> Request:
        """Return the request with the sign-in headers made from these secrets."""
        headers = self.profile.auth.headers(secrets)
        self._secrets.update(secrets.values(), header_secrets(headers))
        return replace(request, headers={**request.headers, **headers})

    def holder(self, send: Send) -> Holder:
        """Return the holder that can get a token for these credentials."""
        return Holder(self.profile, self.credentials, partial(self._exchange, send), self._keep)

    def mask(self, text: str) -> str:
        """Remove the secrets of this sign-in from a text."""
        return mask(text, self._secrets)

    def is_repeated_in(self, answer: Answer) -> bool:
        """Whether an answer contains a secret of this sign-in."""
        said = "\n".join([answer.body.decode(), *answer.headers.values()])
        return self.mask(said) != said

    @contextmanager
    def kept_secret(self) -> Iterator[None]:
        """Remove the secrets from an error that is raised in the block."""
        try:
            yield
        except LoyaltyError as error:
            redact(error, self.mask)
            raise

    def _exchange(self, send: Send) -> Token:
        exchange = self.profile.auth.exchange
        assert exchange
        request = exchange.request(self.credentials)
        self._secrets.update(header_secrets(request.headers))
        answer = send(request)
        body = body_of(answer, self.profile, customer=None)
        try:
            token = exchange.read(body)
        except ValueError as error:
            raise unreadable(answer, self.profile, error) from None
        try:
            check_secret(token.value)
        except ValueError as error:
            raise unreadable(answer, self.profile, f"the token {error}") from None
        return token
