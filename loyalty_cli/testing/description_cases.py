"""The cases of a description: what one of its examples shows, as the contract needs it."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.model.strict_json import decode
from loyalty_cli.providers.contract import ID, Query
from loyalty_cli.providers.description.lines import read_line
from loyalty_cli.providers.description.places import dotted, find
from loyalty_cli.providers.description.provider import DescribedProvider, home_of
from loyalty_cli.providers.description.records import (
    AmountSource,
    Description,
    Example,
    LookUp,
    Place,
    Template,
)
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing.cases import Cases, WayCases
from loyalty_cli.testing.json_tree import CUSTOMER_HERE, changed, for_customer

MADE_UP = "1"
"""A setting or an option of which the example has no value."""
SOMEBODY = "somebody@host.example"

Settings = Mapping[str, str]


def asking(provider: DescribedProvider, example: Example | None = None) -> Cases:
    """Cases that are enough to ask the provider, with the settings of an example."""
    description = provider.description
    credentials = {field: f"made-up-{field}" for field in provider.credential_fields()}
    settings = _settings(description, example.settings if example else {})
    by_id = description.look_up[ID]
    return Cases(
        provider=provider,
        answer={},
        balances=[],
        amounts={},
        path=_path(by_id, settings),
        query=_query(by_id, settings),
        signs_in={
            auth.name: {name.lower(): value for name, value in auth.headers(credentials).items()}
            for auth in provider.auths
        },
        credentials=credentials,
        settings=settings,
        options=_options(provider, example.options if example else {}),
        ways={
            way: WayCases(SOMEBODY, _path(look_up, settings), _query(look_up, settings))
            for way, look_up in description.look_up.items()
            if way != ID
        },
        not_found=Reply(404),
        foreign_404=5 if 404 in description.not_found else 7,
    )


def cases_of(provider: DescribedProvider, example: Example) -> Cases:
    """The cases of a good example by id; raise ValueError if it is not good."""
    description = provider.description
    usual = asking(provider, example)
    query = Query(example.customer, usual.settings)
    answer = _answer(description, example)
    reading = provider.normalize(for_customer(answer, example.customer), query)
    amounts = dict(_amounts(provider, answer, query))
    texts = list(_texts(description, answer))
    at = dotted(description.look_up[ID].at)
    return replace(
        usual,
        answer=answer,
        balances=[_plain(line) for line in reading.balances],
        amounts=amounts,
        customer=example.customer,
        platform_customer=CUSTOMER_HERE if reading.platform_customer else None,
        details=reading.details,
        warnings=[_plain(each) for each in reading.warnings],
        texts=tuple(texts),
        required=tuple(
            place
            for place in (*([at] if at else ()), *amounts, *texts)
            if _is_required(provider, answer, place, query)
        ),
        home=dotted(description.look_up[ID].whole(())),
        ways={name: _way(description, name, usual.ways[name], answer) for name in usual.ways},
        not_found=_not_found(description),
    )


def _not_found(description: Description) -> Reply:
    """The platform's answer for an unknown customer: that of an example, or one that is made up."""
    for example in description.examples:
        if example.error is ErrorCode.NOT_FOUND and example.by == ID:
            return Reply(example.status, example.body)
    body: Any = {}
    for shape in description.errors[:1]:
        codes = [code for code, means in shape.codes.items() if means is ErrorCode.NOT_FOUND]
        for place in (*shape.needs, *shape.message[:1]):
            body = _merged(body, _nested(place, "No such customer"))
        if shape.code:
            body = _merged(body, _nested(shape.code, codes[0] if codes else MADE_UP))
    return Reply(404 if description.errors else min(description.not_found, default=404), body)


