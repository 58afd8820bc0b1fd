"""A fake platform on loopback, and the program's own client to ask it."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from threading import Condition
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec.structs import replace

from loyalty_cli.balances.lookup import BalanceReader, LookupTask, check_options
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.debits.outcome import Outcome, classify
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import ErrorCode, usage_error
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.network.connections import Call
from loyalty_cli.network.conversation import nobody
from loyalty_cli.network.http_client import HttpClient, Sign
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.rate_limit import Clock, RateLimits
from loyalty_cli.network.trace import Secrecy, Trace
from loyalty_cli.output.json_text import json_line
from loyalty_cli.providers.contract import (
    ID,
    Answer,
    Debit,
    DebitProvider,
    Evidence,
    Provider,
    Query,
    Request,
)
from loyalty_cli.providers.ways import wrong_for
from loyalty_cli.sandbox.server import Received, Reply, Server
from loyalty_cli.testing.cases import Cases, Step
from loyalty_cli.testing.each import same
from loyalty_cli.testing.json_tree import about, for_customer, shown

__tracebackhide__ = True  # pytest shows what fell short, and not this module

PROFILE = "main"
AMOUNT = 50
REFERENCE = "r-1"
"""The debit that the cases are about."""


class Told(NamedTuple):
    """What a failed look-up told its user."""

    exit_code: int
    code: str
    message: str
    provider_code: str | None


class FakePlatform:
    """Serves the replies that it is given during its `with` block, and keeps what it received.

    Look-ups and debits go through the program's own code, with a profile and credentials from the
    cases: there is no profile file, environment or keyring. Each has a client of its own, as each
    run of the program has, but no pause takes time.
    """

    def __init__(self, cases: Cases) -> None:
        self.cases = cases
        self.provider = cases.loaded
        self.received: list[Received] = []
        """The requests of the last look-up or debit, without those for a token."""
        self.exchanged: list[Received] = []
        """The requests for a token."""
        self.replied = 0
        """How many of them got one of the `replies`, and not the answer of a step in the cases."""
        self.trace: list[str] = []
        """What `-v` shows of them."""
        self._replies = [_reply(cases.answer)]
        self._steps: tuple[Step, ...] = ()
        self._customer = cases.customer
        self._token_paths = {
            auth.exchange.request(cases.credentials).path
            for auth in self.provider.auths
            if auth.exchange
        }

    def __enter__(self) -> Self:
        self._server = Server(self._handle).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        """The platform's address."""
        return self._server.url

    def replies(self, *replies: Any) -> Self:
        """Answer with these from now on, in this order; the last one stays.

        Each is a Reply, bytes, or JSON; `{}` in it stands for the customer who is asked for.
        """
        self._replies = [_reply(each) for each in replies]
        return self

    def look_up(
        self,
        *arguments: str,
        customer: str | None = None,
        auth: str | None = None,
        settings: Mapping[str, str] | None = None,
        from_first: bool = False,
    ) -> Any:
        """Look a customer up, with arguments as on the command line, and return the record.

        It is the record that `-o json` prints; its numbers are Decimals with their own digits. The
        replies are those to the last request of the look-up, since the cases have the answers to
        its `steps`; with `from_first` they are those to all requests. Raises LoyaltyError if the
        command would be refused before any request.
        """
        by, options, raw = _parsed(arguments)
        profile = self._profile(auth, settings, by)
        customer = customer or self._named(by)
        _check(self.provider, by, customer)
        task = LookupTask(profile, customer, check_options(profile, options), by, raw)
        steps = self.cases.steps if by == ID else self.cases.ways[by].steps
        reader = BalanceReader(self._client(customer, () if from_first else steps))
        with _WrongRequestsTold():
            record = reader.look_up(task)
        return json.loads(json_line(record), parse_int=Decimal, parse_float=Decimal)

    def reads(self, *arguments: str, **more: Any) -> Any:
        """The record of a look-up that must succeed."""
        record = self.look_up(*arguments, **more)
        if error := record["error"]:
            raise AssertionError(f"the look-up failed: {error['code']}: {error['message']}")
        return record

    def tells(self, *arguments: str, **more: Any) -> Told:
        """What a look-up that must fail tells its user."""
        record = self.look_up(*arguments, **more)
        error = record["error"]
        if error is None:
            lines = shown(record.get("balances", record.get("raw")))
            raise AssertionError(f"the look-up succeeded, with the lines {lines}")
        if "raw" not in record:
            same(record["balances"], [], "balances of a failed look-up")
            same(record["details"], None, "details of a failed look-up")
        code = exit_code_of(ErrorCode(error["code"]))
        return Told(int(code), error["code"], error["message"], error["provider_code"])

    def debit(self, by: str, *arguments: str) -> Outcome:
        """Debit 50 with the reference r-1, and return what the answer proves.

        `arguments` can be `-O name=value`, for an option of the profile that debits have. Each
        question is answered with `debits.typed` of the cases.
        """
        assert isinstance(self.provider, DebitProvider)
        assert self.cases.debits
        profile, debit = self._debit_profile(by, arguments), self.a_debit(by)
        client = self._client(debit.customer, self.cases.debits.requests[by][:-1])
        with _WrongRequestsTold():
            request = client.debit_request(profile, _query(profile, debit), debit, self._typed)
            answer = client.debit(profile, request, lambda: None)
        return classify(answer, debit, profile, self.provider)

    def evidence(self, by: str, *arguments: str) -> Evidence | None:
        """Ask for the evidence of that debit; None if the provider has no request for it.

        A look-up of the balance before it is answered as the cases say.
        """
        profile, debit = self._debit_profile(by, arguments), self.a_debit(by)
        client = self._client(debit.customer, self._balance_steps(by))
        with _WrongRequestsTold():
            found = client.evidence(profile, _query(profile, debit), debit)
        return None if found is None else found[0]

    def a_debit(self, by: str, amount: int = AMOUNT) -> Debit:
        """The debit that the cases are about, or one of another amount."""
        assert self.cases.debits
        at = datetime(2026, 11, 20, 5, tzinfo=UTC)
        return Debit(self._named(by), self.cases.debits.unit, amount, REFERENCE, at)

    def _balance_steps(self, by: str) -> tuple[Step, ...]:
        cases = self.cases
        if by == ID:
            return (*cases.steps, Step(cases.path, cases.answer, cases.query))
        way = cases.ways[by]
        answer = cases.answer if way.answer is None else way.answer
        return (*way.steps, Step(way.path, answer, way.query))

    def _named(self, by: str) -> str:
        return self.cases.customer if by == ID else self.cases.ways[by].customer

    def _typed(self, question: str) -> str:
        debits = self.cases.debits
        return nobody(question) if debits is None or debits.typed is None else debits.typed

    def _debit_profile(self, by: str, arguments: Iterable[str]) -> Profile:
        """A profile whose debits have these options, signed in as debits may be."""
        assert isinstance(self.provider, DebitProvider)
        _, options, _ = _parsed(arguments)
        checks = {option.name: option.check for option in self.provider.debit_options}
        if unknown := options.keys() - checks.keys():
            raise AssertionError(f"debit_options has no {', '.join(sorted(unknown))}")
        checked = {name: checks[name](value) for name, value in options.items()}
        auth = next(iter(self.provider.debit_auths), None)
        return replace(self._profile(auth, by=by), options=checked)

    def _profile(
        self,
        auth: str | None = None,
        settings: Mapping[str, str] | None = None,
        by: str = ID,
    ) -> Profile:
        provider = self.provider
        given = {**self.cases.settings, **(settings or {})}
        checks = {setting.name: setting.check for setting in provider.settings}
        required = {setting.name for setting in provider.settings if setting.required}
        if wrong := sorted((given.keys() - checks.keys()) | (required - given.keys())):
            raise AssertionError(
                f"settings of the cases must have {shown(sorted(required))}, and of others only"
                f" what the provider has: see {', '.join(wrong)}"
            )
        found = provider.auth(auth)
        assert found
        return Profile(
            name=PROFILE,
            provider=provider,
            auth=found,
            base_url=self.url,
            settings={name: checks[name](value) for name, value in given.items()},
            by=by,
        )

    def _client(self, customer: str, steps: tuple[Step, ...]) -> PlatformClient:
        self.received.clear()
        self.exchanged.clear()
        self.trace.clear()
        self.replied = 0
        self._customer, self._steps = customer, steps
        trace = Trace(lambda *lines: self.trace.extend(lines), whole=True)
        http = _LoopbackClient(self.url, trace)
        return PlatformClient(http, _Credentials(self.cases), AccessTokens(KeyringStore()))

    def _handle(self, received: Received) -> Reply:
        if received.path in self._token_paths:
            self.exchanged.append(received)
            return _reply(self.cases.token)
        self.received.append(received)
        step = _answered(self._steps, received, self._customer)
        if step:
            reply = _reply(step.answer)
        else:
            self.replied += 1
            reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return replace(reply, body=about(reply.body, self._customer))


