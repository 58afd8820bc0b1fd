"""The cases of a provider: what its platform sends, and what must come of it."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from msgspec import Struct

from loyalty_cli import providers
from loyalty_cli.providers.contract import Provider
from loyalty_cli.sandbox.server import Received, Reply

Header = str | Callable[[Received], str]
"""The value of a header; one that is signed is made from the request that came."""

LINE = dict.fromkeys(
    [
        *("name", "kind", "unit", "includes_pending", "sum_of", "available", "pending", "total"),
        *("earned", "redeemed", "expired", "cancelled", "count", "value", "next_expiry"),
    ]
) | {"basis": "stated"}
PARTS = {
    "value": dict.fromkeys(("currency", "available", "pending", "total")),
    "next_expiry": dict.fromkeys(("amount", "value", "at")),
}
"""The parts of a balance line that have keys of their own."""


class Step(NamedTuple):
    """A request, and its answer if it is not the last one; `sends` is its JSON or form."""

    path: tuple[str, ...]
    answer: Any = None
    query: Mapping[str, str] = {}
    method: str = "GET"
    sends: Mapping[str, Any] | None = None


class WayCases(NamedTuple):
    """A way to name a customer: whom, and the request for the balance, as in Cases.

    `answer` is the platform's, if it is not the same as by id, and `unknown` what it answers about
    a customer that it does not have.
    """

    customer: str
    path: tuple[str, ...]
    query: Mapping[str, str] = {}
    answer: Any = None
    unknown: Any = None
    steps: tuple[Step, ...] = ()
    method: str = "GET"
    sends: Mapping[str, Any] | None = None


class Reads(NamedTuple):
    """An answer, and the part of the record that must come of it, digit for digit.

    Balance lines are without the keys that are null; `arguments` are those of the command.
    """

    answer: Any
    record: Mapping[str, Any]
    arguments: tuple[str, ...] = ()


class Fails(NamedTuple):
    """A status and a body, and what a user is told of it after so many requests.

    It is the answer to the last request, or to all of them with `from_first`.
    """

    status: int
    body: Any
    exit_code: int
    code: str
    provider_code: str | None = None
    words: str = ""
    requests: int = 1
    arguments: tuple[str, ...] = ()
    from_first: bool = False


class DebitCases(Struct, frozen=True, kw_only=True):
    """The cases of a provider's debits."""

    unit: str
    """The unit of a line of `answer` that has something available."""
    codes: Mapping[str, str]
    """Every error code of the platform, and the state in which it must leave a debit."""
    refuses: Callable[[str], Reply]
    """The platform's own error with such a code."""
    success: Mapping[str, Any]
    """The answer that confirms 50 of `unit` with the reference r-1.

    Each field proves the debit, so that `read_debit` refuses another value in it, or comes out in
    the receipt, or is in `free`.
    """
    requests: Mapping[str, tuple[Step, ...]]
    """For each way to name its customer, the requests of that debit: those before it, and itself.

    Of the last body, `sends` is what must be there; more may be, such as the time.
    """
    evidence: Any = None
    """The answer to the request for evidence, with that debit in it."""
    free: tuple[str, ...] = ()
    """Places in `success` that may be anything, with all that is below them."""
    typed: str | None = None
    """What a person types at each `Question`."""


