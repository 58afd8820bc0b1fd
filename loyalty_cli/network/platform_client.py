"""Ask a platform: sign in, send the provider's request, check the answer."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from threading import Lock
from typing import TypeVar

import msgspec
from msgspec import Struct

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens, Holder
from loyalty_cli.credentials.redaction import Mask, header_secrets, mask, redact, without_secrets
from loyalty_cli.credentials.sources import (
    KEYRING,
    Credential,
    CredentialSource,
    check_secret,
    name_sources,
)
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.network.answers import (
    UndocumentedError,
    body_of,
    undocumented,
)
from loyalty_cli.network.conversation import Ask, Conversation
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.http_client import HttpClient, Sign
from loyalty_cli.network.trace import Secrecy
from loyalty_cli.providers.contract import (
    Answer,
    Attempt,
    Auth,
    Debit,
    DebitProvider,
    Evidence,
    Headers,
    Query,
    Reading,
    Request,
    Secrets,
    Steps,
    Token,
)

Made = TypeVar("Made")
Send = Callable[..., Answer]
Waiting = Callable[[str], AbstractContextManager[None]]


def _as_it_is(_: LoyaltyError) -> None:
    """Leave an error as it is."""


class DebitAnswer(Struct, frozen=True):
    """The unchanged answer to a debit; `mask` removes the credentials from a text about it.

    `explain` says in an error where refused credentials came from.
    """

    answer: Answer
    mask: Mask
    explain: Callable[[LoyaltyError], None] = _as_it_is


class PlatformClient:
    """Asks the platforms of profiles; looks for each profile's credentials once.

    Everything is asked within `waiting`, which gets the platform's name.
    """

    def __init__(
        self,
        client: HttpClient,
        credentials: CredentialSource,
        tokens: AccessTokens,
        *,
        waiting: Waiting = lambda _: nullcontext(),
    ) -> None:
        self.rate_limits = client.rate_limits
        self._client = client
        self._credentials = credentials
        self._tokens = tokens
        self._found: dict[str, Mapping[str, Credential] | LoyaltyError] = {}
        self._lock = Lock()
        self._waiting = waiting

    def raw(self, profile: Profile, query: Query) -> tuple[bytes, Reading | None]:
        """As `reading`, with the last answer's body; JSON that is not as documented has no reading.

        A balance of another customer is not returned.
        """
        reading = None
        with self._conversation(profile, query) as talk:
            with suppress(UndocumentedError):
                reading = self._read(talk, profile, query)
            return talk.shown((talk.answers[-1].body, reading))

    def reading(self, profile: Profile, query: Query) -> Reading:
        """Ask for a balance, and read it; raise LoyaltyError for an error, or at the deadline."""
        return self.aged_reading(profile, query)[0]

    def aged_reading(self, profile: Profile, query: Query) -> tuple[Reading, str | None]:
        """As `reading`, with the Age header (seconds) that a cache adds to its answer."""
        with self._conversation(profile, query) as talk:
            return talk.shown((self._read(talk, profile, query), talk.age))

    def debit_request(self, profile: Profile, query: Query, debit: Debit, ask: Ask) -> Request:
        """Take the steps before a debit, and return the request that makes it."""
        assert isinstance(profile.provider, DebitProvider)
        with self._conversation(profile, query) as talk:
            return talk.run(profile.provider.debit_steps(query, debit), ask)

    def evidence(
        self, profile: Profile, query: Query, debit: Debit
    ) -> tuple[Evidence, str | None] | None:
        """The debits that the platform lists, with Age; None if it cannot list them."""
        provider = profile.provider
        assert isinstance(provider, DebitProvider)
        with self._conversation(profile, query) as talk:
            found = talk.run(provider.evidence_steps(query, debit))
            return None if found is None else talk.shown((found, talk.age))

    def _read(self, talk: Conversation, profile: Profile, query: Query) -> Reading:
        def steps() -> Steps[Reading]:
            reading = yield from profile.provider.look_up(query)
            if reading.platform_customer is not None:
                profile.provider.check_customer(reading.platform_customer, query)
            return reading

        return talk.run(steps())

    @contextmanager
    def _conversation(self, profile: Profile, query: Query) -> Iterator[Conversation]:
        """Requests that are signed, within one deadline; errors have no secrets."""
        sign_in = _SignIn(profile, self._credentials_of(profile))
        deadline = Deadline(profile.timeout)
        secrecy = Secrecy(sign_in.mask)
        send = partial(self._client.read, profile, deadline=deadline, secrecy=secrecy)
        held: Secrets | None = None

        def signed(request: Request) -> Answer:
            nonlocal held
            held = held or self._secrets(sign_in, send)
            answer = send(request, sign=sign_in.signing(held))
            if answer.status == 401 and profile.auth.exchange:
                held = {"token": self._tokens.replace(sign_in.holder(send), held["token"])}
                answer = send(request, sign=sign_in.signing(held))
            return answer

        with self._waiting(profile.provider.title), sign_in.kept_secret():
            yield Conversation(profile, query.customer, signed, deadline, sign_in.without_secrets)

    def debit(
        self, profile: Profile, request: Request, before_first_byte: Callable[[], None]
    ) -> DebitAnswer:
        """Send a debit as `HttpClient.send_once` does, and return any answer unchanged."""
        try:
            sign_in = _SignIn(profile, self._credentials_of(profile))
            secrecy, deadline = Secrecy(sign_in.mask), Deadline(profile.timeout)
            send = partial(self._client.read, profile, deadline=deadline, secrecy=secrecy)
            with self._waiting(profile.provider.title), sign_in.kept_secret():
                sign = sign_in.signing(self._secrets(sign_in, send))
        except LoyaltyError as error:
            raise NotSentError.of(error) from None
        with self._waiting(profile.provider.title), sign_in.kept_secret():
            answer = self._client.send_once(profile, request, before_first_byte, sign, secrecy)
        return DebitAnswer(answer, sign_in.mask, sign_in.explain)

    def require_credentials(self, profile: Profile) -> None:
        """Raise LoyaltyError if a credential of a profile is missing, or cannot be read."""
        self._credentials_of(profile)

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
        self._found = found

    def signing(self, secrets: Secrets) -> Sign:
        """Return what makes the sign-in headers of an attempt from these secrets."""
        auth = self.profile.auth
        self._secrets.update(secrets.values())
        with suppress(Exception):  # raised again where a request is signed
            # Before anything is sent: a kept answer to an earlier request may repeat them.
            usual = auth.headers(secrets)
            self._secrets.update(header_secrets(_secret_ones(auth.headers, secrets, usual)))

        def sign(attempt: Attempt) -> Headers:
            make = partial(_headers, auth, attempt)
            headers = make(secrets)
            self._secrets.update(header_secrets(_secret_ones(make, secrets, headers)))
            return headers

        return sign

    def holder(self, send: Send) -> Holder:
        """Return the holder that can get a token for these credentials."""
        return Holder(self.profile, self.credentials, partial(self._exchange, send), self._keep)

    def mask(self, text: str) -> str:
        """Remove the secrets of this sign-in from a text."""
        return mask(text, self._secrets)

    def without_secrets(self, made: Made, answers: Iterable[Answer]) -> Made:
        """What was made of answers, without the secrets of this sign-in that one repeats."""
        for answer in answers:
            said = "\n".join([answer.body.decode(), *answer.headers.values()])
            if self.mask(said) != said:
                shown: Made = without_secrets(made, self.mask)
                return shown
        return made

    @contextmanager
    def kept_secret(self) -> Iterator[None]:
        """Remove the secrets from an error of the block; say where refused ones came from."""
        try:
            yield
        except LoyaltyError as error:
            redact(error, self.mask)
            self.explain(error)
            raise

    def explain(self, error: LoyaltyError) -> None:
        """Say in an error where refused credentials came from."""
        if error.code == ErrorCode.CREDENTIAL_REFUSED and not self.profile.sandbox:
            name_sources(error, self.profile.name, self._found)

    def _exchange(self, send: Send) -> Token:
        exchange = self.profile.auth.exchange
        assert exchange
        request = exchange.request(self.credentials)
        self._secrets.update(header_secrets(request.headers))
        answer = send(request, secrecy=Secrecy(self.mask, keys_only=True))
        body = body_of(answer, self.profile, customer=None)
        try:
            token = exchange.read(body)
        except ValueError as error:
            raise undocumented(answer, self.profile, error) from None
        try:
            check_secret(token.value)
        except ValueError as error:
            raise undocumented(answer, self.profile, f"the token {error}") from None
        return token


def _headers(auth: Auth, attempt: Attempt, secrets: Secrets) -> Headers:
    return {**auth.headers(secrets), **auth.sign(secrets, attempt)}


def _secret_ones(make: Callable[[Secrets], Headers], secrets: Secrets, headers: Headers) -> Headers:
    """The headers that depend on the secrets; a version or a time does not, and may be shown."""
    if all(any(secret in value for secret in secrets.values()) for value in headers.values()):
        return headers
    others = {
        name: ("1" if value.startswith("0") else "0") * len(value)
        for name, value in secrets.items()
    }
    try:
        without = make(others)
    except Exception:  # noqa: BLE001 - no such secrets are possible there
        return headers
    return {name: value for name, value in headers.items() if without.get(name) != value}
