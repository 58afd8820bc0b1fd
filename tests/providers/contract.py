"""What every provider is held to: the data that its cases give, and a platform to ask."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from msgspec import Struct, field
from msgspec.structs import replace

from loyalty_cli import providers
from loyalty_cli.sandbox.server import Handle, Received, Reply, Server
from tests.conftest import Outcome, Run

if TYPE_CHECKING:
    from loyalty_cli.providers.contract import Provider

CUSTOMER = "C-1001"
PROFILE = "main"
HTML = b"<!DOCTYPE html><title>Nice weather</title><h1>Welcome</h1>"
LINE = dict.fromkeys(
    [
        *("name", "kind", "unit", "includes_pending", "sum_of", "available", "pending", "total"),
        *("earned", "redeemed", "expired", "cancelled", "count", "value", "next_expiry"),
    ]
) | {"basis": "stated"}
VALUE = {"currency": None, "available": None, "pending": None, "total": None}


class DebitCases(Struct, frozen=True, kw_only=True):
    """A provider's part of the contract of debits."""

    unit: str
    """The unit of a line of `answer` that has something available."""
    codes: Mapping[str, str]
    """Every code of the platform, and the state in which it must leave a debit."""
    refuses: Callable[[str], Reply]
    """The platform's own error with such a code."""
    success: Mapping[str, Any]
    """What confirms 50 of `unit` with the reference r-1, and nothing that may be missing."""


class Reads(NamedTuple):
    """An answer, and what of the record must come of it, digit for digit.

    Balance lines are given without the keys that are null; `arguments` are those of the command.
    """

    answer: Any
    record: Mapping[str, Any]
    arguments: tuple[str, ...] = ()


class Fails(NamedTuple):
    """A status and a body, and what a user is told of it after so many requests."""

    status: int
    body: Any
    exit_code: int
    code: str
    provider_code: str | None = None
    words: str = ""
    requests: int = 1


def no_answer(body: Any, status: int = 200) -> Fails:
    """A body that is not the platform speaking."""
    return Fails(status, body, 7, "bad_response")


class Cases(Struct, frozen=True, kw_only=True):
    """One provider's part of the contract.

    Places in `answer` are dotted, such as `data.0.points`; places in the record begin with the
    name of a balance line, such as `points.available`. `{}` stands for the customer, in `path` and
    `query`, and as a text in any answer.
    """

    provider: str
    answer: Any
    """The platform's own example, or one like it."""
    balances: list[dict[str, Any]]
    """What becomes of it, without the keys that are null."""
    amounts: Mapping[str, str]
    """Each amount in the answer, and where in the record it must come out digit for digit."""
    path: tuple[str, ...]
    signs_in: Mapping[str, Mapping[str, str]]
    """The headers that each way of signing in must send, whole."""
    credentials: Mapping[str, str]
    not_found: Reply
    refused: Reply
    throttled: Reply
    texts: tuple[str, ...] = ()
    """Places in the answer that must hold text."""
    required: tuple[str, ...] = ()
    """Places in the answer without which it is no answer."""
    home: str = ""
    """Where in the answer the object is that has the amounts."""
    not_answers: tuple[Any, ...] = (None, "text", 5, True, [])
    reads: Mapping[str, Reads] = {}
    """Other answers of the platform, by what is special about them."""
    fails: Mapping[str, Fails] = {}
    """Its errors, and what is none of them."""
    query: Mapping[str, str] = {}
    options: Mapping[str, tuple[str, Mapping[str, str]]] = {}
    """Each query option: a value for it, and what it must become in the query."""
    settings: Mapping[str, str] = {}
    token: Any = None
    """The answer to the exchange of credentials for a token."""
    details: Any = None
    warnings: list[dict[str, str]] = field(default_factory=list)
    debits: DebitCases | None = None
    """What a provider that can debit is held to besides."""
    foreign_404: int = 7
    """The exit code of a 404 whose body is not the platform's own."""

    @property
    def optional(self) -> list[str]:
        """The amounts that an answer need not have."""
        return [place for place in self.amounts if place not in self.required]

    def full_balances(self) -> list[dict[str, Any]]:
        """The balance lines with every key that the record promises."""
        return [full(line) for line in self.balances]


def warned(code: str, *messages: str) -> list[dict[str, str]]:
    """Warnings with a code, as a record has them."""
    return [{"code": code, "message": message} for message in messages]


def full(line: Mapping[str, Any]) -> dict[str, Any]:
    """A balance line with every key that the record promises."""
    assert line.keys() <= LINE.keys()
    filled = {**LINE, **line}
    if "value" in line:
        filled["value"] = {**VALUE, **line["value"]}
    return filled


