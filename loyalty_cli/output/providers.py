"""How providers are shown."""

from collections.abc import Iterator

from loyalty_cli.model.records import ProviderRecord, ShortfallRecord
from loyalty_cli.output.view import Column, Group, View, facts_view, texts

_HEADINGS = ("Provider", "Base URL", "Sign-in and credentials", "Settings", "Options", "Debits")


def _provider_facts(provider: ProviderRecord) -> Iterator[tuple[str, str]]:
    """All facts about a provider, as pairs of a name and a value."""
    yield "name", f"{provider.provider} ({provider.title})"
    yield "base_url", provider.base_url or "must be set in the profile"
    for auth in provider.auth:
        yield f"auth {auth.name}", f"needs {', '.join(auth.credentials)}"
    for way in provider.ways:
        yield f"by {way.name}", way.help
    for setting in provider.settings:
        yield f"setting {setting.name}", setting.help + (", required" if setting.required else "")
    for option in provider.options:
        yield f"option {option.name}", option.help
    limits = [f"{each.requests} in {each.seconds:g} s" for each in provider.read_limits]
    yield "read limits", ", ".join(limits) or "none published"
    yield "can debit", "yes" if provider.debits else "no"
    yield from provider.numbers.items()
    for page in provider.pages:
        yield "page", page


def _provider_row(provider: ProviderRecord) -> list[str]:
    return [
        provider.provider,
        provider.base_url or "",
        "; ".join(f"{auth.name}: {', '.join(auth.credentials)}" for auth in provider.auth),
        ", ".join(setting.name for setting in provider.settings),
        ", ".join(option.name for option in provider.options),
        "yes" if provider.debits else "no",
    ]


PROVIDERS = View[ProviderRecord](
    ("provider", "base_url", "auth", "settings", "options", "debits"),
    lambda provider: [_provider_row(provider)],
    [Column(heading) for heading in _HEADINGS],
    lambda provider: Group((), [texts(_provider_row(provider))]),
)
PROVIDER = facts_view(_provider_facts)


def _shortfall_row(shortfall: ShortfallRecord) -> list[str]:
    return [
        shortfall.provider,
        shortfall.example or "",
        shortfall.check,
        shortfall.status,
        shortfall.message,
    ]


SHORTFALLS = View[ShortfallRecord](
    ("provider", "example", "check", "status", "message"),
    lambda shortfall: [_shortfall_row(shortfall)],
    [Column(heading) for heading in ("Provider", "Example", "Check", "Status", "Message")],
    lambda shortfall: Group((), [texts(_shortfall_row(shortfall))]),
)
