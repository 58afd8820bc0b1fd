"""Look-ups side by side: in the order asked, in parallel, each with its own outcome."""

import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest

from loyalty_cli.balances.lookup import BalanceReader, LookupTask, check_options
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Lookup, RawLookup
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Run, Serve
from tests.fakes.servers import Answering, RawServer, Wire, profile_at, reply, unused_port

pytestmark = pytest.mark.usefixtures("no_pauses")

PATIENCE = 20.0
BODIES: dict[str, Any] = {
    "imprint": {"reward_balance": 1, "reward_symbol": "points"},
    "gameball": {"availablePointsBalance": 1},
    "capillary": {"mainPoints": 1},
    "omneo": {"data": {"point_balance": 1}},
    "saasquatch": [{"type": "CREDIT", "unit": "CENTS"}],
}
FIELDS = {
    "imprint": ["api_key"],
    "gameball": ["api_key", "secret_key"],
    "capillary": ["username", "password"],
    "omneo": ["api_token"],
    "saasquatch": ["api_key"],
}


@pytest.fixture
def profiles_at(
    profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str]], None]:
    """Write a profile of every provider, named after it, each at an address of its own."""

    def write(urls: dict[str, str]) -> None:
        lines = ["profiles:"]
        for provider, url in urls.items():
            tenant = ", tenant: acme" if provider == "saasquatch" else ""
            lines.append(f"  {provider}: {{provider: {provider}, base_url: '{url}'{tenant}}}")
            for field in FIELDS[provider]:
                monkeypatch.setenv(f"LOYALTY_{provider}_{field}".upper(), "x")
        profile_file("\n".join(lines) + "\n")

    return write


def test_several_profiles_are_asked_at_the_same_time(
    profiles_at: Callable[[dict[str, str]], None], loyalty: Run, serve: Serve
) -> None:
    """No server answers before all of them were asked."""
    everyone = Barrier(len(BODIES))

    def platform(body: Any) -> Callable[[Received], Reply]:
        def handle(_: Received) -> Reply:
            everyone.wait(PATIENCE)
            return Reply(body=body)

        return handle

    profiles_at({provider: serve(platform(body)) for provider, body in BODIES.items()})
    done = loyalty("balance", "C-1", "--all-profiles", "-o", "json")

    assert done.code == 0
    assert [each["profile"] for each in done.records] == list(BODIES)


@pytest.mark.parametrize("output", ["json", "jsonl", "csv"])
def test_the_program_keeps_the_order_though_the_first_platform_is_the_slowest(
    output: str, profiles_at: Callable[[dict[str, str]], None], loyalty: Run, serve: Serve
) -> None:
    asked: set[str] = set()
    all_others = Event()

    def platform(provider: str) -> Callable[[Received], Reply]:
        def handle(_: Received) -> Reply:
            if provider == "imprint":
                assert all_others.wait(PATIENCE)
            asked.add(provider)
            if len(asked) == len(BODIES) - 1:
                all_others.set()
            return Reply(body=BODIES[provider])

        return handle

    profiles_at({provider: serve(platform(provider)) for provider in BODIES})
    done = loyalty("balance", "C-1", "--all-profiles", "-o", output)

    assert done.code == 0
    assert profiles_of(done, output) == list(BODIES)


def profiles_of(done: Outcome, output: str) -> list[str]:
    if output == "json":
        return [each["profile"] for each in done.records]
    if output == "jsonl":
        return [json.loads(line)["profile"] for line in done.out.splitlines()]
    return [line.split(",")[1] for line in done.out.splitlines()[1:]]


