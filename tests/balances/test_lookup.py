"""A look-up is a record, whatever comes of it, and its options are checked."""

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_cli.balances.lookup import BalanceReader, LookupTask, check_options
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Failure, Lookup, RawLookup, WarningCode, WarningRecord
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Reading
from loyalty_cli.sandbox.profiles import SandboxCredentials
from loyalty_cli.sandbox.server import Reply
from tests.fakes.servers import profile_at, unused_port


class FailingPlatforms:
    """Platforms behind which nothing works."""

    def raw(self, *_: object) -> Any:
        raise LoyaltyError(ErrorCode.UNREACHABLE, "Nobody is there.", hint="Wait.")

    reading = raw


@pytest.mark.parametrize(
    ("raw", "kind"), [(False, Lookup), (True, RawLookup)], ids=["balances", "raw"]
)
def test_a_look_up_that_fails_is_a_record_too(raw: bool, kind: type[Lookup | RawLookup]) -> None:
    platforms: Any = FailingPlatforms()
    reader = BalanceReader(platforms, lambda: datetime(2026, 11, 20, 5, tzinfo=UTC))
    profile = profile_at("https://a.example")

    done = reader.look_up(LookupTask(profile, "C-1", {}, raw=raw))

    assert done == kind(
        profile=profile.name,
        provider="imprint",
        customer="C-1",
        sandbox=False,
        asked={"by": "id"},
        retrieved_at="2026-11-20T05:00:00Z",
        error=Failure(code=ErrorCode.UNREACHABLE, message="Nobody is there.", hint="Wait."),
    )


def errors_in_memory() -> list[LoyaltyError]:
    return [each for each in gc.get_objects() if isinstance(each, LoyaltyError)]


@pytest.mark.parametrize(
    "reply",
    [Reply(404, {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No."}), Reply(body="?"), None],
    ids=["not found", "not JSON", "nobody answers"],
)
def test_look_ups_that_fail_leave_nothing_in_memory_until_garbage_is_searched(
    reply: Reply | None, answer: Callable[[Any], str]
) -> None:
    url = answer(reply) if reply else f"http://127.0.0.1:{unused_port()}"
    client = HttpClient(sleep=lambda _: None)
    platforms = PlatformClient(client, SandboxCredentials(), AccessTokens(KeyringStore()))
    reader, task = BalanceReader(platforms), LookupTask(profile_at(url), "C-1", {})
    gc.collect()
    before = {id(each) for each in errors_in_memory()}  # other tests may keep some
    gc.disable()  # it is nearly so in the program, too
    try:
        for _ in range(3):
            assert reader.look_up(task).error
        left = [each for each in errors_in_memory() if id(each) not in before]
    finally:
        gc.enable()

    assert left == []


def test_a_raw_record_names_the_customer_of_the_answer_and_has_its_warnings() -> None:
    warning = WarningRecord(WarningCode.PLATFORM, "Hurry.")
    platforms: Any = FailingPlatforms()
    platforms.raw = lambda *_: (b'{"a": 1.0}', Reading((), None, (warning,), "M-7"))

    done = BalanceReader(platforms).look_up(
        LookupTask(profile_at("https://a.example"), "C-1", {}, raw=True)
    )

    assert isinstance(done, RawLookup)
    assert bytes(done.raw) == b'{"a":1.0}'
    assert (done.platform_customer, done.warnings) == ("M-7", (warning,))


def test_an_option_of_the_command_line_wins_over_that_of_the_profile() -> None:
    profile = profile_at("https://a.example", "omneo", options={"currency": "AUD"})

    assert check_options(profile, {}) == {"currency": "AUD"}
    assert check_options(profile, {"currency": "NZD"}) == {"currency": "NZD"}


@pytest.mark.parametrize(
    ("provider", "given", "words", "hint"),
    [
        ("omneo", {"curency": "NZD"}, "has no option 'curency'", "'currency'"),
        ("imprint", {"expand": "x"}, "has no option 'expand'", "None is available."),
        ("omneo", {"currency": " "}, "the option currency must", "See `loyalty providers omneo`."),
        (
            "capillary",
            {"skip_validation": "true"},
            "the option skip_validation is for debits",
            "Set it in the profile, with `options: {skip_validation: …}`.",
        ),
    ],
    ids=["unknown", "of no options", "empty", "of debits"],
)
def test_a_wrong_option_of_a_provider_is_a_usage_error(
    provider: str, given: dict[str, str], words: str, hint: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_options(profile_at("https://a.example", provider), given)

    assert caught.value.code is ErrorCode.USAGE
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")
