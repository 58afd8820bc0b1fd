"""The registry: every provider in it is complete."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.contract import DebitProvider, Provider, Query, Request, Token
from loyalty_cli.sandbox import APIS
from tests.documentation.pages import page, section
from tests.providers.contract import cases_of

PAGE = page("docs/providers.md")


def imports(source: str) -> Iterator[str]:
    """The modules that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def facts(provider: Provider) -> Iterator[str]:
    """What a provider's section must name, word for word."""
    yield f"`{provider.name}`"
    yield f"`{provider.base_url or 'base_url'}`"
    yield from (f"<{page}>" for page in provider.pages)
    for auth in provider.auths:
        yield f"`auth: {auth.name}`"
        yield from (f"`{field}`" for field in auth.fields)
    yield from (f"setting `{setting.name}`" for setting in provider.settings)
    for option in provider.options:
        yield f"option `{option.name}`"
        yield f"sent as `{option.sent_as}`"
    if isinstance(provider, DebitProvider):
        yield from provider.debit_codes
    for key, source in provider.numbers.items():
        yield f"`{key}`"
        for field in re.findall(r"[a-z]+(?:[A-Z_.][A-Za-z_.]*)+[A-Za-z]", source):
            yield f"`{field}`"


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_every_provider_has_test_cases_a_page_section_and_a_sandbox(name: str) -> None:
    provider = providers.load(name)
    cases, text, api = cases_of(name), section(PAGE, provider.title), APIS[name]

    assert provider.name == name
    assert cases is not None, f"tests/providers/test_{name}.py has no CASES"
    assert cases.provider == name
    assert text is not None, f"docs/providers.md has no section {provider.title}"
    assert [fact for fact in facts(provider) if fact not in text] == []
    assert set(provider.credential_fields()) <= api.credentials.keys()
    assert {each.name for each in provider.settings if each.required} <= api.settings.keys()


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_provider_imports_the_contract_and_nothing_else_of_the_program(name: str) -> None:
    source = inspect.getsource(import_module(providers.BUILT_IN[name].partition(":")[0]))

    imported = {module for module in imports(source) if module.startswith("loyalty_cli")}
    assert imported == {"loyalty_cli.providers.contract"}


def test_the_page_and_the_sandbox_have_no_unknown_provider() -> None:
    titles = [line[3:] for line in PAGE.splitlines() if line.startswith("## ")]

    assert titles == [providers.load(name).title for name in providers.BUILT_IN]
    assert list(APIS) == list(providers.BUILT_IN)


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_request_and_a_token_show_no_secret_when_they_are_printed(name: str) -> None:
    assert repr(Token("s3cret", 5.0)) == "Token(lifetime=5.0)"
    provider = providers.load(name)
    secrets = dict.fromkeys(provider.credential_fields(), "s3cret")
    for auth in provider.auths:
        if auth.exchange:
            assert "s3cret" not in repr(auth.exchange.request(secrets))
            continue
        headers = auth.headers(secrets)
        settings = {setting.name: "acme" for setting in provider.settings}
        request = next(provider.look_up(Query("C-1", settings)))
        assert "s3cret" not in repr(Request(request.path, headers=headers))
