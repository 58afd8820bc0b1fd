"""A platform that knows the truth: what it took off whom, and for which request.

It speaks SaaSquatch's and Gameball's balance and debit, and does to its clients what networks do:
it is slow, loses its reply, breaks, says no for good or for now, never does what it was asked, or
does it late, seconds after the client hung up or died. A balance may be old when it arrives, or
come out of a cache. The clients die, not the server, so what it counts is kept in memory.
"""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from queue import Empty, SimpleQueue
from threading import Condition, Timer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.servers import Wire, reply

ASSIGNED = 10**9
PATIENCE = 20.0
QUEUE_SECONDS = 3.6
"""How long something on the way keeps a debit, while the client stays; more than SETTLE."""


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
    QUEUED = "kept on the way as long as the client stays"
    REFUSED = "refused for good"
    SIGN_IN = "refused for now: the sign-in"
    TOO_MANY = "refused for now: too many"


class Reading(StrEnum):
    """What the server does with one look at a balance."""

    FRESH = "fresh"
    SLOW = "old when it arrives"
    CACHED = "out of a cache"


NO = {Mood.REFUSED: 400, Mood.SIGN_IN: 401, Mood.TOO_MANY: 429}
CODES = {404: ("RS999", 9999), 400: ("RS041", 9008), 401: ("RS032", 1000), 429: ("RS033", 2001)}
"""SaaSquatch's and Gameball's words for these."""


class Wanted(NamedTuple):
    """One debit that a client asked for; `identity` is Gameball's transactionId."""

    customer: str
    amount: int
    identity: str | None


class Watch:
    """What arrives at the server from now on, for one who waits for it."""

    def __init__(self) -> None:
        self.arrivals: SimpleQueue[str] = SimpleQueue()

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


class Truth:
    """The script of a RawServer; `mood` is asked before each debit, and `pause` for a late one.

    `reading` is asked before each look at a balance. Customers that differ in case alone are one to
    this platform, which takes what they do not have, too: `below_zero` tells.
    """

    def __init__(
        self,
        mood: Callable[[], Mood] = lambda: Mood.PROMPT,
        pause: Callable[[], float] = lambda: 0.5,
        reading: Callable[[], Reading] = lambda: Reading.FRESH,
    ) -> None:
        self.mood = mood
        self.pause = pause
        self.reading = reading
        self.latest = 0.0
        self.moods: Counter[Mood | Reading] = Counter()
        self.assigned: defaultdict[str, int] = defaultdict(lambda: ASSIGNED)
        self._watches: list[Watch] = []
        self._first_seen: dict[str, bytes] = {}
        self._posts: Counter[tuple[str, int]] = Counter()
        self._applied: Counter[tuple[str, int]] = Counter()
        self._identities: set[str] = set()
        self._pending = 0
        self._changed = Condition()

    def applied(self, customer: str, amount: int) -> int:
        with self._changed:
            return self._applied[customer, amount]

    def posts(self, customer: str, amount: int) -> int:
        with self._changed:
            return self._posts[customer, amount]

    def all_posts(self) -> int:
        with self._changed:
            return self._posts.total()

    def taken(self, customer: str) -> int:
        """How much was taken off a customer in all, however it is written."""
        account = customer.casefold()
        with self._changed:
            return sum(
                amount * times
                for (whose, amount), times in self._applied.items()
                if whose.casefold() == account
            )

    def available(self, customer: str) -> int:
        return self.assigned[customer.casefold()] - self.taken(customer)

    def below_zero(self) -> list[str]:
        """Whom more was taken off than they had."""
        with self._changed:
            customers = sorted({customer for customer, _ in self._applied})
        return [each for each in customers if self.available(each) < 0]

    def when_quiet(self) -> None:
        """Wait until nothing that was asked for is still to be done."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._pending == 0, PATIENCE)

    def watch(self) -> Watch:
        watch = Watch()
        with self._changed:
            self._watches.append(watch)
        return watch

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            head, _, body = request.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
            if target.endswith("/graphql") or "/transactions?" in target:
                wire.send(_error(404, Wanted("", 0, None)))  # it lists no debits
            elif method == "GET":
                self._tell("GET")
                self._look(wire, target)
            else:
                self._debit(wire, _wanted(json.loads(body)))

    def _tell(self, method: str) -> None:
        with self._changed:
            for each in self._watches:
                each.arrivals.put(method)

    def _look(self, wire: Wire, target: str) -> None:
        content = json.dumps(self._balance(target)).encode()
        first = self._first_seen.setdefault(target, content)
        reading = self.reading()
        with self._changed:
            self.moods[reading] += 1
        match reading:
            case Reading.FRESH:
                wire.send(reply(content))
            case Reading.SLOW:
                time.sleep(self.pause())
                wire.send(reply(content))
            case Reading.CACHED:
                wire.send(reply(first, "200 OK", "Age: 60"))

    def _balance(self, target: str) -> Any:
        parts = urlsplit(target)
        if "/reward/balance" in parts.path:
            (customer,) = parse_qs(parts.query)["accountId"]
            credit = {"type": "CREDIT", "unit": "CENTS", "count": 1}
            credit |= {f"total{each}Credit": 0 for each in ("Pending", "Expired", "Cancelled")}
            credit["totalAssignedCredit"] = self.assigned[customer.casefold()]
            credit["totalRedeemedCredit"] = self.taken(customer)
            return [credit]
        return {"availablePointsBalance": self.available(unquote(parts.path.split("/")[-2]))}

    def _debit(self, wire: Wire, wanted: Wanted) -> None:
        arrived = time.monotonic()
        with self._changed:
            self._posts[wanted.customer, wanted.amount] += 1
            self._pending += 1
        self._tell("POST")
        mood = self.mood()
        with self._changed:
            self.moods[mood] += 1
        if mood in NO:
            self._done(arrived)
            wire.send(_error(NO[mood], wanted))
        elif mood is Mood.LATE:
            Timer(self.pause(), self._apply, (wanted, arrived)).start()
            wire.reset()
        elif mood is Mood.NEVER:
            self._done(arrived)
            wire.reset()
        elif mood is not Mood.QUEUED:
            self._answer(wire, mood, wanted, arrived)
        elif _stays(wire, QUEUE_SECONDS):
            self._answer(wire, mood, wanted, time.monotonic())
        else:
            self._done(time.monotonic())

    def _answer(self, wire: Wire, mood: Mood, wanted: Wanted, arrived: float) -> None:
        """Do what was asked, sooner or later, and say so as the mood is."""
        if mood is Mood.HELD:
            time.sleep(self.pause())
        if mood is Mood.SLOW:
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


def _stays(wire: Wire, seconds: float) -> bool:
    wire.sock.settimeout(seconds)
    try:
        with suppress(TimeoutError):
            wire.sock.recv(1)
            return False
    except OSError:
        return False
    wire.sock.settimeout(None)
    return True


def _error(status: int, wanted: Wanted) -> bytes:
    theirs, gameballs = CODES[status]
    if wanted.identity:
        return _json({"code": gameballs, "type": "ERROR", "message": "no"}, f"{status} No")
    body = {"statusCode": status, "message": "no", "apiErrorCode": "E", "rsCode": theirs}
    return _json(body, f"{status} No")


def _json(body: Any, status: str = "200 OK") -> bytes:
    return reply(json.dumps(body).encode(), status)
