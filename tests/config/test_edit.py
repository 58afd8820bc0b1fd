"""Changes of a profile file's text: what is added, and that everything else stays."""

from pathlib import Path

import pytest

from loyalty_cli.config.edit import checked, replace_file, with_default, with_profile
from loyalty_cli.config.yaml_nodes import MistakeError
from loyalty_cli.model.errors import LoyaltyError

FILE = Path("config.yaml")
NEW = ["provider: gameball", "# a comment", "timeout: 5"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "journal: null\n",
        "profiles:\n",
        "profiles:\njournal: null\n",
        "profiles:\n  a:\n    provider: imprint\n",
        "profiles:\n  a:\n    provider: imprint",
        "profiles:\n    a:\n        provider: imprint\n        #timeout: 3\n\n# it\njournal:\n",
        "profiles:\n  a: {provider: imprint,\n    timeout: 3}\nhistory: true\n",
        "profiles:\n\n  # one\n  a:\n    provider: imprint\n\n  b: {provider: imprint}\n\n\n",
        "\ufeffprofiles:\r\n  a:\r\n    provider: imprint\r\n",
        "---\nprofiles:\n  a:\n    provider: imprint\n...\n",
        "profiles:\n  a:\n    provider: imprint\n# a comment\n  b:\n    provider: imprint\n",
    ],
    ids=ascii,
)
def test_a_profile_is_added_to_a_text_and_every_line_of_it_stays(text: str) -> None:
    changed = with_profile(text, "new", NEW)

    config = checked(FILE, changed)
    assert list(config.profiles)[-1] == "new"
    assert config.profiles["new"].timeout == 5
    rest = iter(changed.splitlines())
    assert all(line in rest for line in text.splitlines())  # in the same order
    assert ("\r\n" in text) == ("\r\n" in changed)
    if "\r\n" in text:
        assert changed.count("\n") == changed.count("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "profiles: {a: {provider: imprint}}\n",
        "{profiles: {a: {provider: imprint}}}\n",
        '\n{"profiles": {}}\n',
    ],
)
def test_a_text_in_braces_is_not_changed(text: str) -> None:
    with pytest.raises(MistakeError, match=r"written in \{ \}"):
        with_profile(text, "new", NEW)


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("# head\n", "# head\ndefault_profile: a\n"),
        ("# head\nprofiles:\n", "# head\ndefault_profile: a\nprofiles:\n"),
        ("# head\n\n# those\nprofiles:\n", "# head\n\ndefault_profile: a\n# those\nprofiles:\n"),
        ("journal:", "journal:\ndefault_profile: a\n"),
        ('default_profile: "b" # c\n', "default_profile: a # c\n"),
        ('"default_profile": b\n', '"default_profile": a\n'),
    ],
)
def test_a_default_is_set_before_the_profiles_or_where_it_was(text: str, changed: str) -> None:
    assert with_default(text, "a") == changed


@pytest.mark.parametrize(
    "text",
    [
        "profiles:\n  {a: {provider: imprint},\n  b: {provider: imprint}}\n",
        "profiles: {\n  a: {provider: imprint},\n  b: {provider: imprint}\n}\n",
        "profiles:\n  a: {provider: imprint}\n  b: {\n    provider: imprint\n}\n",
    ],
    ids=ascii,
)
def test_a_text_whose_profiles_end_in_an_unusual_way_is_not_changed(text: str) -> None:
    with pytest.raises(MistakeError, match="unusual") as raised:
        with_profile(text, "new", NEW)

    assert raised.value.line == 1  # of the text as it is


@pytest.mark.parametrize(
    "text",
    [
        "default_profile: |-\n  b\nprofiles:\n  a: {provider: imprint}\n",
        "  profiles:\n    a: {provider: imprint}\n",
        "# in braces\n{profiles: {a: {provider: imprint}}}\n",
    ],
    ids=ascii,
)
def test_a_default_is_not_set_in_a_text_that_would_say_something_else_then(text: str) -> None:
    with pytest.raises(MistakeError, match="unusual"):
        with_default(text, "a")


def test_a_file_that_somebody_else_has_changed_since_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# theirs\n")

    for read in ("# as it was\n", None):
        with pytest.raises(LoyaltyError, match="changed meanwhile"):
            replace_file(file, "# ours\n", read)

    assert file.read_text() == "# theirs\n"
    assert not [*tmp_path.glob(".*.new")]


def test_a_profile_can_have_a_name_that_means_nothing_elsewhere() -> None:
    text = with_default(with_profile("", "null", NEW), "null")

    assert checked(FILE, text).default_profile == "null"