class _LoopbackClient(HttpClient):
    """A client that sends the requests to every host of a platform to one address."""

    def __init__(self, url: str, trace: Trace) -> None:
        super().__init__(trace, RateLimits(clock=_PassingClock()), sleep=lambda _: None)
        self._url = url

    def _send(
        self, profile: Profile, request: Request, call: Call, sign: Sign, secrecy: Secrecy
    ) -> Answer:
        _check_types(request)
        if request.base_url is not None:
            path = urlsplit(request.base_url).path.rstrip("/")
            request = replace(request, base_url=self._url + path)
        return super()._send(profile, request, call, sign, secrecy)


class _PassingClock(Clock):
    """A clock that jumps to the end of each wait."""

    def __init__(self) -> None:
        self._time = 1000.0

    def now(self) -> float:
        """The time."""
        return self._time

    def wait(self, changed: Condition, seconds: float) -> None:  # noqa: ARG002 - the clock's
        """Jump."""
        self._time += seconds


class _Credentials:
    """The credentials of the cases, in place of the real sources."""

    def __init__(self, cases: Cases) -> None:
        self._known = cases.credentials

    def find(self, profile: Profile, name: str) -> Credential | None:  # noqa: ARG002 - the source's
        """Find one credential; None if the cases have none of that name."""
        secret = self._known.get(name)
        return None if secret is None else Credential(secret, "the cases", "cases")

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        """Find every credential that the sign-in needs."""
        return {
            name: Credential(self._known[name], "the cases", "cases")
            for name in profile.auth.fields
        }


