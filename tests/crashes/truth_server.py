"""A platform that knows the truth: what it took off whom, and for which request.

It speaks SaaSquatch's and Gameball's balance and debit, and does to its clients what networks do:
it is slow, loses its reply, breaks, never does what it was asked, or does it late, seconds after
the client hung up or died. The clients die, not the server, so what it counts is kept in memory.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from queue import Empty, SimpleQueue
from threading import Condition, Timer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.servers import Wire, reply

ASSIGNED = 10**9
PATIENCE = 20.0


class Mood(StrEnum):
    """What the server does with one debit."""

    PROMPT = "prompt"
    SLOW = "slow"
    LOST_REPLY = "lost reply"
    HALF_A_REPLY = "half a reply"
    BROKEN = "500, applied"
    NEVER = "never applied"
    HELD = "applied late, the connection held"
    LATE = "applied late, the connection dropped"


class Wanted(NamedTuple):
    """One debit that a client asked for; `identity` is Gameball's transactionId."""

    customer: str
    amount: int
    identity: str | None


class Truth:
    """The script of a RawServer; `mood` is asked before each debit, and `pause` for a late one."""

    def __init__(
        self,
        mood: Callable[[], Mood] = lambda: Mood.PROMPT,
        pause: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.mood = mood
        self.pause = pause
        self.arrivals: SimpleQueue[str] = SimpleQueue()
        self.latest = 0.0
        self._posts: Counter[tuple[str, int]] = Counter()
        self._applied: Counter[tuple[str, int]] = Counter()
        self._identities: set[str] = set()
        self._pending = 0
        self._changed = Condition()

    def applied(self, customer: str, amount: int) -> int:
        """How often that amount was taken off that customer."""
        with self._changed:
            return self._applied[customer, amount]

    def posts(self, customer: str, amount: int) -> int:
        """How often it was asked for."""
        with self._changed:
            return self._posts[customer, amount]

    def taken(self, customer: str) -> int:
        """How much was taken off a customer in all."""
        with self._changed:
            return sum(
                amount * times
                for (whose, amount), times in self._applied.items()
                if whose == customer
            )

    def when_quiet(self) -> None:
        """Wait until nothing that was asked for is still to be done."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._pending == 0, PATIENCE)

    def arrived(self, method: str, limit: float) -> bool:
        """Wait for the next request of a method; False where none came in time."""
        ends = time.monotonic() + limit
        while (left := ends - time.monotonic()) > 0:
            try:
                if self.arrivals.get(timeout=left) == method:
                    return True
            except Empty:
                return False
        return False

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            head, _, body = request.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            if method == "GET":
                self.arrivals.put("GET")
                wire.send(_json(self._balance(target)))
            else:
                self._debit(wire, _wanted(json.loads(body)))

    def _balance(self, target: str) -> Any:
        parts = urlsplit(target)
        if "/reward/balance" in parts.path:
            (customer,) = parse_qs(parts.query)["accountId"]
            credit = {
                "type": "CREDIT",
                "unit": "CENTS",
                "count": 1,
                "totalAssignedCredit": ASSIGNED,
                "totalRedeemedCredit": self.taken(customer),
                "totalPendingCredit": 0,
                "totalExpiredCredit": 0,
                "totalCancelledCredit": 0,
            }
            return [credit]
        customer = unquote(parts.path.split("/")[-2])
        return {"availablePointsBalance": ASSIGNED - self.taken(customer)}

    def _debit(self, wire: Wire, wanted: Wanted) -> None:
        arrived = time.monotonic()
        with self._changed:
            self._posts[wanted.customer, wanted.amount] += 1
            self._pending += 1
        self.arrivals.put("POST")
        match mood := self.mood():
            case Mood.LATE:
                late = Timer(self.pause(), self._apply, (wanted, arrived))
                late.start()
                wire.reset()
                return
            case Mood.NEVER:
                self._done(arrived)
                wire.reset()
                return
            case Mood.HELD:
                time.sleep(self.pause())
            case Mood.SLOW:
                time.sleep(min(0.02, self.pause()))
        answer = self._apply(wanted, arrived)
        match mood:
            case Mood.LOST_REPLY:
                wire.reset()
            case Mood.BROKEN:
                wire.send(reply(b"<html>500</html>", "500 Internal Server Error"))
            case Mood.HALF_A_REPLY:
                wire.send(answer[: len(answer) // 2])
                wire.reset()
            case _:
                wire.send(answer)

    def _apply(self, wanted: Wanted, arrived: float) -> bytes:
        with self._changed:
            if wanted.identity in self._identities:
                repeat = {"code": 9004, "type": "Transaction Error", "message": "made before"}
                answer = _json(repeat, "422 Unprocessable Content")
            else:
                if wanted.identity:
                    self._identities.add(wanted.identity)
                self._applied[wanted.customer, wanted.amount] += 1
                answer = _json(_made(wanted))
        self._done(arrived)
        return answer

    def _done(self, arrived: float) -> None:
        with self._changed:
            self.latest = max(self.latest, time.monotonic() - arrived)
            self._pending -= 1
            self._changed.notify_all()


def _wanted(body: Any) -> Wanted:
    if "transactionId" in body:
        return Wanted(body["customerId"], body["points"], body["transactionId"])
    return Wanted(body["accountId"], body["amount"], None)


def _made(wanted: Wanted) -> Any:
    if wanted.identity:
        return {
            "customerId": wanted.customer,
            "transactionId": wanted.identity,
            "gameballTransactionId": "1",
            "redeemEquivalentPoints": wanted.amount,
        }
    return {"creditRedeemed": wanted.amount, "unit": "CENTS", "creditAvailable": 1}


def _json(body: Any, status: str = "200 OK") -> bytes:
    return reply(json.dumps(body).encode(), status)