def exact(tree: Any) -> Any:
    """A JSON tree whose numbers are equal only to those with the same digits."""
    if isinstance(tree, Mapping):
        return {key: exact(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [exact(value) for value in tree]
    return repr(Decimal(tree)) if type(tree) in (int, Decimal) else tree


def changed(answer: Any, place: str, value: Any) -> Any:
    """The answer with another value in one place; `...` takes the key away."""
    if not place:
        return value
    tree = deepcopy(answer)
    *way, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    node = tree
    for step in way:
        node = node[step]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return tree


def with_raw(answer: Any, raw: Mapping[str, str]) -> bytes:
    """The answer as JSON, with a text of one's own where each value would stand."""
    for place in raw:
        answer = changed(answer, place, f"@{place}@")
    text = json.dumps(answer)
    for place, value in raw.items():
        text = text.replace(f'"@{place}@"', value)
    return text.encode()


def about(body: Any, customer: str) -> bytes:
    """An answer about this customer, whose identifier takes the place of each text `{}` in it."""
    content: bytes = body if isinstance(body, bytes) else json.dumps(body).encode()
    return content.replace(b'"{}"', json.dumps(customer).encode())


def at(record: Any, place: str) -> Any:
    """What stands in a place of the record; None where there is no such line."""
    name, *way = place.split(".")
    node = next((line for line in record["balances"] if line["name"] == name), None)
    for step in way:
        node = None if node is None else node[step]
    return node


def digits(outcome: Outcome) -> Any:
    """The only record, each of its numbers as the text it was printed as."""
    (record,) = json.loads(outcome.out, parse_int=str, parse_float=str)
    return record


class Told(NamedTuple):
    """What a failed look-up told its user."""

    exit_code: int
    code: str
    message: str
    provider_code: str | None


class CasesPlatform:
    """One provider, asked through the program; a server on loopback stands for its platform."""

    def __init__(
        self,
        cases: Cases,
        loyalty: Run,
        profile_file: Callable[[str], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.cases = cases
        self.provider: Provider = providers.load(cases.provider)
        self.received: list[Received] = []
        self.script: Handle | None = None
        self.asked = CUSTOMER
        self.url = ""
        self._loyalty = loyalty
        self._write = profile_file
        self._replies: list[Reply] = [Reply(body=cases.answer)]
        for name, secret in cases.credentials.items():
            monkeypatch.setenv(f"LOYALTY_{PROFILE}_{name}".upper(), secret)

    @contextmanager
    def answering(self) -> Iterator["CasesPlatform"]:
        """Serve until the block ends."""
        with Server(self._handle) as server:
            self.url = server.url
            self.profile()
            yield self

    def profile(self, **keys: Any) -> None:
        """Write the profile; `keys` come on top of those that every one of them needs."""
        entry = {
            "provider": self.cases.provider,
            "base_url": self.url,
            **self.cases.settings,
            **keys,
        }
        self._write(json.dumps({"default_profile": PROFILE, "profiles": {PROFILE: entry}}))

    def replies(self, *replies: Any) -> "CasesPlatform":
        """Answer with these from now on, in this order; the last one stays."""
        self._replies = [
            reply
            if isinstance(reply, Reply)
            else Reply(body=reply if isinstance(reply, bytes) else json.dumps(reply).encode())
            for reply in replies
        ]
        return self

    def run(self, *arguments: str, customer: str = CUSTOMER) -> Outcome:
        """Look a customer up in JSON, or as `arguments` have it."""
        self.received.clear()
        self.asked = customer
        return self._loyalty("balance", customer, "-o", "json", *arguments)

    def reads(self, *arguments: str) -> Any:
        """The record of a look-up that must go well."""
        done = self.run(*arguments)
        assert (done.code, done.err) == (0, "")
        return done.record

    def tells(self, *arguments: str) -> Told:
        """What a look-up that must fail told its user."""
        done = self.run(*arguments)
        error = done.record["error"]
        assert done.record["balances"] == []
        assert done.record["details"] is None
        assert 1 <= len(done.err.splitlines()) <= 2
        assert done.err.startswith("Error: ")
        assert "Traceback" not in done.err
        return Told(done.code, error["code"], error["message"], error["provider_code"])

    def _handle(self, received: Received) -> Reply:
        self.received.append(received)
        reply = self._reply_to(received)
        return replace(reply, body=about(reply.body, self.asked))

    def _reply_to(self, received: Received) -> Reply:
        if self.script is not None:
            return self.script(received)
        if received.method == "POST" and self.cases.token is not None:
            return Reply(body=self.cases.token)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


def cases_of(name: str) -> Cases | None:
    """The cases of a provider; None where there are none."""
    try:
        module = import_module(f"tests.providers.test_{name}")
    except ModuleNotFoundError:
        return None
    found = getattr(module, "CASES", None)
    return found if isinstance(found, Cases) else None