class _WrongRequestError(Exception):
    """A request of a provider that has something of a wrong type in it."""


def _check_types(request: Request) -> None:
    """Raise _WrongRequestError, with the place, for what only fails far away from its author."""
    try:
        msgspec.convert(msgspec.structs.asdict(request), Request)
    except msgspec.ValidationError as error:
        why = str(error).replace("`", "").replace("$.", "")
        raise _WrongRequestError(f"the request to {shown(request.path)} is wrong: {why}") from None


class _WrongRequestsTold:
    """Raises AssertionError for a wrong request, without the way that it took."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, _WrongRequestError):
            raise AssertionError(str(error)) from None  # noqa: TRY004 - what falls short


def _reply(answer: Any) -> Reply:
    return answer if isinstance(answer, Reply) else Reply(body=answer)


def _query(profile: Profile, debit: Debit) -> Query:
    return Query(debit.customer, profile.settings, profile.options, profile.by)


def _check(provider: Provider, by: str, customer: str) -> None:
    check_customer(customer)
    if why := wrong_for(provider, by, customer):
        usage_error(why)


def _parsed(arguments: Iterable[str]) -> tuple[str, dict[str, str], bool]:
    """The way, the query options, and whether the answer is wanted raw."""
    by, options, raw = ID, dict[str, str](), False
    words = iter(arguments)
    for word in words:
        match word:
            case "-O" | "--option":
                name, _, value = next(words).partition("=")
                options[name] = value
            case "--by":
                by = next(words)
            case "--raw":
                raw = True
            case _:
                raise ValueError(
                    f"{word} is no argument of a case, which can have -O, --by and --raw;"
                    " another customer is `customer=`"
                )
    return by, options, raw


def _answered(steps: Iterable[Step], received: Received, customer: str) -> Step | None:
    """The step that a request is; where several fit, the one that says most about the query."""
    fitting = [step for step in steps if _is(step, received, customer)]
    return max(fitting, key=lambda step: len(step.query), default=None)


def _is(step: Step, received: Received, customer: str) -> bool:
    path = tuple(for_customer(step.path, customer))
    query = for_customer(step.query, customer)
    return received.path == path and query.items() <= received.query.items()


def sent_body(received: Received) -> Any:
    """The JSON or the form of a request; None if it has no body."""
    if not received.body:
        return None
    if received.headers.get("content-type") == "application/x-www-form-urlencoded":
        return dict(parse_qsl(received.body.decode(), keep_blank_values=True))
    return json.loads(received.body)
