"""Holds a description to the contract: its own examples, and every promise with one of them."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.providers.contract import ID, Answer
from loyalty_cli.providers.description.places import dotted, find
from loyalty_cli.providers.description.provider import provider_of
from loyalty_cli.providers.description.records import Description, Example, Place
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing.contract import faults
from loyalty_cli.testing.description_cases import asking, cases_of
from loyalty_cli.testing.fake_platform import FakePlatform

ANSWERED = "the example is answered as it says"
SHOWN = "an example shows it"
UNKNOWN = "an unknown customer can be told"
NO_EXAMPLES = "the file has no `examples:`; `loyalty help own-platform` shows some"
NO_SHAPE = "no shape under `errors` fits this answer"
NO_STATUS = ", and its status is not in `not_found`"


class Shortfall(Struct, frozen=True):
    """Where a description falls short, in which example if it is about one, and why.

    It is only `doubtful` if it is something that examples need not show, such as an error.
    """

    example: Example | None
    check: str
    text: str
    doubtful: bool = False


def shortfalls(description: Description) -> Iterator[Shortfall]:
    """Try every example, and every promise with the first good one."""
    if not description.examples:
        yield Shortfall(None, SHOWN, NO_EXAMPLES)
        return
    provider = provider_of(description)
    wrong = []
    with FakePlatform(asking(provider)) as platform:
        for example in description.examples:
            if text := _fault(platform, example):
                wrong.append(example)
                yield Shortfall(example, ANSWERED, text)
    yield from _not_shown(description)
    good = _good(description)
    if good and good not in wrong:
        right = tuple(each for each in description.examples if each not in wrong)
        provider = provider_of(replace(description, examples=right))
        for fault in faults(provider, cases_of(provider, good)):
            for text in fault.text.splitlines():
                yield Shortfall(good, fault.promise, text)


def _good(description: Description, by: str = ID) -> Example | None:
    """The first example with a balance, by a way to name the customer."""
    examples = (each for each in description.examples if each.by == by)
    return next((each for each in examples if each.available is not None), None)


def _fault(platform: FakePlatform, example: Example) -> str | None:
    """What is wrong with the answer to an example; None if nothing is."""
    options = [word for pair in example.options.items() for word in ("-O", "=".join(pair))]
    record = platform.replies(Reply(example.status, example.body)).look_up(
        *("--by", example.by, *options), customer=example.customer, settings=example.settings
    )
    error = record["error"]
    if error and error["code"] != example.error:
        why = error["message"]
        if error["code"] == ErrorCode.BAD_RESPONSE and example.status >= HTTPStatus.BAD_REQUEST:
            why = NO_SHAPE + (NO_STATUS if example.error is ErrorCode.NOT_FOUND else "")
        expected = f", not {example.error}" if example.error else ""
        return f"error is {error['code']}{expected}: {why}"
    if error:
        return None
    return _difference(tuple(_digits(line["available"]) for line in record["balances"]), example)


def _difference(shown: tuple[str | None, ...], example: Example) -> str | None:
    """How the available amounts differ from those of an example."""
    told, expected = f"available is {_listed(shown)}", example.available
    if expected is None:
        return f"{told}, and no {example.error}"
    if shown == expected:
        return None
    is_equal = list(map(_number, shown)) == list(map(_number, expected))
    why = ": every digit must be the same" if is_equal else ""
    return f"{told}, not {_listed(expected)}{why}"


def _number(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _digits(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _listed(amounts: Iterable[str | None]) -> str:
    return f"[{', '.join(each or 'null' for each in amounts)}]"


def _not_shown(description: Description) -> Iterator[Shortfall]:
    """What no example shows: a way, an unknown customer, a place."""
    if not description.errors and not description.not_found:
        text = "neither errors nor not_found says how an unknown customer is answered"
        yield Shortfall(None, UNKNOWN, text)
    for way in description.look_up:
        if _good(description, way) is None:
            needed = ", and the promises need one" if way == ID else ""
            text = f"no example by {way} has available{needed}"
            yield Shortfall(None, SHOWN, text, doubtful=way != ID)
    if all(each.error is not ErrorCode.NOT_FOUND for each in description.examples):
        yield Shortfall(None, SHOWN, f"no example has error: {ErrorCode.NOT_FOUND}", doubtful=True)
    good = [each for each in description.examples if each.available is not None]
    bodies = [
        (description.look_up[each.by], Answer(each.status, {}, each.body).json()) for each in good
    ]
    for key, places, optional in _places(description) if good else ():
        found = (find(body, way.whole(place)) for way, body in bodies for place in places)
        if all(each is None for each in found):
            text = f"{key}: no example has {' or '.join(map(dotted, places))}"
            yield Shortfall(None, SHOWN, text, doubtful=optional)


def _places(description: Description) -> Iterator[tuple[str, tuple[Place, ...], bool]]:
    """Where each key of a description is read from, and whether there may well be nothing."""
    for number, line in enumerate(description.lines):
        for key, amount in line.amount_sources():
            yield f"lines.{number}.{key}", (amount.place,), False
        for key, text in line.text_sources():
            if text.places:
                yield f"lines.{number}.{key}", text.places, text.default is not None
    yield from (("details", (place,), True) for place in description.details)
    if description.platform_customer:
        yield "platform_customer", description.platform_customer.places, False
