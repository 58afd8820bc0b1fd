"""The lines of a new profile."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli import providers
from loyalty_cli.config.new_profile import lines_of, scalar
from loyalty_cli.config.yaml_nodes import Map, Text, parse


@settings(database=None, max_examples=150)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1)
    | st.sampled_from(["null", "~", "yes", "a: b", "a #b", "- a", "https://h.example/x", "0123"])
)
def test_a_value_is_written_so_that_it_is_read_as_it_is(value: str) -> None:
    root = parse(f"a: {scalar(value)}\n")

    assert isinstance(root, Map)
    node = root.items["a"]
    assert isinstance(node, Text)
    assert node.value == value


@pytest.mark.parametrize("name", providers.BUILT_IN)
def test_every_comment_with_a_key_of_a_new_profile_can_be_switched_on(name: str) -> None:
    provider = providers.load(name)
    lines = lines_of(provider, None, {})

    root = parse("\n".join(re.sub(r"^( *)#(\w|  )", r"\1\2", line) for line in lines))

    assert isinstance(root, Map)
    assert {each.name for each in provider.settings} <= root.keys.keys()
    options = root.items.get("options")
    known = {each.name for each in provider.profile_options()}
    assert (set(options.keys) if isinstance(options, Map) else set()) == known
