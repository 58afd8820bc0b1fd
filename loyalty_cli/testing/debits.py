"""What every provider that can debit promises, with the cases that its author gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.outcome import Outcome
from loyalty_cli.model.errors import LoyaltyError, NotSentError
from loyalty_cli.providers.contract import Answer, Debit, DebitProvider, DebitReceipt
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing.cases import Cases, DebitCases, Step
from loyalty_cli.testing.each import EachCase, same, true
from loyalty_cli.testing.fake_platform import AMOUNT, REFERENCE, FakePlatform, sent_body
from loyalty_cli.testing.json_tree import about, changed, for_customer, places, shown, value_at
from loyalty_cli.testing.look_ups import HTML

OTHER_AMOUNTS = (0, 1, 49, 51, -50, 500)
NO_RECEIPTS: tuple[Any, ...] = (None, [], "yes", 50, [{}], {})
WRONG: tuple[Any, ...] = ("5O", True, None, [50], {}, 50.5, "text")
"""What no field of a confirmation may be."""
IF_FREE = "; a field that proves nothing belongs into debits.free"
UNCLEAR = (
    Reply(200, HTML, content_type="text/html"),
    Reply(200, {}),
    Reply(400, HTML, content_type="text/html"),
    Reply(404, HTML, content_type="text/html"),
    Reply(502, HTML, content_type="text/html"),
    Reply(reset=True),
)
"""Answers that prove nothing about a debit, whatever the platform is."""

__tracebackhide__ = True  # pytest shows what fell short, and not this module


class DebitPromises:
    """What a provider promises about debits: a method is a promise."""

    cases: ClassVar[Cases | None] = None

    def platform(self) -> FakePlatform:
        """The fake platform of the cases."""
        raise NotImplementedError

    def test_a_debit_is_asked_for_as_the_cases_say_and_confirmed(self) -> None:
        """By each way: the steps before it, the request, and what a success means."""
        with self.platform() as platform, EachCase() as case:
            for debits, by in _debits(platform):
                with case(f"a debit by {by}"):
                    outcome = platform.replies(debits.success).debit(by)
                    true(
                        outcome.state is State.CONFIRMED,
                        f"success leaves the debit {outcome.state}: {_why(outcome)}",
                    )
                    _same_debit(platform, debits.requests[by], by)

    def test_each_error_code_leaves_a_debit_in_the_right_state(self) -> None:
        """Each of `debits.codes`, as `debits.refuses` has it."""
        with self.platform() as platform, EachCase() as case:
            for debits, by in _debits(platform)[:1]:
                for code, state in debits.codes.items():
                    with case(f"debits.codes[{code!r}]"):
                        outcome = platform.replies(debits.refuses(code)).debit(by)
                        same(str(outcome.state), state, "the state of the debit")
                        if outcome.error and state != "unknown":
                            same(outcome.error.provider_code, code, "error.provider_code")

    def test_what_is_not_the_platform_speaking_leaves_a_debit_unknown(self) -> None:
        """A page of HTML, an empty object, a lost connection."""
        with self.platform() as platform, EachCase() as case:
            for _, by in _debits(platform)[:1]:
                for reply in UNCLEAR:
                    what = "a lost reply" if reply.reset else f"HTTP {reply.status}, {reply.body!r}"
                    with case(what[:40]):
                        _is_unknown(platform, by, reply)

    def test_a_success_confirms_only_exactly_this_debit(self) -> None:
        """Another amount or shape, or a field that is missing or wrong: no receipt.

        Unless the field is passed on in the receipt, or `debits.free` has it.
        """
        with self.platform() as platform, EachCase() as case:
            provider = platform.provider
            for debits, by in _debits(platform)[:1]:
                assert isinstance(provider, DebitProvider)
                debit = platform.a_debit(by)
                success = for_customer(debits.success, debit.customer)
                for amount in OTHER_AMOUNTS:
                    with case(f"debits.success for a debit of {amount}"):
                        _is_no_receipt(provider, success, platform.a_debit(by, amount))
                for body in NO_RECEIPTS:
                    with case(f"the answer {body!r}"):
                        _is_no_receipt(provider, body, debit)
                for place in _not_free(success, debits.free):
                    proves = _states(value_at(success, place), _stated(provider, debit))
                    for value in (..., *WRONG):
                        what = "removed" if value is ... else f"as {value!r}"
                        body = changed(success, place, value)
                        with case(f"debits.success with {place} {what}"):
                            if proves or not _changes_receipt(provider, success, body, debit):
                                _is_no_receipt(provider, body, debit, IF_FREE)

    def test_a_platform_that_makes_a_debit_once_says_that_it_was_made_before(self) -> None:
        """Only an `idempotent` provider has codes in `debits.codes` that are a repeat."""
        with self.platform() as platform:
            provider = platform.provider
            for debits, _ in _debits(platform)[:1]:
                assert isinstance(provider, DebitProvider)
                errors = {
                    code: provider.read_error(_json(debits.refuses(code))) for code in debits.codes
                }
                repeats = [
                    code for code, error in errors.items() if error and provider.is_repeat(error)
                ]
                true(
                    bool(repeats) == provider.idempotent,
                    f"idempotent is {provider.idempotent}, and the repeats are {shown(repeats)}",
                )

    def test_a_debit_is_found_in_the_evidence(self) -> None:
        """The answer `debits.evidence` has the debit in it: its amount, unit and reference."""
        with self.platform() as platform:
            for debits, by in _debits(platform)[:1]:
                if debits.evidence is None:
                    continue
                evidence = platform.replies(debits.evidence).evidence(by)
                true(evidence is not None, "there is no request for evidence")
                found = evidence.redemptions if evidence else ()
                true(
                    any(
                        each.amount == AMOUNT
                        and each.unit in (None, debits.unit)
                        and each.reference in (None, REFERENCE)
                        for each in found
                    ),
                    f"the debit of {AMOUNT} {debits.unit} is not in {shown(found)}",
                )


def _debits(platform: FakePlatform) -> list[tuple[DebitCases, str]]:
    """The cases of debits, with each way to name the customer of one; none without debits."""
    debits, provider = platform.cases.debits, platform.provider
    if debits is None or not isinstance(provider, DebitProvider):
        return []
    return [(debits, by) for by in provider.debit_ways]


def _same_debit(platform: FakePlatform, expected: Sequence[Step], by: str) -> None:
    customer = platform.a_debit(by).customer
    asked = [f"{each.method} {each.target}" for each in platform.received]
    true(
        len(asked) == len(expected),
        f"the cases have {len(expected)} requests, and the debit made {asked}",
    )
    for received, step in zip(platform.received, expected, strict=True):
        same(received.method, step.method, "the method")
        same(list(received.path), list(for_customer(step.path, customer)), "the path")
        same(dict(received.query), for_customer(step.query, customer), "the query")
        if step.sends is not None:
            _contains(sent_body(received), for_customer(step.sends, customer))


def _contains(sent: Any, expected: Mapping[str, Any], place: str = "the body") -> None:
    """Everything that the cases name was sent; more may have been, such as the time."""
    for key, value in expected.items():
        true(isinstance(sent, Mapping) and key in sent, f"{place}.{key} was not sent")
        if isinstance(value, Mapping):
            _contains(sent[key], value, f"{place}.{key}")
        else:
            same(sent[key], value, f"{place}.{key}")


def _is_unknown(platform: FakePlatform, by: str, reply: Reply) -> None:
    try:
        outcome = platform.replies(reply).debit(by)
    except LoyaltyError as error:  # no answer came, which leaves a debit unknown, too
        true(not isinstance(error, NotSentError), f"nothing was sent: {error}")
        return
    true(outcome.state is State.UNKNOWN, f"it leaves the debit {outcome.state}: {_why(outcome)}")


def _is_no_receipt(provider: DebitProvider, body: Any, debit: Debit, hint: str = "") -> None:
    if receipt := _receipt(provider, body, debit):
        raise AssertionError(f"read_debit takes it for a receipt: {receipt}{hint}")


def _receipt(provider: DebitProvider, body: Any, debit: Debit) -> DebitReceipt | None:
    try:
        return provider.read_debit(body, debit)
    except ValueError:
        return None


def _changes_receipt(provider: DebitProvider, success: Any, body: Any, debit: Debit) -> bool:
    """Whether what was changed in a success is passed on to the user."""
    return _receipt(provider, body, debit) != _receipt(provider, success, debit)


def _not_free(success: Any, free: Iterable[str]) -> Iterator[str]:
    """The places of a success, without the free ones and what is below them."""
    return (
        place
        for place in places(success)
        if not any(f"{place}.".startswith(f"{each}.") for each in free)
    )


def _stated(provider: DebitProvider, debit: Debit) -> list[Any]:
    """What an answer can state of the debit itself: it must be right, even in a receipt."""
    sent, amount = provider.sent_reference(debit), debit.amount
    amounts = (amount, -amount, str(amount), str(-amount))
    return [*amounts, debit.reference, sent, debit.unit, debit.customer]


def _states(value: Any, stated: list[Any]) -> bool:
    """Whether something in a part of an answer is of the debit itself."""
    match value:
        case Mapping():
            return any(_states(each, stated) for each in value.values())
        case list() | tuple():
            return any(_states(each, stated) for each in value)
        case _:
            return value in stated


def _json(reply: Reply) -> Any:
    return Answer(reply.status, {}, about(reply.body, "")).json()


def _why(outcome: Outcome) -> str:
    return outcome.error.message if outcome.error else outcome.why
