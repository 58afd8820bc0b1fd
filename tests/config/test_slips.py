"""The usual slips in a profile file: each is told with its line, and with what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.config.load import load
from loyalty_cli.config.syntax_slips import usual_slip
from loyalty_cli.config.yaml_nodes import MistakeError, parse
from loyalty_cli.model.errors import ErrorCode, LoyaltyError

TOP = "profiles:\n  points:\n    provider: gameball\n"
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        # The indent
        ("profiles:\n\tpoints:\n", 2, "begins with a TAB", "Indent with spaces"),
        ("profiles:\n  points:\n\tprovider: gameball\n", 3, "begins with a TAB", "spaces"),
        ("profiles:\n\xa0 points:\n", 2, "an unusual space (U+00A0)", "ordinary spaces"),
        (f"{TOP}   timeout: 10\n", 4, "not indented as the lines above", "in the same column"),
        (f"{TOP}      timeout: 10\n", 4, "not indented as the lines above", "in the same column"),
        # A colon
        (f"{TOP}    timeout:10\n", 4, "no space after a colon", "Write `timeout: `"),
        (f"{TOP}    timeout:10\n    by: id\n", 4, "no space after a colon", "Write `timeout: `"),
        ("[points]\nprovider = gameball\n", 2, "= in place of a colon", "Write `provider: `"),
        ("profiles:\n  points\n    provider: x\n", 2, "has no colon", "at its end"),
        ("profiles\n  points:\n    provider: x\n", 1, "has no colon", "at its end"),
        ("profiles: points: {provider: x}\n", 1, "a second colon", "each key on a line"),
        (f"{TOP}    base_url: https: //x\n", 4, "a second colon", "in quotes"),
        (
            "profiles:\n  points\uff1a\n    by: id\n",
            2,
            "another sign in place",
            "an ordinary colon",
        ),
        # Quotes and signs
        (f'{TOP}    ca_bundle: "C:\\Users"\n', 4, "a \\ like this is not", "in single quotes"),
        (f'{TOP}    ca_bundle: "C:\\Data"\n', 4, "a \\ like this is not", "in single quotes"),
        (f'{TOP}    ca_bundle: "C:\\new"\n', 4, "a line break or a control", "in single quotes"),
        ('profiles:\n  a:\n    provider: "x\n    by: id\n', 3, "a quote is not", 'with " as'),
        ("profiles:\n  a:\n    provider: 'x\n", 3, "a quote is not closed", "with ' as"),
        ('profiles:\n  a:\n    provider: "x\n    by: "id"\n', 3, "a quote is not", 'with " as'),
        ("profiles:\n  a:\n    provider: @x\n", 3, "cannot begin with @", "in quotes"),
        ("profiles:\n  a:\n    provider: `x`\n", 3, "cannot begin with `", "in quotes"),
        ("profiles:\n  a:\n    provider: %x\n", 3, "cannot begin with %", "in quotes"),
        ("profiles:\n  a:\n    provider: !x\n", 3, "tags (!)", "in quotes"),
        ("profiles:\n  a:\n    provider: *x\n", 3, "aliases (*)", "in quotes"),
        # Brackets
        ("profiles:\n  a: {provider: x\n", 2, "a { is not closed", "a } after"),
        ("profiles:\n  a: {provider: x\n  b: {provider: y}\n", 2, "a { is not closed", "a } after"),
        ("profiles:\n  a: {provider: x by: id}\n", 2, "cannot be told apart", "a comma between"),
        ("profiles:\n  a: {provider: x; by: id}\n", 2, "cannot be told apart", "a comma between"),
        ("profiles:\n  a: {provider: x}}\n", 2, "a } too many", "Take it out"),
        # More than one file
        ("profiles:\n<<<<<<< HEAD\n  a:\n", 2, "a merge of two versions", "Keep one"),
        (f"{TOP}---\n{TOP}", 5, "a second document", "Take the line with --- out"),
        (f"{TOP}    provider: x\n", 4, "is a duplicate (first on line 3)", "indent it"),
    ],
    ids=ascii,
)
def test_a_slip_in_yaml_is_told_with_its_line_and_what_to_do(
    text: str, line: int, message: str, hint: str
) -> None:
    with pytest.raises(MistakeError) as caught:
        parse(text)

    assert message in str(caught.value)
    assert caught.value.line == line
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            "profiles:\n  points:\n  provider: gameball\n",
            "line 3: profiles.provider: stands beside a profile",
            "Indent it below the name",
        ),
        (
            "profiles:\n  club:\n    provider: capillary\n  base_url: https://x.example\n",
            "line 4: profiles.base_url: stands beside a profile",
            "Indent it below the name",
        ),
        (
            "profiles:\n  points:\n    provider: gameball\n  options:\n    expand: tier\n",
            "line 4: profiles.options: stands beside a profile",
            "Indent it below the name",
        ),
        (
            "profiles:\npoints:\n  provider: gameball\n",
            "line 2: points: stands beside `profiles`",
            "Indent it below `profiles:`",
        ),
        (
            "points:\n  provider: gameball\n",
            "line 1: points: a profile does not belong at the top",
            "Put it below `profiles:`",
        ),
        ("provider: gameball\n", "line 1: provider: does not belong at the top", "a profile"),
        (
            f"{TOP}base_url: https://x.example\n",
            "line 4: base_url: does not belong at the top",
            "below the profile's name",
        ),
        (
            "profiles:\n  default_profile: points\n  points:\n    provider: gameball\n",
            "line 2: profiles.default_profile: is no profile",
            "without an indent",
        ),
        ("profiles:\n  - points:\n      provider: x\n", "line 2: profiles: must be", "the - away"),
        (
            "profiles:\n  points:\n    - provider: gameball\n",
            "line 3: profiles.points: must be a map with a provider, not a list",
            "Take the - away",
        ),
        ("profiles:\n  points:\n", "line 2: profiles.points: must be", "on the next lines"),
        ("profiles:\n  points: gameball\n", "line 2: profiles.points:", "{provider: gameball}"),
        ("profiles:\n  points:\n    provider:gameball\n", "line 3: profiles.p", "`provider: `"),
        ("profiles:\n  points:\n    provider = gameball\n", "line 3: profiles.p", "`provider: `"),
        ("profiles:\n  points:\n    provider\uff1agameball\n", "line 3: ", "`provider: `"),
        (
            "profiles:\n  points: {provider:gameball}\n",
            "line 2: profiles.points.provider: unknown key",
            "Write `provider: `",
        ),
        (
            "profiles:\n  points: {provider: gameball, timeout:10}\n",
            "line 2: profiles.points.timeout: unknown key",
            "Write `timeout: `",
        ),
        ("profiles:\n  points:{provider: gameball}\n", "line 2: profiles.points", "a space after"),
        (
            f"{TOP}    debit:\n    allow: true\n",
            "line 5: profiles.points.allow: unknown key",
            "It is a key of `debit`",
        ),
        (
            f"{TOP}    options:\n    expand: tier\n",
            "line 5: profiles.points.expand: unknown key",
            "It is a key of `options`",
        ),
        (
            f"{TOP}  api_key: {SECRET}\n",
            "line 4: profiles.api_key: a credential does not belong in this file",
            "loyalty login",
        ),
        ("profile:\n  points:\n    provider: x\n", "line 1: profile: unknown", "'profiles'?"),
        ("Hello, world\n", "line 1: must be a map", "loyalty init"),
        ("# a comment\n", "the file is empty", "loyalty init"),
        ("profiles:\n", "line 1: profiles: must be a map", "loyalty config example"),
    ],
    ids=ascii,
)
def test_a_key_in_the_wrong_place_is_told_with_its_line_and_where_it_belongs(
    profile_file: Callable[[str], Path], text: str, said: str, hint: str
) -> None:
    path = profile_file(text)
    with pytest.raises(LoyaltyError) as caught:
        load(path)

    assert caught.value.code == ErrorCode.SETUP
    assert str(path) in caught.value.message
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "content",
    [
        TOP.replace("\n", "\r\n").encode(),
        TOP.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + TOP.encode(),
        f"---\n{TOP}...\n".encode(),
        TOP.replace(": g", ":\tg").encode(),
        b'{"profiles": {"points": {"provider": "gameball"}}}',
        b"profiles:\n  account:\n    provider: gameball\n",
    ],
    ids=ascii,
)
def test_what_other_editors_write_is_no_slip(
    profile_file: Callable[[str], Path], content: bytes
) -> None:
    path = profile_file("")
    path.write_bytes(content)

    (profile,) = load(path).profiles.values()
    assert profile.provider.name == "gameball"


@pytest.mark.parametrize(
    "text",
    [
        f"profiles:\n  points:\n    {SECRET}\n    provider: gameball\n",
        f"profiles:\n  points: {{provider: gameball api_key: {SECRET}}}\n",
        f"profiles:\n  points:\n    api_key:{SECRET}\n",
        f"profiles:\n  points:\n    provider: gameball\n    api_key:{SECRET}\n",
        f"profiles:\n  points:\n    api_key = {SECRET}\n",
        f"profiles:\n  points:\n    api_key: '{SECRET}\n",
        f"profiles:\n  points:\n    api_key: @{SECRET}\n",
    ],
    ids=ascii,
)
def test_no_slip_is_told_with_a_value_of_the_file(
    profile_file: Callable[[str], Path], text: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        load(profile_file(text))

    assert SECRET not in f"{caught.value.message} {caught.value.hint}"


def test_a_long_line_is_looked_at_quickly() -> None:
    for sign in (":", ": ", "{", "a: ", '"', "- "):
        usual_slip(f"a:\n{sign * 300_000}\n", "expected", 1, 0)
