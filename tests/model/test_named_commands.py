"""The commands that messages name, in the sandbox and elsewhere."""

from collections.abc import Iterator

import pytest

from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.named_commands import begin_run, command_line, pasteable
from loyalty_cli.model.records import Failure

SETTLE = "Run `loyalty journal reconcile`, then `loyalty journal list`."


@pytest.fixture
def sandbox() -> Iterator[None]:
    begin_run(sandbox=True)
    yield
    begin_run(sandbox=False)


def test_a_message_names_the_commands_of_real_platforms_unchanged() -> None:
    assert pasteable(SETTLE) == SETTLE


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (SETTLE, SETTLE.replace("`loyalty ", "`loyalty --sandbox ")),
        ("Run `loyalty sandbox reset`.", "Run `loyalty sandbox reset`."),
        ("`loyalty help output` lists them", "`loyalty help output` lists them"),
        ("Set `account:`; loyalty keeps it.", "Set `account:`; loyalty keeps it."),
    ],
    ids=["every command", "the one of the sandbox itself", "help", "no command"],
)
def test_a_message_in_the_sandbox_names_commands_that_act_there(message: str, shown: str) -> None:
    assert pasteable(message) == pasteable(pasteable(message)) == shown


def test_a_message_repeats_a_profile_file_that_was_typed() -> None:
    begin_run(sandbox=False, config=r"my \1.yaml")
    message = "Run `loyalty init`. See `loyalty init --help`."

    shown = pasteable(message)

    assert shown == message.replace("`loyalty init`", r"`loyalty --config 'my \1.yaml' init`")
    assert pasteable(shown) == shown


@pytest.mark.usefixtures("sandbox")
def test_the_record_of_an_error_in_the_sandbox_names_the_same_commands() -> None:
    failure = Failure.of(LoyaltyError(ErrorCode.SETUP, "see `loyalty profiles`.", hint=SETTLE))

    assert failure.message == "see `loyalty --sandbox profiles`."
    assert failure.hint == pasteable(SETTLE)
    assert Failure.of(LoyaltyError(ErrorCode.SETUP, "no hint.")).hint is None


def test_a_command_line_acts_where_this_run_does_and_is_quoted_for_a_shell() -> None:
    assert command_line(["journal", "show", "a b"]) == "loyalty journal show 'a b'"

    begin_run(sandbox=True, config="my file.yaml")

    assert command_line(["profiles"]) == "loyalty --sandbox --config 'my file.yaml' profiles"
