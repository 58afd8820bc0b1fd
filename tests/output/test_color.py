"""Colours: who decides about them, and that nothing is said by them alone."""

import pytest

from loyalty_cli.output.color import Color, may_color, set_color
from tests.conftest import Run
from tests.fakes.terminal import in_terminal, unstyled

ASKED = ("--sandbox", "balance", "C-1004", "E-404", "-p", "imprint")


@pytest.mark.parametrize(
    ("chosen", "variables", "in_a_terminal", "in_a_pipe"),
    [
        (Color.AUTO, {}, True, False),
        (Color.AUTO, {"NO_COLOR": "1"}, False, False),
        (Color.AUTO, {"NO_COLOR": ""}, True, False),
        (Color.AUTO, {"FORCE_COLOR": "1"}, True, True),
        (Color.AUTO, {"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        (Color.AUTO, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        (Color.AUTO, {"TERM": "dumb"}, False, False),
        (Color.AUTO, {"TERM": ""}, False, False),
        (Color.ALWAYS, {"NO_COLOR": "1", "TERM": "dumb"}, True, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, False, False),
    ],
)
def test_the_option_decides_before_the_variables_and_they_before_the_terminal(
    chosen: Color,
    variables: dict[str, str],
    in_a_terminal: bool,
    in_a_pipe: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    set_color(chosen)
    try:
        decided = may_color(is_terminal=True), may_color(is_terminal=False)
    finally:
        set_color(Color.AUTO)
    assert decided == (in_a_terminal, in_a_pipe)


def test_a_table_in_a_pipe_is_coloured_only_if_wished_and_says_the_same(program: Run) -> None:
    plain = program(*ASKED)
    colored = program(*ASKED, "--color", "always")

    assert "\x1b" not in plain.out + plain.err
    assert "\x1b[1m" in colored.out
    assert "\x1b[31;1mError:" in colored.err
    lines = [line.rstrip() for line in unstyled(colored.out).splitlines()]
    assert lines == plain.out.splitlines()


@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "markdown"])
def test_what_programs_read_is_never_coloured(program: Run, output: str) -> None:
    assert "\x1b" not in program(*ASKED, "--color=always", "-o", output).out


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_terminal_shows_the_same_without_colours(where: str) -> None:
    option = ("--color", "never")
    command = (*option, *ASKED) if where == "before" else (*ASKED, *option)
    colored, plain = in_terminal(*ASKED), in_terminal(*command)

    assert "\x1b[" in colored.out
    assert "\x1b" not in plain.out
    assert [line.rstrip() for line in unstyled(colored.out).splitlines()] == [
        line.rstrip() for line in plain.out.splitlines()
    ]


@pytest.mark.parametrize("width", [40, 120])
def test_a_dumb_terminal_is_as_wide_as_it_is(width: int) -> None:
    asked = ("--sandbox", "balance", "C-1001", "--all-profiles", "--layout", "groups")
    dumb, other = (
        in_terminal(*asked, width=width, env={"TERM": term}) for term in ("dumb", "vt220")
    )
    assert [line.rstrip() for line in dumb.out.splitlines()] == [
        line.rstrip() for line in unstyled(other.out).splitlines()
    ]


def test_an_unknown_colour_is_told_with_the_known_ones(program: Run) -> None:
    done = program("--color", "sometimes", "profiles")
    assert done.code == 2
    assert "'auto', 'always', 'never'" in done.err
