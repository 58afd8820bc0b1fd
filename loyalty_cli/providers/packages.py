"""Providers of other packages: loaded, and checked for what no provider may say of itself."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from itertools import chain

from loyalty_cli.model.errors import ErrorCode, LoyaltyError, setup_error
from loyalty_cli.providers.contract import ID, Auth, Limit, Provider, Way
from loyalty_cli.providers.guard import LOG, Package, guarded_provider
from loyalty_cli.providers.parameters import PROFILE_KEYS, Parameter

REQUIRED = ("name", "title", "pages", "auths", "numbers")
TUPLES = {
    "pages": str,
    "auths": Auth,
    "ways": Way,
    "settings": Parameter,
    "options": Parameter,
    "read_limits": Limit,
    "debit_ways": str,
    "debit_auths": str,
    "debit_options": Parameter,
    "debit_limits": Limit,
}
"""What the tuples of a provider are made of."""


def load_from(point: EntryPoint) -> Provider:
    """Load the provider of a package; raise LoyaltyError if that fails."""
    package = point.dist.name if point.dist else point.value
    try:
        kind = point.load()
        _check_kind(kind, point, package)
        kind()  # a class that lacks a function of the contract has more mistakes than one
        for what, change in chain(_unnamed(kind, point.name), _mistyped(kind), _mistakes(kind)):
            setup_error(
                f"the provider {point.name!r} of the package {package} {what}.",
                f"Update or remove that package; its author must {change}.",
            )
        return guarded_provider(kind, Package(package, point.name))
    except LoyaltyError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a package can raise anything
        LOG.debug("%s", package, exc_info=error)
        raise LoyaltyError(
            ErrorCode.SETUP,
            f"the provider {point.name!r} of the package {package} does not load: {error!r}.",
            hint="Update or remove that package.",
        ) from None


def _check_kind(kind: object, point: EntryPoint, package: str) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Provider)):
        setup_error(
            f"{point.value} of the package {package} is not a loyalty_cli Provider.",
            "The entry point must name a subclass of loyalty_cli.providers.contract.Provider.",
        )


def _unnamed(kind: type[Provider], entry: str) -> Iterator[tuple[str, str]]:
    """What is missing in a provider, or is called wrong: the mistake, and what to change."""
    for missing in (each for each in REQUIRED if not hasattr(kind, each)):
        yield f"has no `{missing}`", f"add `{missing}` to {kind.__name__}"
    if getattr(kind, "name", entry) != entry:
        yield f"calls itself {kind.name!r}", "give `name` and the entry point the same name"


def _mistyped(kind: type[Provider]) -> Iterator[tuple[str, str]]:
    """What has another type than it must have: the mistake, and what to change."""
    for name, of in TUPLES.items():
        given = getattr(kind, name, ())
        if not (isinstance(given, tuple) and all(isinstance(each, of) for each in given)):
            yield f"has `{name}` that is not a tuple of {of.__name__}", f"make `{name}` one"
    if not isinstance(kind.impossible_customer, str):
        yield "has `impossible_customer` that is not text", "make it text"


def _mistakes(kind: type[Provider]) -> Iterator[tuple[str, str]]:
    """The names in a provider that it must not have: the mistake, and what to change."""
    names = {
        what: [each.name for each in given]
        for what, given in (
            ("way to sign in", kind.auths),
            ("way to name a customer", kind.ways),
            ("setting", kind.settings),
            ("option", kind.options),
            ("option of debits", getattr(kind, "debit_options", ())),
        )
    }
    yield from _mistaken_ways(kind, names["way to name a customer"])
    fields = {field for auth in kind.auths for field in auth.fields}
    if not kind.auths:
        yield "has no way to sign in", "add one to `auths`"
    for name in names["setting"]:
        if name in PROFILE_KEYS:
            yield f"has a setting {name!r}, which is a key of every profile", "rename the setting"
        if name in fields:
            yield f"has {name!r} as a setting and as a credential", "rename one of the two"
    for name in getattr(kind, "debit_auths", ()):
        if name not in names["way to sign in"]:
            yield f"has {name!r} in `debit_auths` and not in `auths`", f"add {name!r} to `auths`"
    if "by" in (*names["option"], *names["option of debits"]):
        yield "has an option 'by', which names the way to name a customer", "rename the option"
    for what, given in names.items():
        for name in sorted({each for each in given if given.count(each) > 1}):
            yield f"has the {what} {name!r} twice", "rename one of the two"


def _mistaken_ways(kind: type[Provider], ways: list[str]) -> Iterator[tuple[str, str]]:
    if ways[:1] != [ID]:
        yield f"does not begin `ways` with {ID!r}", f"put {ID!r} there"
    for name in getattr(kind, "debit_ways", ()):
        if name not in ways:
            yield f"has {name!r} in `debit_ways` and not in `ways`", f"add {name!r} to `ways`"
