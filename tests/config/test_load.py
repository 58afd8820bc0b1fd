"""The profile file: what it can say, and how each mistake in it is told."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loyalty_cli import providers
from loyalty_cli.config.descriptions.find import Descriptions
from loyalty_cli.config.load import DEBIT_KEYS, FILE_KEYS, Config, load
from loyalty_cli.config.profile import DebitRules
from loyalty_cli.config.yaml_nodes import Map, Node, parse
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.providers.parameters import PROFILE_KEYS
from tests.conftest import Run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.yaml"
EXAMPLE_PROVIDERS = {
    "card": "imprint",
    "points": "gameball",
    "club": "capillary",
    "store": "omneo",
    "referrals": "saasquatch",
}
"""The provider of each profile in it."""

Write = Callable[[str], Path]
Refused = Callable[[str], str]

SECRET = "hunter2"


@pytest.fixture
def refused(loyalty: Run, profile_file: Write) -> Refused:
    """What is said of a profile file that is refused, FILE in the place of its path."""

    def said(text: str) -> str:
        path = profile_file(text)
        done = loyalty("profiles")
        assert (done.code, done.out) == (3, "")
        lines = done.err.splitlines()
        assert lines[0].startswith(f"Error: {path}")
        assert [line.split(":")[0] for line in lines] in (["Error"], ["Error", "Hint"])
        return done.err.replace(str(path), "FILE")

    return said


def one(profile: str) -> str:
    """A file with one profile, on line 2."""
    return f"profiles:\n  card: {{{profile}}}\n"


def test_a_profile_needs_no_more_than_its_provider(profile_file: Write) -> None:
    profile = load(profile_file(one("provider: imprint"))).profiles["card"]

    assert (profile.auth.name, profile.base_url) == ("bearer", "https://dev.imprint.co")
    assert (profile.timeout, profile.debit) == (10.0, DebitRules())
    assert profile.by == "id"


def test_every_key_that_all_profiles_have_is_read(profile_file: Write) -> None:
    path = profile_file(
        one(
            "provider: imprint, base_url: 'https://host.example/prefix/', auth: basic,"
            " timeout: 2.5, ca_bundle: ca.pem, minor_units: 2, options: null,"
            " debit: {allow: true, unit: CENTS, max_amount: 5000}"
        )
        + "journal: /var/lib/loyalty/journal.db\n"
        + "people: data/people.db\nhistory: true\n"
    )

    config = load(path)
    profile = config.profiles["card"]

    assert profile.base_url == "https://host.example/prefix"
    assert (profile.auth.name, profile.timeout) == ("basic", 2.5)
    assert profile.ca_bundle == path.parent / "ca.pem"
    assert profile.settings == {"minor_units": "2"}
    assert (profile.options, config.default_profile, config.warnings) == ({}, "card", ())
    assert profile.debit == DebitRules(allow=True, unit="CENTS", max_amount=5000)
    assert config.journal == "/var/lib/loyalty/journal.db"
    assert (config.people, config.history) == ("data/people.db", True)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("profiles: {a: {provider: imprint}}", "a"),
        ("profiles: {a: {provider: imprint}, b: {provider: imprint}}", None),
        ("default_profile: b\nprofiles: {a: {provider: imprint}, b: {provider: imprint}}", "b"),
    ],
)
def test_the_only_profile_is_the_default(
    profile_file: Callable[[str], Path], text: str, default: str | None
) -> None:
    assert load(profile_file(text)).default_profile == default


def test_a_certificate_file_may_be_absolute_or_in_the_home_folder(
    profile_file: Write, environment: dict[str, str]
) -> None:
    def bundle(value: str) -> Path | None:
        text = one(f"provider: imprint, ca_bundle: {value}")
        return load(profile_file(text)).profiles["card"].ca_bundle

    assert bundle("/etc/ca.pem") == Path("/etc/ca.pem")
    assert bundle("~/ca.pem") == Path(environment["HOME"]) / "ca.pem"


@pytest.mark.parametrize("tenant", ["0123", "no", "12:30:45", "1e3", "1_000", "~acme", "'null'"])
def test_text_in_a_profile_is_taken_as_it_is_written(profile_file: Write, tenant: str) -> None:
    config = load(profile_file(one(f"provider: saasquatch, tenant: {tenant}")))

    assert config.profiles["card"].settings == {"tenant": tenant.strip("'")}


# The example beside the README.


def uncommented() -> str:
    """The example with every setting in it switched on."""
    return re.sub(r"^( *)#(\w+:)", r"\1\2", EXAMPLE.read_text(), flags=re.MULTILINE)


def keys(node: Node) -> Iterator[str]:
    if isinstance(node, Map):
        for name, inner in node.items.items():
            yield name
            yield from keys(inner)


@pytest.mark.parametrize("text", [EXAMPLE.read_text(), uncommented()], ids=["as it is", "all on"])
def test_the_example_profile_file_loads(loyalty: Run, profile_file: Write, text: str) -> None:
    profile_file(text)

    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.err) == (0, "")
    shown = {record["profile"]: record["provider"] for record in done.records}
    assert shown == EXAMPLE_PROVIDERS


def test_the_example_profile_file_shows_every_key_there_is() -> None:
    known = {*FILE_KEYS, *PROFILE_KEYS, *DEBIT_KEYS}
    for provider in map(providers.load, EXAMPLE_PROVIDERS.values()):
        known |= {each.name for each in (*provider.settings, *provider.profile_options())}

    root = parse(uncommented())
    assert isinstance(root, Map)
    described = root.items["providers"]
    shown = set(keys(root)) - set(keys(described))

    assert shown - known == set(EXAMPLE_PROVIDERS)
    assert known - shown - set(keys(described)) == set()


def test_the_example_profile_file_describes_a_platform() -> None:
    described = Descriptions(EXAMPLE, parse(EXAMPLE.read_text()))

    assert described.names == ("acme",)
    acme = described.load("acme")
    assert acme
    assert acme.title == "Acme"


def test_the_example_profile_file_names_every_way_to_sign_in() -> None:
    for provider in map(providers.load, EXAMPLE_PROVIDERS.values()):
        if len(provider.auths) > 1:
            assert all(auth.name in EXAMPLE.read_text() for auth in provider.auths)


# Mistakes.


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('profiles: "abc\n', "FILE, line 1: a quote is not closed"),
        ("[" * 100_000, "FILE, line 1: this is nested too deep"),
        (one("debit: {unit: a, unit: b}"), "line 2: the key 'unit' is a duplicate"),
        ("- a\n", "FILE, line 1: must be a map"),
        ("journal: x\n", "FILE, line 1: profiles: is missing"),
        ("journal: x\nprofiles:\n", "FILE, line 2: profiles: must be a map with"),
        ("profiles: {}\n", "FILE, line 1: profiles: must be a map with"),
        ("profiles: [a]\n", "FILE, line 1: profiles: must be a map with"),
        ("profiles:\n  card: a\n", "FILE, line 2: profiles.card: must be a map with a provider"),
        ("profiles:\n  card:\n", "FILE, line 2: profiles.card: must be a map with a provider"),
        ("a: 1\nprofile: {}\n", "FILE, line 1: a: unknown key"),
        ("profile: {}\n", "profile: unknown key.\nHint: Did you mean 'profiles'?"),
        ("defualt_profile: a\n", "Did you mean 'default_profile'?"),
        ("Journal: a\n", "Did you mean 'journal'?"),
        (
            one("provider: imprint, base-url: x"),
            ("FILE, line 2: profiles.card.base-url: unknown key.\nHint: Did you mean 'base_url'?"),
        ),
        (one("provider: imprint, tenant: x"), "profiles.card.tenant: unknown key"),
        (one("provder: imprint"), "card.provder: unknown key.\nHint: Did you mean 'provider'?"),
        (one("provider: imprint, minor_unit: 2"), "Did you mean 'minor_units'?"),
        (one("<<: {provider: imprint}, provider: imprint"), "profiles.card.<<: unknown key"),
        (
            one("provider: imprint, debit: {max: 1}"),
            "FILE, line 2: profiles.card.debit.max: unknown key",
        ),
        (one("provider: imprint, debit: {max_amuont: 1}"), "Did you mean 'max_amount'?"),
        (
            one("provider: gameball, options: {expnad: tier}"),
            "profiles.card.options.expnad: unknown key.\nHint: Did you mean 'expand'?",
        ),
        (one("provider: imprint, options: {expand: x}"), "Hint: None is available."),
        (
            one("provider: imprnt"),
            (
                "FILE, line 2: profiles.card.provider: there is no provider 'imprnt'."
                "\nHint: Did you mean 'imprint'?"
            ),
        ),
        (
            one("base_url: 'https://x.example'"),
            (
                "FILE, line 2: profiles.card.provider: is missing."
                f"\nHint: Available: {', '.join(providers.BUILT_IN)}."
            ),
        ),
        (
            one("provider: imprint, auth: oauth"),
            "FILE, line 2: profiles.card.auth: must be one of bearer, basic for Imprint",
        ),
        (
            one("provider: capillary, base_url: 'https://x.example', by: emial"),
            (
                "FILE, line 2: profiles.card.by: Capillary finds no customer by 'emial'."
                "\nHint: Did you mean 'email'?"
            ),
        ),
        (
            one("provider: imprint, by: card"),
            "profiles.card.by: Imprint finds no customer by 'card'.\nHint: Available: id.",
        ),
        (one("provider: capillary"), "profiles.card.base_url: is missing: Capillary has no"),
        (one("provider: omneo"), "profiles.card.base_url: is missing: Omneo has no"),
        (one("provider: saasquatch"), "profiles.card.tenant: is missing: the tenant alias"),
        (
            one("provider: imprint, base_url: 'http://api.example.com'"),
            "FILE, line 2: profiles.card.base_url: must begin with https://",
        ),
        (one("provider: imprint, base_url: api.example.com"), "profiles.card.base_url: must be"),
        (one("provider: imprint, ca_bundle: ~nobody-here/x"), "profiles.card.ca_bundle: begins"),
        (f"{one('provider: imprint')}journal: ~nobody-here/x", "line 3: journal: begins with ~"),
        (
            f"default_profile: crad\n{one('provider: imprint')}",
            (
                "FILE, line 1: default_profile: there is no profile 'crad'."
                "\nHint: Did you mean 'card'?"
            ),
        ),
    ],
    ids=lambda value: value.strip()[-40:] if isinstance(value, str) else None,
)
def test_a_mistake_is_told_with_its_line_its_key_and_the_nearest_valid_one(
    refused: Refused, text: str, said: str
) -> None:
    assert said in refused(text)


NOT_TEXT = ["[a]", "{a: b}", "''", "' '"]


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        *(
            (key, value)
            for key in ("provider", "base_url", "auth", "by", "timeout", "ca_bundle", "minor_units")
            for value in NOT_TEXT
        ),
        *(("options", value) for value in ("a", "[a]", "''")),
        *(("debit", value) for value in ("a", "[a]", "true")),
        *(("timeout", value) for value in ("0", "-1", "nan", "inf", "1e9", "3601", "ten", "1_0")),
        *(("timeout", value) for value in ("10s", "1.2.3", "٣", "-0.0")),
        *(("minor_units", value) for value in ("-1", "1.5", "two", "1e3", "²", "9" * 30)),
        *(("debit.allow", value) for value in ("yes", "1", "True", "[true]", "''")),
        *(("debit.unit", value) for value in NOT_TEXT),
        *(("debit.max_amount", value) for value in ("-1", "1e3", "50.00", "many", "[1]", "{}")),
    ],
)
def test_a_wrong_value_of_a_key_of_a_profile_is_told_with_the_key(
    refused: Refused, key: str, wrong: str
) -> None:
    provider = "" if key == "provider" else "provider: imprint, "
    outer, _, inner = key.rpartition(".")
    value = f"{outer}: {{{inner}: {wrong}}}" if outer else f"{key}: {wrong}"
    assert f"FILE, line 2: profiles.card.{key}: " in refused(one(f"{provider}{value}"))


@pytest.mark.parametrize(
    ("provider", "option", "wrong"),
    [
        ("gameball", "expand", "[tier]"),
        ("gameball", "expand", "''"),
        ("capillary", "program_id", "forty"),
        ("capillary", "all_programs", "yes"),
        ("omneo", "currency", "{a: b}"),
        ("saasquatch", "reward_type", "MONEY"),
    ],
)
def test_a_wrong_value_of_an_option_is_told_with_its_key(
    refused: Refused, provider: str, option: str, wrong: str
) -> None:
    more = ", tenant: acme" if provider == "saasquatch" else ""
    text = f"provider: {provider}, base_url: 'https://h.example'{more}"
    said = refused(one(f"{text}, options: {{{option}: {wrong}}}"))
    assert f"FILE, line 2: profiles.card.options.{option}: " in said


@pytest.mark.parametrize("text", ["[a]", "{a: b}", "''"])
@pytest.mark.parametrize("key", ["default_profile", "journal", "people", "history"])
def test_a_wrong_value_of_a_key_outside_the_profiles_is_told(
    refused: Refused, key: str, text: str
) -> None:
    assert f"FILE, line 3: {key}: " in refused(f"{one('provider: imprint')}{key}: {text}\n")


@pytest.mark.parametrize(
    "name", ["-a", "_a", "a.b", "a b", "a/b", "../a", "'a\u202eb'", "é", "a" * 65, "''", "a:b"]
)
def test_a_wrong_name_of_a_profile_is_told(refused: Refused, name: str) -> None:
    said = refused(f"profiles:\n  {name}: {{provider: imprint}}\n")
    assert "FILE, line 2: profiles." in said
    assert "letters, digits, - and _" in said


@pytest.mark.parametrize("name", ["a", "0", "A-1_b", "null_", "no", "a" * 64])
def test_a_name_of_a_profile_may_have_letters_digits_hyphens_and_underscores(
    profile_file: Write, name: str
) -> None:
    assert list(load(profile_file(f"profiles: {{{name}: {{provider: imprint}}}}")).profiles) == [
        name
    ]


@pytest.mark.parametrize(("first", "second"), [("a-b", "a_b"), ("Card", "card")])
def test_two_profiles_that_would_share_an_environment_variable_are_refused(
    refused: Refused, first: str, second: str
) -> None:
    said = refused(
        f"profiles:\n  {first}: {{provider: imprint}}\n  {second}: {{provider: gameball}}\n"
    )

    variable = f"LOYALTY_{second.upper()}_API_KEY"
    assert f"FILE, line 3: profiles.{second}: shares the environment variable {variable}" in said
    assert repr(first) in said


def test_similar_profile_names_are_taken_where_no_variable_is_shared(profile_file: Write) -> None:
    omneo = "{provider: omneo, base_url: 'https://h.example'}"
    config = load(profile_file(f"profiles: {{a-b: {{provider: imprint}}, a_b: {omneo}}}"))

    assert len(config.profiles) == 2


# Secrets.


@pytest.mark.parametrize(
    "key",
    [
        "api_key", "apikey", "apiKey", "API-KEY", "password", "Passwort_password", "passwd",
        "token", "access_token", "secret", "secret_key", "client_secret", "credentials",
        "authorization",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "where",
    [
        "{key}: {value}\nprofiles: {{card: {{provider: imprint}}}}\n",
        "profiles: {{card: {{provider: imprint, {key}: {value}}}}}\n",
        "profiles: {{card: {{provider: imprint, {key}:{value}}}}}\n",
        "profiles: {{card: {{provider: imprint, {key}={value}}}}}\n",
        "profiles: {{card: {{provider: imprint, options: {{{key}: {value}}}}}}}\n",
        "profiles: {{card: {{provider: imprint, debit: {{{key}: {value}}}}}}}\n",
    ],
    ids=["file", "profile", "no space", "equals sign", "options", "debit"],
)
def test_a_secret_in_the_profile_file_is_refused_and_not_repeated(
    refused: Refused, where: str, key: str
) -> None:
    said = refused(where.format(key=key, value=SECRET))

    assert f"{key}: a credential does not belong in this file" in said
    assert "loyalty login" in said
    assert SECRET not in said


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_every_credential_of_a_provider_is_recognised_as_a_secret(
    refused: Refused, name: str
) -> None:
    for field in providers.load(name).credential_fields():
        said = refused(one(f"provider: {name}, {field}: {SECRET}"))
        assert f"profiles.card.{field}: a credential does not belong in this file" in said
        assert SECRET not in said


@pytest.mark.parametrize(
    "text",
    [
        f"profiles: {{card: {{provider: imprint, base_url: 'https://me:{SECRET}@h.example'}}}}",
        f"profiles: {{card: {{provider: imprint, base_url: 'https://me:{SECRET}/x@h.example'}}}}",
        f"profiles: {{card: {{provider: imprint, baseurl:https://me:{SECRET}@h.example}}}}",
        f"profiles: {{card: {{provider: imprint, auth: {SECRET}}}}}",
        f"profiles: {{card: {{provider: imprint, auth: {{api_key: {SECRET}}}}}}}",
        f"profiles: {{card: {{provider: imprint, api_key: !{SECRET}}}}}",
        f"profiles: {{card: {{provider: imprint, api_key: *{SECRET}}}}}",
        f"profiles: {{card: {{provider: imprint, api_key: '{SECRET}}}}}",
        f"profiles:\n  card:\n    provider: imprint\n    api_key:{SECRET}\n    auth: basic\n",
        f"profiles:\n  provider: imprint\n  api_key: {SECRET}\n",
        f"{one('provider: imprint')}journal: postgresql://me:{SECRET}@host/db\n",
    ],
)
def test_a_secret_in_a_wrong_place_of_the_profile_file_is_not_repeated(
    refused: Refused, text: str
) -> None:
    assert SECRET not in refused(text)


# Anything at all.

# A busy machine is no mistake, and nothing is left behind.
CALM = settings(database=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


def load_or_be_told(path: Path, content: bytes) -> Config | None:
    path.write_bytes(content)
    path.chmod(0o600)
    try:
        return load(path)
    except LoyaltyError as error:
        assert error.code is ErrorCode.SETUP  # noqa: PT017 - either outcome is right
        assert str(path) in error.message  # noqa: PT017 - the same
        return None


@settings(CALM, max_examples=120)
@given(content=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
@example(b"profiles: {\xff: 1}")
@example(b"\xef\xbb\xbf\xef\xbb\xbfprofiles: 1")
def test_any_bytes_are_a_profile_file_or_a_clear_error(anywhere: Path, content: bytes) -> None:
    load_or_be_told(anywhere, content)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=12)
    | st.sampled_from(["imprint", "omneo", "https://h.example", "http://[", "~x", "a/../b", "٣"])
)
KNOWN_KEYS = st.sampled_from(
    [*FILE_KEYS, *PROFILE_KEYS, *DEBIT_KEYS, "tenant", "minor_units", "expand", "program_id", "x"]
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN_KEYS, inner, max_size=4),
    max_leaves=10,
)
PROFILE = st.fixed_dictionaries(
    {"provider": st.sampled_from(list(providers.BUILT_IN))},
    optional=dict.fromkeys((*PROFILE_KEYS[1:], "tenant", "minor_units"), ANYTHING),
)


@settings(CALM, max_examples=120)
@given(
    tree=ANYTHING
    | st.fixed_dictionaries(
        {"profiles": st.dictionaries(st.text("aAb-_", max_size=3), PROFILE, max_size=3)},
        optional=dict.fromkeys(("default_profile", "journal", "people", "history"), SCALARS),
    )
)
def test_any_yaml_is_a_profile_file_or_a_clear_error(anywhere: Path, tree: Any) -> None:
    content = b""
    with suppress(yaml.YAMLError, UnicodeEncodeError):
        content = yaml.safe_dump(tree, allow_unicode=True).encode()

    config = load_or_be_told(anywhere, content)

    if config:
        assert config.profiles
        assert all(profile.timeout > 0 for profile in config.profiles.values())
