"""Platforms that know the truth: what was posted to them on the wire, and what they applied."""

import json
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.servers import RawServer, Wire, reply

ASSIGNED = 10_000
HTML = b"<!DOCTYPE html><title>403 Forbidden</title>"


def as_json(content: Any, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP answer with a JSON body."""
    return reply(json.dumps(content).encode(), status, *headers)


class Post:
    """A debit as it arrived."""

    def __init__(self, platform: "FaultyPlatform", raw: bytes) -> None:
        self.raw = raw
        self.order: Mapping[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
        self.times_applied = 0
        self._platform = platform

    @property
    def account(self) -> tuple[str, str]:
        return self._platform.account(self.order)

    @property
    def yes(self) -> dict[str, Any]:
        """What confirms exactly this debit."""
        return self._platform.yes(self)

    def apply(self) -> None:
        """Take the amount: from here on the customer is debited."""
        self.times_applied += 1
        self._platform.apply(self)


Debiting = Callable[[Wire, Post], None]


def honest(wire: Wire, post: Post) -> None:
    post.apply()
    wire.send(as_json(post.yes))


def answers(content: bytes) -> Debiting:
    """Applies nothing, and says this."""
    return lambda wire, _: wire.send(content)


def applies_and(then: Debiting) -> Debiting:
    """Applies the debit, and goes on as another would."""

    def debit(wire: Wire, post: Post) -> None:
        post.apply()
        then(wire, post)

    return debit


LOST = applies_and(lambda wire, _: wire.reset())
"""Applies the debit, and its reply is lost."""
NEVER = answers(b"")
"""Applies nothing, and says nothing."""


class FaultyPlatform:
    """SaaSquatch: applies each debit as often as it is told to; `debit` says how it behaves.

    `refuses` is asked on each connection but the first, and may end it before anything is read.
    """

    settings: Mapping[str, str] = {"tenant": "acme"}
    provider = "saasquatch"
    unit = "CENTS"
    by = "id"

    def __init__(self, debit: Debiting = honest, tls: ssl.SSLContext | None = None) -> None:
        self.debit = debit
        self.refuses: Callable[[Wire], bool] = lambda _: False
        self.on_read: Callable[[Wire], bool] = lambda _: False
        self.posts: list[Post] = []
        self.reads = 0
        self.applied: Counter[tuple[str, str]] = Counter()
        self.times: Counter[tuple[str, str]] = Counter()
        self.more: dict[str, Any] = {}
        self.assigned = ASSIGNED
        self.listed: bytes | None = None
        """What to answer instead to one who asks for the debits that were made."""
        self._seen = 0
        self._lock = Lock()
        self._server = RawServer(self._script, tls)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def connections(self) -> int:
        return self._server.connections

    def taken(self, customer: str = "C-1") -> int:
        """What was taken off a customer, in truth."""
        return self.applied[customer, self.unit]

    def account(self, order: Mapping[str, Any]) -> tuple[str, str]:
        return order["accountId"], order["unit"]

    def yes(self, post: Post) -> dict[str, Any]:
        amount, unit = post.order["amount"], post.order["unit"]
        left = ASSIGNED - self.applied[post.account]
        return {"creditRedeemed": amount, "creditAvailable": left, "unit": unit}

    def apply(self, post: Post) -> None:
        with self._lock:
            self.applied[post.account] += post.order["amount"]
            self.times[post.account] += 1

    def error(self, status: int, message: str = "No.") -> dict[str, Any]:
        """The platform's own error."""
        return {"statusCode": status, "message": message, "apiErrorCode": "E", "rsCode": "RS001"}

    def balance(self, target: str) -> Any:
        (customer,) = parse_qs(urlsplit(target).query)["accountId"]
        line = {"type": "CREDIT", "unit": self.unit, "totalAssignedCredit": self.assigned}
        redeemed = {"totalRedeemedCredit": self.applied[customer, self.unit]}
        return [line | redeemed | self.more]

    def list_of_debits(self, target: str) -> bytes:
        """The answer to one who asks for the debits that were made."""
        del target
        return as_json(self.error(404), "404 No")

    def _script(self, wire: Wire) -> None:
        with self._lock:
            self._seen += 1
            first = self._seen == 1
        if not first and self.refuses(wire):
            return
        while request := wire.request():
            method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
            if any(each in target for each in ("/graphql", "/transactions?", "/redemptions?")):
                wire.send(self.list_of_debits(target) if self.listed is None else self.listed)
                continue
            if method == "POST":
                post = Post(self, request)
                with self._lock:
                    self.posts.append(post)
                self.debit(wire, post)
                return
            with self._lock:
                self.reads += 1
            if self.on_read(wire):
                return
            wire.send(as_json(self.balance(target)))


class IdempotentPlatform(FaultyPlatform):
    """Gameball: applies a transaction id but once, and says 9004 to the next."""

    settings: Mapping[str, str] = {}
    provider = "gameball"
    unit = "points"

    def __init__(self, debit: Debiting = honest, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(debit, tls)
        self.ids: set[str] = set()

    def account(self, order: Mapping[str, Any]) -> tuple[str, str]:
        return order["customerId"], self.unit

    def yes(self, post: Post) -> dict[str, Any]:
        return {
            "gameballTransactionId": 77,
            "transactionId": post.order["transactionId"],
            "redeemAmount": 1,
            "redeemEquivalentPoints": post.order["points"],
        }

    def apply(self, post: Post) -> None:
        with self._lock:
            if post.order["transactionId"] not in self.ids:
                self.ids.add(post.order["transactionId"])
                self.applied[post.account] += post.order["points"]
                self.times[post.account] += 1

    def error(self, status: int, message: str = "No.") -> dict[str, Any]:
        return {"code": 9008, "type": "ERROR", "message": message, "httpStatus": status}

    def balance(self, target: str) -> Any:
        customer = unquote(urlsplit(target).path.split("/")[-2])
        left = ASSIGNED - self.applied[customer, self.unit]
        return {"availablePointsBalance": left, "totalEarnedPoints": ASSIGNED}


class ListingPlatform(FaultyPlatform):
    """Capillary: says no redeemed total, and lists each debit with its reference.

    It applies a debit as often as it is told to, whatever its reference. `programs` are the
    programmes in which it lists them, for one who asks for none or for one.
    """

    settings: Mapping[str, str] = {}
    provider = "capillary"
    unit = "points"
    by = "mobile"
    programs: frozenset[str | None] = frozenset({None})

    def __init__(self, debit: Debiting = honest, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(debit, tls)
        self.made: list[tuple[str, dict[str, Any]]] = []

    def account(self, order: Mapping[str, Any]) -> tuple[str, str]:
        return _item(order)["customer"]["mobile"], self.unit

    def yes(self, post: Post) -> dict[str, Any]:
        status = {"success": "true", "code": 800}
        points = {"points_redeemed": _item(post.order)["points_redeemed"], "item_status": status}
        return {"response": {"status": status, "responses": {"points": points}}}

    def apply(self, post: Post) -> None:
        item = _item(post.order)
        with self._lock:
            self.applied[post.account] += item["points_redeemed"]
            self.times[post.account] += 1
            self.made.append((item["external_reference_number"], item))

    def error(self, status: int, message: str = "No.") -> dict[str, Any]:
        item = {"item_status": {"success": "false", "code": 818, "message": message}}
        whole = {"success": "false", "code": status}
        return {"response": {"status": whole, "responses": {"points": item}}}

    def balance(self, target: str) -> Any:
        (customer,) = parse_qs(urlsplit(target).query)["identifierValue"]
        return {"mainPoints": self.assigned - self.applied[customer, self.unit]}

    def list_of_debits(self, target: str) -> bytes:
        query = parse_qs(urlsplit(target).query)
        (reference,), (program,) = (
            query.get("external_reference_number", [None]),
            query.get("program_id", [None]),
        )
        found = [
            {**item, "redemption_id": number}
            for number, (named, item) in enumerate(self.made, start=1)
            if reference in (None, named) and program in self.programs
        ]
        customer = {"redemptions": {"points": {"point": found}}, "points_count": len(found)}
        return as_json({"response": {"status": {"success": "true"}, "customer": customer}})


def _item(order: Mapping[str, Any]) -> dict[str, Any]:
    (item,) = order["root"]["redeem"]
    return dict(item)


def once_only(wire: Wire, post: Post) -> None:
    """What Gameball does: the same id a second time is an error."""
    platform = post._platform
    if isinstance(platform, IdempotentPlatform) and post.order["transactionId"] in platform.ids:
        error = {"code": 9004, "type": "DUPLICATE", "message": "Duplicate transactionId"}
        wire.send(as_json(error, "422 Unprocessable"))
        return
    honest(wire, post)
