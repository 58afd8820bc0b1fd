"""The registry: every provider in it is complete, and what is not complete is told."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from loyalty_cli import providers
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.contract import (
    Auth,
    PlatformError,
    Provider,
    Query,
    Reading,
    Request,
    Token,
)
from loyalty_cli.providers.parameters import Parameter
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.api import Api
from tests.conftest import Run
from tests.documentation.pages import page, section
from tests.providers.registry import facts, missing

PAGE = page("docs/providers.md")


class Fake(Provider):
    """A provider that nobody finished."""

    name = "fake"
    title = "Fake & Sons"
    pages = ("https://docs.fake.example/",)
    auths = (Auth("keys", ("fake_key", "fake_secret"), lambda secrets: secrets),)
    settings = (Parameter("branch", "which branch", required=True),)
    options = (Parameter("lang", "the language", sent_as="language"),)
    numbers = {"available": "coins.spendable, less coins_held"}

    def request(self, query: Query) -> Request:
        return Request(("balance", query.customer))

    def normalize(self, body: Any, query: Query) -> Reading:
        raise NotImplementedError(body, query)

    def read_error(self, body: Any) -> PlatformError | None:
        raise NotImplementedError(body)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(providers.BUILT_IN, "fake", f"{__name__}:Fake")
    return "fake"


def imports(source: str) -> Iterator[str]:
    """The modules that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_provider_has_cases_a_section_and_a_sandbox(name: str) -> None:
    assert missing(name, PAGE, APIS) == []


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_provider_imports_the_contract_and_nothing_else_of_the_program(name: str) -> None:
    source = inspect.getsource(import_module(providers.BUILT_IN[name].partition(":")[0]))

    imported = {module for module in imports(source) if module.startswith("loyalty_cli")}
    assert imported == {"loyalty_cli.providers.contract"}


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_provider_has_the_name_it_is_registered_under(name: str) -> None:
    assert providers.load(name).name == name


def test_the_page_and_the_sandbox_have_no_provider_that_the_registry_has_not() -> None:
    titles = [line[3:] for line in PAGE.splitlines() if line.startswith("## ")]

    assert titles == [providers.load(name).title for name in providers.BUILT_IN]
    assert list(APIS) == list(providers.BUILT_IN)


def test_a_provider_that_is_a_class_alone_lacks_everything_else(fake: str) -> None:
    assert missing(fake, PAGE, APIS) == [
        "tests.providers.test_fake has no CASES",
        "docs/providers.md has no section Fake & Sons",
        "loyalty_cli.sandbox.APIS has no fake",
    ]


def test_a_section_and_a_sandbox_that_are_empty_lack_every_fact(fake: str) -> None:
    unwritten = PAGE + "\n## Fake & Sons\n\nTo be written.\n"
    api = Api({"fake_key": "x"}, APIS["imprint"].handle, APIS["imprint"].errors)

    lacking = "docs/providers.md, Fake & Sons: "
    assert missing(fake, unwritten, {**APIS, "fake": api}) == [
        "tests.providers.test_fake has no CASES",
        f"{lacking}the name `fake` is not named",
        f"{lacking}the address `base_url` is not named",
        f"{lacking}the page <https://docs.fake.example/> is not named",
        f"{lacking}the sign-in `auth: keys` is not named",
        f"{lacking}the credential `fake_key` is not named",
        f"{lacking}the credential `fake_secret` is not named",
        f"{lacking}the setting setting `branch` is not named",
        f"{lacking}the option option `lang` is not named",
        f"{lacking}the parameter sent as `language` is not named",
        f"{lacking}the key `available` is not named",
        f"{lacking}the field `coins.spendable` is not named",
        f"{lacking}the field `coins_held` is not named",
        "the sandbox's fake has no credential fake_secret",
        "the sandbox's fake has no setting branch",
    ]


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_fact_that_is_taken_off_the_page_is_missed(name: str) -> None:
    provider = providers.load(name)
    text = section(PAGE, provider.title)
    assert text is not None

    for kind, fact in facts(provider):
        without = PAGE.replace(text, text.replace(fact, ""))
        expected = f"docs/providers.md, {provider.title}: {kind} {fact} is not named"
        assert expected in missing(name, without, APIS)


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_the_program_shows_what_the_class_says(name: str, loyalty: Run) -> None:
    done = loyalty("providers", name, "-o", "json")

    provider = providers.load(name)
    record = done.record
    assert done.code == 0
    assert (record["provider"], record["title"]) == (name, provider.title)
    assert [each["name"] for each in record["auth"]] == [auth.name for auth in provider.auths]
    assert [each["name"] for each in record["options"]] == [each.name for each in provider.options]
    assert [each["name"] for each in record["settings"]] == [
        each.name for each in provider.settings
    ]
    assert record["numbers"] == provider.numbers


def test_a_name_that_is_not_there_is_a_mistake_with_a_suggestion() -> None:
    with pytest.raises(LoyaltyError) as raised:
        providers.load("gamebal")

    assert raised.value.code == ErrorCode.SETUP
    assert raised.value.hint == "Did you mean 'gameball'?"


def test_a_token_is_not_shown_when_it_is_printed() -> None:
    assert repr(Token("s3cret", 5.0)) == "Token(lifetime=5.0)"


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_a_request_shows_no_secret_when_it_is_printed(name: str) -> None:
    provider = providers.load(name)
    secrets = dict.fromkeys(provider.credential_fields(), "s3cret")
    for auth in provider.auths:
        if auth.exchange:
            assert "s3cret" not in repr(auth.exchange.request(secrets))
            continue
        headers = auth.headers(secrets)
        settings = {setting.name: "acme" for setting in provider.settings}
        request = provider.request(Query("C-1", settings))
        assert "s3cret" not in repr(Request(request.path, headers=headers))
