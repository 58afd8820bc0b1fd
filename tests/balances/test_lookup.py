"""A look-up is a record, whatever comes of it, and its options are checked."""

from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty_cli.balances.lookup import BalanceReader, LookupTask, check_options
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Failure, Lookup, RawLookup, WarningCode, WarningRecord
from loyalty_cli.providers.contract import Reading
from tests.fakes.servers import profile_at


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
