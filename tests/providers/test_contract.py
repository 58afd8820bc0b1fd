"""The contract: the same promises of every provider, and what only the program shows of them."""

import json
from base64 import b64encode
from datetime import UTC, datetime
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty_cli import providers
from loyalty_cli.providers.contract import time_or_none
from loyalty_cli.sandbox.server import Reply
from loyalty_cli.testing import FakePlatform, ProviderContract, promises
from loyalty_cli.testing.json_tree import about, for_customer
from loyalty_cli.testing.look_ups import IDENTIFIERS, UNSENDABLE
from tests.providers.conftest import Ask
from tests.providers.contract import Cases, at, cases_of, digits, with_raw

ALL = [cases for name in providers.BUILT_IN if (cases := cases_of(name))]
TYPED = [each for each in IDENTIFIERS if ";" not in each and "\u202e" not in each]
"""The command line takes no identifier with a semicolon, nor what one cannot see in it."""
DIGITS = st.from_regex(r"-?(0|[1-9][0-9]{0,59})(\.[0-9]{1,19})?", fullmatch=True)
"""Amounts of up to 60 digits, with zeros in front, behind, and alone."""


def each(*, of: str) -> list[Any]:
    """Each thing that the cases list under a name, with the cases it is from."""
    return [
        pytest.param(cases, thing, id=f"{cases.name}-{thing}")
        for cases in ALL
        for thing in getattr(cases, of)
    ]


every_provider = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.name)


@pytest.mark.parametrize("promise", promises())
@every_provider
def test_a_built_in_provider_keeps_the_promise(cases: Cases, promise: str) -> None:
    contract = type("Contract", (ProviderContract,), {"cases": cases})

    getattr(contract(), promise)()


@every_provider
def test_every_amount_comes_out_with_the_digits_it_was_sent_with(cases: Cases) -> None:
    with FakePlatform(cases) as platform:

        @settings(max_examples=40)
        @given(
            sent=st.fixed_dictionaries(dict.fromkeys(cases.amounts, DIGITS)), quoted=st.booleans()
        )
        def check(sent: dict[str, str], quoted: bool) -> None:
            raw = {place: f'"{text}"' if quoted else text for place, text in sent.items()}
            record = platform.replies(with_raw(cases.answer, raw)).reads()

            found = {place: format(at(record, cases.amounts[place]), "f") for place in sent}
            assert found == sent

        check()


# What only the program shows


@every_provider
def test_a_look_up_prints_a_record_that_names_who_was_asked_for_and_where(
    ask: Ask, cases: Cases
) -> None:
    record = ask(cases).reads()

    assert record["balances"] == cases.full_balances()
    assert (record["profile"], record["provider"]) == ("main", cases.name)
    assert (record["customer"], record["sandbox"]) == (cases.customer, False)


@every_provider
def test_raw_prints_the_platforms_answer_untouched(ask: Ask, cases: Cases) -> None:
    answer = with_raw(cases.answer, dict.fromkeys(cases.amounts, "8500.000"))

    done = ask(cases).replies(answer).run("--raw")

    assert done.code == 0
    sent = about(answer, cases.customer)
    assert digits(done)["raw"] == json.loads(sent, parse_int=str, parse_float=str)


@pytest.mark.parametrize(("cases", "error"), each(of="fails"))
def test_an_error_of_a_platform_is_two_lines_and_an_exit_code(
    ask: Ask, cases: Cases, error: str
) -> None:
    expected = cases.fails[error]
    platform = ask(cases).replies(Reply(expected.status, expected.body))

    told = platform.tells(*expected.arguments)

    assert (told.exit_code, told.code) == (expected.exit_code, expected.code)
    assert len(platform.received) == expected.requests