def _merged(one: Any, other: Any) -> Any:
    """One tree with another one put into it."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return other
    both = {key: _merged(one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def _settings(description: Description, given: Settings) -> Settings:
    """The settings that must be there, and those of an example that move no decimal point."""
    scales = {each.decimals for line in description.lines for _, each in line.amount_sources()}
    needed = {
        each.name: given.get(each.name) or _made_up(description, each.name)
        for each in description.settings
        if each.required
    }
    return {**{name: text for name, text in given.items() if name not in scales}, **needed}


def _options(provider: DescribedProvider, given: Settings) -> dict[str, tuple[str, Settings]]:
    described = provider.description
    values = {
        each.name: given.get(each.name) or _made_up(described, each.name)
        for each in provider.options
    }
    return {
        each.name: (values[each.name], {each.sent_as: values[each.name]})
        for each in provider.options
    }


def _made_up(description: Description, name: str) -> str:
    return next(iter(description.choices.get(name, ())), MADE_UP)


def _path(way: LookUp, settings: Settings) -> tuple[str, ...]:
    return tuple(_filled(each, settings) or "" for each in way.path)


def _query(way: LookUp, settings: Settings) -> Settings:
    filled = {name: _filled(each, settings) for name, each in way.query.items()}
    return {name: value for name, value in filled.items() if value is not None}


def _filled(template: Template, settings: Settings) -> str | None:
    return template.fill({**settings, "customer": CUSTOMER_HERE})


def _answer(description: Description, example: Example) -> Any:
    """The answer of an example, in which the customer's id stands for any."""
    answer = _in_python(decode(example.body))
    if description.platform_customer:
        (place,) = description.platform_customer.places
        whole = description.look_up[ID].whole(place)
        if str(find(answer, whole)) == example.customer:
            answer = changed(answer, dotted(whole), CUSTOMER_HERE)
    return answer


def _in_python(tree: Any) -> Any:
    """JSON without floats: a number with decimals is text, which means the same."""
    match tree:
        case dict():
            return {key: _in_python(each) for key, each in tree.items()}
        case list():
            return [_in_python(each) for each in tree]
        case Amount():
            return str(tree)
        case _:
            return tree


def _amounts(provider: DescribedProvider, answer: Any, query: Query) -> Iterator[tuple[str, str]]:
    """Each amount of an answer that is shown as it is, and its place in the record."""
    way = provider.description.look_up[ID]
    home = home_of(for_customer(answer, query.customer), way)
    for line in provider.description.lines:
        found = read_line(line, home, query.settings, provider.title)
        if found is None or "." in found.balance.name:
            continue
        for key, source in line.amount_sources():
            is_money = found.balance.kind == "money" or key.startswith("value.")
            moved = is_money and _has_decimals(source, query.settings)
            if home.find(source.place) is not None and not moved:
                yield dotted(way.whole(source.place)), f"{found.balance.name}.{key}"


def _has_decimals(source: AmountSource, settings: Settings) -> bool:
    return isinstance(source.decimals, int) or source.decimals in settings


def _texts(description: Description, answer: Any) -> Iterator[str]:
    """Each place of an answer where only text may stand."""
    for line in description.lines:
        for _, source in line.text_sources():
            if len(source.places) == 1:
                whole = description.look_up[ID].whole(source.places[0])
                if isinstance(find(answer, whole), str):
                    yield dotted(whole)


def _is_required(provider: DescribedProvider, answer: Any, place: str, query: Query) -> bool:
    without = for_customer(changed(answer, place, ...), query.customer)
    try:
        provider.normalize(without, query)
    except ValueError:
        return True
    return False


def _way(description: Description, name: str, usual: WayCases, answer: Any) -> WayCases:
    """A way whose answer has the same customer as that by id."""
    way = description.look_up[name]
    customer = find(answer, description.look_up[ID].whole(()))
    examples = (each.customer for each in description.examples if each.by == name)
    return usual._replace(
        customer=next(examples, usual.customer),
        answer=_nested(way.at, [customer] if way.is_list else customer),
        unknown=_nested(way.at, []) if way.is_list else None,
    )


def _nested(place: Place, tree: Any) -> Any:
    """A tree that has another one at a place."""
    for step in reversed(place):
        tree = {step: tree}
    return tree


def _plain(record: Any) -> Any:
    """A record as JSON has it."""
    match record:
        case Struct():
            fields = record.__struct_fields__
            return {name: _plain(getattr(record, name)) for name in fields}
        case tuple():
            return [_plain(each) for each in record]
        case _:
            return record
