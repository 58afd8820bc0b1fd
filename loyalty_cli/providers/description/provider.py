"""The provider that a description makes: look-ups, and never debits."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from loyalty_cli.providers.contract import (
    ID,
    Answer,
    Auth,
    Headers,
    NoCustomerError,
    PlatformError,
    Provider,
    Query,
    Reading,
    Request,
    Secrets,
    SeveralCustomersError,
    UnknownCustomerError,
    Way,
    basic,
)
from loyalty_cli.providers.description.lines import read_line, unclear_currencies
from loyalty_cli.providers.description.places import Home, dotted, find, words
from loyalty_cli.providers.description.records import (
    AmountSource,
    Description,
    ErrorShape,
    LookUp,
    Place,
    SignIn,
    Template,
    TextSource,
)


class DescribedProvider(Provider):
    """A platform as its description says; `provider_of` makes one."""

    description: ClassVar[Description]

    def request(self, query: Query) -> Request:
        """The request for the way in which the customer is named."""
        way = self.description.look_up[query.by]
        values = {**query.settings, "customer": query.customer}
        fixed = {name: template.fill(values) for name, template in way.query.items()}
        return Request(
            path=tuple(segment.fill(values) or "" for segment in way.path),
            query={**fixed, **self.query_parameters(query)},
            headers=_filled(self.description.headers, query.settings),
        )

    def normalize(self, body: Any, query: Query) -> Reading:
        """Read each line that the answer has; there must be one."""
        named = self.description.platform_customer
        with _saying_whose(named):
            home = home_of(body, self.description.look_up[query.by])
            customer = self._named(home, named, query) if named else None
        lines = [
            found
            for line in self.description.lines
            if (found := read_line(line, home, query.settings, self.title))
        ]
        if not lines:
            raise ValueError(f"it has none of {', '.join(_sources(self.description))}")
        details = {dotted(place): home.find(place) for place in self.description.details}
        return Reading(
            balances=tuple(line.balance for line in lines),
            details={key: found for key, found in details.items() if found is not None} or None,
            warnings=(
                *(warning for line in lines for warning in line.warnings),
                *unclear_currencies(lines, self.title),
                *self.not_stated(*(each.balance for each in lines if each.has_available)),
            ),
            platform_customer=customer,
        )

    def _named(self, home: Home, source: TextSource, query: Query) -> str | None:
        """The id of the customer at the platform, which is checked."""
        (place,) = source.places
        found = home.find(place)
        if found is None and not source.is_required:
            return None
        return self.named_customer(found, query, dotted((*home.place, *place)))

    def read_error(self, body: Any) -> PlatformError | None:
        """Read the first shape of error that the body has."""
        read = (_error(body, shape) for shape in self.description.errors)
        return next((error for error in read if error), None)

    def is_not_found(self, answer: Answer) -> bool:
        """Whether the status alone means an unknown customer."""
        return answer.status in self.description.not_found


def provider_of(described: Description) -> DescribedProvider:
    """The provider that a description makes."""

    class Described(DescribedProvider):
        name = described.name
        title = described.title
        pages = described.pages
        base_url = described.base_url
        auths = tuple(map(_auth, described.auths))
        ways = tuple(Way(way, each.help) for way, each in described.look_up.items())
        impossible_customer = described.impossible_customer or Provider.impossible_customer
        settings = described.settings
        options = described.options
        numbers = dict(_numbers(described))
        description = described

    return Described()


def _filled(headers: Mapping[str, Template], values: Mapping[str, str]) -> Headers:
    filled = {name: template.fill(values) for name, template in headers.items()}
    return {name: value for name, value in filled.items() if value is not None}


def _auth(way: SignIn) -> Auth:
    return Auth(way.name, way.credentials, partial(_signed, way))


def _signed(way: SignIn, secrets: Secrets) -> Headers:
    if way.basic is None:
        return _filled(way.headers, secrets)
    user, password = way.basic
    return basic(user.fill(secrets) or "", password.fill(secrets) or "")


def home_of(body: Any, way: LookUp) -> Home:
    """Find the customer in an answer."""
    found, place = Home(body).find(way.at), way.at
    where = repr(dotted(place) or "the top")
    if way.is_list:
        if not isinstance(found, list):
            raise ValueError(f"expected a list of customers at {where}")
        if not found:
            raise UnknownCustomerError
        if len(found) > 1:
            raise SeveralCustomersError
        found, place = found[0], (*place, "0")
    if isinstance(found, dict | list):
        return Home(found, place)
    raise ValueError(f"expected an object at {where}")


@contextmanager
def _saying_whose(named: TextSource | None) -> Iterator[None]:
    """An answer that must say whose it is, and lacks the place for that, does not say it."""
    try:
        yield
    except ValueError as error:
        if type(error) is ValueError and named and named.is_required:
            raise NoCustomerError(str(error)) from None
        raise


def _error(body: Any, shape: ErrorShape) -> PlatformError | None:
    if any(find(body, place) is None for place in shape.needs):
        return None
    message = "; ".join(filter(None, (words(find(body, place)) for place in shape.message)))
    if shape.message and not message:
        return None
    if shape.code is None:
        return PlatformError(message)
    code = find(body, shape.code)
    if type(code) not in (str, int):
        return None
    return PlatformError(message, str(code), shape.codes.get(str(code)))


def _sources(described: Description) -> list[str]:
    """The places of all amounts."""
    lines = described.lines
    return list(
        dict.fromkeys(dotted(each.place) for line in lines for _, each in line.amount_sources())
    )


def _numbers(described: Description) -> Iterator[tuple[str, str]]:
    """The source of each number, for people."""
    by_id = described.look_up[ID]
    for line in described.lines:
        name = line.name.default or dotted(line.name.places[0])
        for key, source in line.amount_sources():
            yield f"{name}.{key}", _told(by_id.whole(source.place), source)
    if described.details:
        yield "details", ", ".join(dotted(by_id.whole(place)) for place in described.details)


def _told(place: Place, source: AmountSource) -> str:
    match source.decimals:
        case None:
            return dotted(place)
        case int():
            return f"{dotted(place)}, with {source.decimals} decimals if it is money"
        case setting:
            return f"{dotted(place)}; money is divided by 10^{setting} if the profile has that"