@pytest.mark.parametrize(
    ("reply", "exit_code", "requests"),
    [("not_found", 5, 1), ("refused", 4, 1), ("throttled", 7, 3)],
    ids=["not found", "refused", "throttled"],
)
@every_provider
def test_not_found_refused_and_throttled_have_their_own_exit_codes(
    ask: Ask, cases: Cases, reply: str, exit_code: int, requests: int
) -> None:
    platform = ask(cases).replies(getattr(cases, reply))

    assert platform.tells().exit_code == exit_code
    assert len(platform.received) == requests


@every_provider
def test_an_identifier_of_the_command_line_reaches_the_platform_byte_for_byte(
    ask: Ask, cases: Cases
) -> None:
    platform = ask(cases)
    ways = [name for name, way in cases.ways.items() if not way.steps]
    for way, customer in product(("id", *ways), TYPED):
        record = platform.run("--by", way, customer=customer).record
        assert (record["customer"], record["asked"]["by"]) == (customer, way)

        *_, received = platform.received
        assert customer in (*received.path, *received.query.values())
        assert quote(customer, safe="") in received.target


@pytest.mark.parametrize("where", ["command line", "profile"])
@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_is_sent_from_the_command_line_and_from_the_profile(
    ask: Ask, cases: Cases, option: str, where: str
) -> None:
    value, sent = cases.options[option]
    platform = ask(cases)
    if where == "profile":
        platform.profile(options={option: value})
    arguments = ["-O", f"{option}={value}"] if where == "command line" else []

    assert platform.run(*arguments).code == 0

    ours = for_customer(cases.query, cases.customer)
    assert platform.received[-1].query == {**ours, **sent}


@pytest.mark.parametrize(("cases", "option"), each(of="options"))
def test_an_option_that_cannot_be_sent_is_refused_before_any_request(
    ask: Ask, cases: Cases, option: str
) -> None:
    platform = ask(cases)
    for value in UNSENDABLE:
        done = platform.run("-O", f"{option}={value}")

        assert (done.code, done.out, platform.received) == (2, "", [])
        assert done.err.startswith("Error: ")
        assert len(done.err.splitlines()) <= 2


@pytest.mark.parametrize("reply", ["answer", "refused", "not_found", "throttled"])
@pytest.mark.parametrize(("cases", "auth"), each(of="signs_in"))
def test_no_output_of_a_look_up_shows_a_secret(
    ask: Ask, cases: Cases, auth: str, reply: str
) -> None:
    platform = ask(cases).replies(getattr(cases, reply))
    platform.profile(auth=auth)

    done = platform.run("-v")

    shown = done.out + done.err
    assert f"> GET {platform.url}/" in done.err
    headers = [each for each in cases.signs_in[auth].values() if isinstance(each, str)]
    for secret in (*cases.credentials.values(), *headers):
        if secret == "application/json":
            continue
        for form in (secret, quote(secret), b64encode(secret.encode()).decode()):
            assert form not in shown
        assert secret.rpartition(" ")[2] not in shown


NAIVE = datetime(2026, 11, 20, 5)  # noqa: DTZ001 - a platform that states no time zone


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2026-11-20T05:00:00Z", NAIVE.replace(tzinfo=UTC)),
        (" 2026-11-20 05:00 ", NAIVE),
        (1795150800000, NAIVE.replace(tzinfo=UTC)),
        ("1795150800000", NAIVE.replace(tzinfo=UTC)),
        *product((1795150800, "1795150800", 0, "0", -1, 10**30, "20261120050000"), [None]),
        *product(("0001-01-01 00:00:00", "1970-01-01T00:00:00Z", "9999-12-31"), [None]),
        *product(("0000-00-00", "22-11-2026", "11/22/2026", "soon", "", " ", "\u00b2"), [None]),
        *product((None, True, [], {}, 1795150800000.5), [None]),
    ],
    ids=repr,
)
def test_a_time_of_a_platform_is_one_only_if_it_can_be_meant(
    sent: Any, at: datetime | None
) -> None:
    assert time_or_none(sent) == at
