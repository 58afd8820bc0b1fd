"""What a provider of the registry must have beside its class, and what of it is missing."""

import re
from collections.abc import Iterator, Mapping

from loyalty_cli import providers
from loyalty_cli.providers.contract import DebitProvider, Provider
from loyalty_cli.sandbox.api import Api
from tests.documentation.pages import section
from tests.providers.contract import cases_of, module_name


def missing(name: str, page: str, apis: Mapping[str, Api]) -> list[str]:
    """Everything that a provider of the registry still lacks, each as a line to read."""
    provider = providers.load(name)
    return [
        *missing_cases(name),
        *missing_on_the_page(provider, page),
        *missing_in_the_sandbox(provider, apis),
    ]


def missing_cases(name: str) -> Iterator[str]:
    cases = cases_of(name)
    if cases is None:
        yield f"{module_name(name)} has no CASES"
    elif cases.provider != name:
        yield f"{module_name(name)} has CASES of {cases.provider}"


def missing_on_the_page(provider: Provider, page: str) -> Iterator[str]:
    text = section(page, provider.title)
    if text is None:
        yield f"docs/providers.md has no section {provider.title}"
        return
    for kind, fact in facts(provider):
        if fact not in text:
            yield f"docs/providers.md, {provider.title}: {kind} {fact} is not named"


def missing_in_the_sandbox(provider: Provider, apis: Mapping[str, Api]) -> Iterator[str]:
    if provider.name not in apis:
        yield f"loyalty_cli.sandbox.APIS has no {provider.name}"
        return
    api = apis[provider.name]
    for field in provider.credential_fields():
        if field not in api.credentials:
            yield f"the sandbox's {provider.name} has no credential {field}"
    for setting in provider.settings:
        if setting.required and setting.name not in api.settings:
            yield f"the sandbox's {provider.name} has no setting {setting.name}"


def facts(provider: Provider) -> Iterator[tuple[str, str]]:
    """What a provider's section must name, word for word."""
    yield "the name", f"`{provider.name}`"
    yield "the address", f"`{provider.base_url or 'base_url'}`"
    for page in provider.pages:
        yield "the page", f"<{page}>"
    for auth in provider.auths:
        yield "the sign-in", f"`auth: {auth.name}`"
        for field in auth.fields:
            yield "the credential", f"`{field}`"
    for setting in provider.settings:
        yield "the setting", f"setting `{setting.name}`"
    for option in provider.options:
        yield "the option", f"option `{option.name}`"
        yield "the parameter", f"sent as `{option.sent_as}`"
    if isinstance(provider, DebitProvider):
        for code in provider.debit_codes:
            yield "the code", code
    for key, source in provider.numbers.items():
        yield "the key", f"`{key}`"
        for field in re.findall(r"[a-z]+(?:[A-Z_.][A-Za-z_.]*)+[A-Za-z]", source):
            yield "the field", f"`{field}`"