def test_a_line_is_written_as_soon_as_it_is_its_turn(card: Callable[..., Path]) -> None:
    """The second customer is not answered before the first one's line was read."""
    first_was_read = Event()

    def answer(wire: Wire) -> None:
        while request := wire.request():
            if b"C-2" in request:
                first_was_read.wait(PATIENCE)
            wire.send(reply())

    with RawServer(answer) as server:
        card(server.url, f", timeout: {PATIENCE}")
        with subprocess.Popen(
            [PROGRAM, "balance", "C-1", "C-2", "-o", "jsonl"], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            first = json.loads(process.stdout.readline())
            first_was_read.set()
            second = json.loads(process.stdout.readline())

    assert (first["customer"], second["customer"]) == ("C-1", "C-2")
    assert process.returncode == 0


BROKEN: dict[str, Callable[[], Reply | None]] = {
    "refuses": lambda: None,
    "breaks off": lambda: Reply(reset=True),
    "is broken": lambda: Reply(500, b"Internal"),
    "makes no sense": lambda: Reply(200, b"<html>", content_type="text/html"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_one_platform_that_is_down_does_not_hide_the_others(
    how: str, profiles_at: Callable[[dict[str, str]], None], loyalty: Run, serve: Serve
) -> None:
    def platform(provider: str) -> str:
        broken = BROKEN[how]()
        if provider != "capillary":
            return serve(lambda _: Reply(body=BODIES[provider]))
        return serve(lambda _: broken) if broken else f"http://127.0.0.1:{unused_port()}"

    profiles_at({provider: platform(provider) for provider in BODIES})
    done = loyalty("balance", "C-1", "--all-profiles", "-o", "json")

    assert done.code == 9
    failed = [each["profile"] for each in done.records if each["error"]]
    assert failed == ["capillary"]
    assert len(done.records) == 5
    assert "C-1 at capillary: " in done.err
    assert "1 of 5 look-ups failed: " in done.err


def test_one_platform_that_hangs_costs_its_own_timeout_and_no_more(
    profiles_at: Callable[[dict[str, str]], None], loyalty: Run, answer: Callable[[Any], str]
) -> None:
    with RawServer(lambda wire: wire.stall()) as silent:
        profiles_at({name: answer(body) for name, body in BODIES.items()} | {"omneo": silent.url})
        began = time.monotonic()
        done = loyalty("balance", "C-1", "--all-profiles", "--timeout", "2", "-o", "json")

    assert time.monotonic() - began < 10
    assert done.code == 9
    errors = {each["profile"]: each["error"] and each["error"]["code"] for each in done.records}
    assert errors == dict.fromkeys(BODIES) | {"omneo": "timed_out"}


def test_when_all_fail_alike_the_exit_code_says_how(
    profiles_at: Callable[[dict[str, str]], None], loyalty: Run
) -> None:
    profiles_at({provider: f"http://127.0.0.1:{unused_port()}" for provider in BODIES})

    assert loyalty("balance", "C-1", "--all-profiles").code == 7


def test_customers_and_profiles_come_in_the_order_given(
    profiles_at: Callable[[dict[str, str]], None], loyalty: Run, answer: Callable[[Any], str]
) -> None:
    profiles_at({name: answer(body) for name, body in BODIES.items()})
    done = loyalty("balance", "B", "A", "-p", "omneo", "-p", "imprint", "-o", "json")

    assert [(each["customer"], each["profile"]) for each in done.records] == [
        ("B", "omneo"),
        ("B", "imprint"),
        ("A", "omneo"),
        ("A", "imprint"),
    ]


class Failing:
    """Platforms behind which nothing works."""

    def ask(self, *_: object) -> Any:
        raise LoyaltyError(ErrorCode.UNREACHABLE, "Nobody is there.", hint="Wait.")

    reading = ask


@pytest.fixture
def lookups() -> BalanceReader:
    platforms: Any = Failing()
    return BalanceReader(platforms, lambda: datetime(2026, 11, 20, 5, tzinfo=UTC))


@pytest.mark.parametrize(("raw", "kind"), [(False, Lookup), (True, RawLookup)])
def test_a_look_up_that_fails_is_a_record_too(
    lookups: BalanceReader, raw: bool, kind: type[Lookup | RawLookup]
) -> None:
    asked = LookupTask(profile_at("https://a.example"), "C-1", {}, raw=raw)

    done = lookups.look_up(asked)

    assert type(done) is kind
    assert done.error is not None
    assert (done.error.code, done.error.message, done.error.hint) == (
        ErrorCode.UNREACHABLE,
        "Nobody is there.",
        "Wait.",
    )
    assert done.retrieved_at == "2026-11-20T05:00:00Z"


def test_a_balance_that_is_not_as_documented_is_an_error(
    loyalty: Run, card: Callable[..., Path]
) -> None:
    with RawServer(Answering(reply(b'{"reward_balance": "many"}'))) as server:
        card(server.url)
        done = loyalty("balance", "C-1", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (7, "bad_response")
    assert "not as documented" in done.record["error"]["message"]


def test_a_raw_body_is_given_as_it_came_though_it_is_not_as_documented(
    loyalty: Run, card: Callable[..., Path]
) -> None:
    with RawServer(Answering(reply(b' { "x": 1.10 } '))) as server:
        card(server.url)
        done = loyalty("balance", "C-1", "--raw", "-o", "jsonl")

    assert done.code == 0
    assert '"raw":{"x":1.10}' in done.out.replace(": ", ":")


def test_an_option_of_the_command_line_wins_over_the_profile_s() -> None:
    profile = profile_at("https://a.example", "omneo", options={"currency": "AUD"})

    assert check_options(profile, {}) == {"currency": "AUD"}
    assert check_options(profile, {"currency": "NZD"}) == {"currency": "NZD"}


@pytest.mark.parametrize(
    ("provider", "given", "words", "hint"),
    [
        ("omneo", {"curency": "NZD"}, "has no option 'curency'", "'currency'"),
        ("imprint", {"expand": "x"}, "has no option 'expand'", "None is available."),
        ("omneo", {"currency": " "}, "the option currency must", "loyalty providers omneo"),
    ],
)
def test_an_option_that_is_wrong_is_a_usage_error(
    provider: str, given: dict[str, str], words: str, hint: str
) -> None:
    with pytest.raises(LoyaltyError) as caught:
        check_options(profile_at("https://a.example", provider), given)

    assert caught.value.code is ErrorCode.USAGE
    assert words in caught.value.message
    assert hint in (caught.value.hint or "")
