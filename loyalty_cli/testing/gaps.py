"""What is missing or wrong in the cases of a provider, in plain words for its author."""

from collections.abc import Iterable, Iterator

from loyalty_cli.providers.contract import ID, DebitProvider, Provider
from loyalty_cli.providers.ways import wrong_for
from loyalty_cli.testing.cases import Cases
from loyalty_cli.testing.json_tree import places, value_at

SHORTEST_SECRET = 6


def gaps(cases: Cases) -> str | None:
    """One sentence about everything that is missing or wrong in cases; None if nothing is."""
    provider = cases.loaded
    found = [*_gaps(cases, provider), *_debit_gaps(cases, provider)]
    found = found or [*_places(cases), *_values(cases, provider)]
    return f"The cases of {provider.title} are incomplete: {'; '.join(found)}." if found else None


def _gaps(cases: Cases, provider: Provider) -> Iterator[str]:
    signs_in = [auth.name for auth in provider.auths]
    yield from _compared("signs_in", cases.signs_in, "the sign-in", signs_in)
    yield from _compared(
        "credentials", cases.credentials, "the credential", provider.credential_fields()
    )
    options = [option.name for option in provider.options]
    yield from _compared("options", cases.options, "the option", options)
    ways = [way.name for way in provider.ways if way.name != ID]
    yield from _compared("ways", cases.ways, "the way to name a customer", ways)
    known = {setting.name: setting.required for setting in provider.settings}
    required = [name for name, is_required in known.items() if is_required]
    yield from _compared("settings", cases.settings, "the setting", required, known)
    if cases.token is None and any(auth.exchange for auth in provider.auths):
        yield "token is not given, and a sign-in exchanges credentials for one"


def _debit_gaps(cases: Cases, provider: Provider) -> Iterator[str]:
    if isinstance(provider, DebitProvider) != (cases.debits is not None):
        can = "can debit" if cases.debits is None else "is no DebitProvider"
        yield f"the provider {can}, and debits is {'not ' if cases.debits is None else ''}given"
    elif cases.debits is not None and isinstance(provider, DebitProvider):
        codes, ways = provider.debit_codes, provider.debit_ways
        yield from _compared("debits.codes", cases.debits.codes, "the debit code", codes)
        yield from _compared("debits.requests", cases.debits.requests, "the way", ways)
        known = list(places(cases.debits.success))
        for place in cases.debits.free:
            if place not in known:
                yield f"debits.free names {place!r}, which is not in debits.success"


def _compared(
    field: str, given: Iterable[str], what: str, needed: Iterable[str], known: Iterable[str] = ()
) -> Iterator[str]:
    """Every name that is missing in a field of the cases, or has nothing to do there."""
    needed, given = list(needed), list(given)
    missing = [name for name in needed if name not in given]
    unknown = [name for name in given if name not in {*needed, *known}]
    yield from (f"{field} lacks {what} {name!r}" for name in missing)
    yield from (f"{field} has {name!r}, which the provider does not have" for name in unknown)


def _places(cases: Cases) -> Iterator[str]:
    if isinstance(cases.answer, bytes):
        yield "answer is bytes, and must be JSON as Python has it"
        return
    for field in ("amounts", "texts", "required", "home"):
        named = getattr(cases, field)
        for place in [named] if isinstance(named, str) else named:
            try:
                value_at(cases.answer, place)
            except KeyError:
                yield f"{field} names {place!r}, which is not in answer"
    lines = {line["name"]: line for line in cases.full_balances()}
    for place in cases.amounts.values():
        name, _, key = place.partition(".")
        if name not in lines or key.partition(".")[0] not in lines[name]:
            yield f"amounts names {place!r}, which is not in balances"


def _values(cases: Cases, provider: Provider) -> Iterator[str]:
    """Every value that the provider itself would refuse, or that cannot be looked for in texts."""
    customers = {name: way.customer for name, way in cases.ways.items()} | {ID: cases.customer}
    for name, customer in customers.items():
        if why := wrong_for(provider, name, customer):
            yield why.rstrip(".")
    for setting in provider.settings:
        try:
            if setting.name in cases.settings:
                setting.check(cases.settings[setting.name])
        except ValueError as error:
            yield f"the setting {setting.name} {error}"
    for name, secret in cases.credentials.items():
        if len(secret) < SHORTEST_SECRET:
            yield (
                f"the credential {name} is too short: make up one of {SHORTEST_SECRET} characters"
                " or more, since the tests look for it in every text"
            )