class Cases(Struct, frozen=True, kw_only=True):
    """The cases of one provider.

    Places in `answer` are dotted, such as `data.0.points`; places in the record begin with the
    name of a balance line, such as `points.available`. `{}` stands for the customer.
    """

    provider: str | Provider
    """The provider, or its name; that of a package is the name of its entry point."""
    answer: Any
    """The platform's own example, or one like it."""
    balances: list[dict[str, Any]]
    """The balance lines that become of it, without the keys that are null."""
    amounts: Mapping[str, str]
    """Each amount in the answer, and where in the record it must come out digit for digit."""
    path: tuple[str, ...]
    query: Mapping[str, str] = {}
    method: str = "GET"
    sends: Mapping[str, Any] | None = None
    """The request for the balance, and its JSON or form."""
    signs_in: Mapping[str, Mapping[str, Header]]
    """The headers that each way to sign in must send, whole."""
    credentials: Mapping[str, str]
    not_found: Reply
    """The platform's own answer for an unknown customer."""
    refused: Reply = Reply(401)
    """Its answer to wrong credentials."""
    throttled: Reply = Reply(429)
    """Its answer to too many requests."""
    customer: str = "C-1001"
    platform_customer: str | None = None
    """The customer's id that the answer names, if it names one."""
    details: Any = None
    warnings: list[dict[str, str]] = []
    texts: tuple[str, ...] = ()
    """Places in the answer that must hold text."""
    required: tuple[str, ...] = ()
    """Places in the answer without which it is no answer."""
    home: str = ""
    """Where in the answer the object is that has the amounts."""
    not_answers: tuple[Any, ...] = (None, "text", 5, True, [])
    """JSON of a wrong shape."""
    reads: Mapping[str, Reads] = {}
    """Other answers of the platform, by what is special about them."""
    fails: Mapping[str, Fails] = {}
    """Its errors, and what is none of them."""
    steps: tuple[Step, ...] = ()
    """The requests before the one for the balance, for a look-up that takes several."""
    ways: Mapping[str, WayCases] = {}
    """Each way to name a customer, besides the id."""
    options: Mapping[str, tuple[str, Mapping[str, str]]] = {}
    """Each query option: a value for it, and what it must become in the query."""
    settings: Mapping[str, str] = {}
    token: Any = None
    """The answer to the exchange of credentials for a token."""
    debits: DebitCases | None = None
    """The cases of debits, if the provider can debit."""
    foreign_404: int = 7
    """The exit code of a 404 whose body is not the platform's own."""

    @property
    def loaded(self) -> Provider:
        """The provider itself; raise LoyaltyError if there is none of that name."""
        return _as_written(self.provider) if isinstance(self.provider, str) else self.provider

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.provider if isinstance(self.provider, str) else self.provider.name

    @property
    def optional(self) -> list[str]:
        """The amounts that an answer need not have."""
        return [place for place in self.amounts if place not in self.required]

    def full_balances(self) -> list[dict[str, Any]]:
        """The balance lines with every key that the record promises."""
        return [full(line) for line in self.balances]


def is_known(cases: Cases) -> bool:
    """Whether the provider of the cases is there, though it may not load."""
    return isinstance(cases.provider, Provider) or cases.provider in providers.names()


def _as_written(name: str) -> Provider:
    """The provider of that name, with nothing between it and its author.

    `providers.load` says in words what is wrong with a package. But what it returns may turn
    exceptions of a package into errors for a user, which an author must see as they are.
    """
    loaded = providers.load(name)
    points = entry_points(group=providers.ENTRY_POINTS, name=name)
    if name in providers.BUILT_IN or not points:
        return loaded
    kind: type[Provider] = next(iter(points)).load()
    return kind()


def no_answer(body: Any, status: int = 200) -> Fails:
    """A body that is not the platform's own."""
    return Fails(status, body, 7, "bad_response")


def warned(code: str, *messages: str) -> list[dict[str, str]]:
    """Warnings with a code, as a record has them."""
    return [{"code": code, "message": message} for message in messages]


def full(line: Mapping[str, Any]) -> dict[str, Any]:
    """A balance line with every key that the record promises."""
    filled = _filled(line, LINE, "a balance line")
    for name, keys in PARTS.items():
        if isinstance(filled[name], Mapping):
            filled[name] = _filled(filled[name], keys, name)
    return filled


def _filled(given: Mapping[str, Any], keys: Mapping[str, Any], what: str) -> dict[str, Any]:
    if unknown := given.keys() - keys.keys():
        raise AssertionError(f"{what} has no {', '.join(sorted(unknown))}")
    return {**keys, **given}
