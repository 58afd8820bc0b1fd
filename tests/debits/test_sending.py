"""How a debit is sent: once, over a connection of its own, and known to be sent or not."""

import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.debits.abandoned import CLAIM_LIFETIME_SECONDS
from loyalty_cli.debits.journal.entries import State
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal.uptime import Instant
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, NotSentError
from loyalty_cli.model.exit_codes import exit_code_of
from loyalty_cli.model.records import Balance
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.providers.contract import Query, Reading, Request
from loyalty_cli.providers.saasquatch import SaaSquatch
from tests.conftest import PROGRAM
from tests.debits.conftest import (
    SECRET,
    CliWith,
    CommandLine,
    DebitMaker,
    KnownCredentials,
    profile_of,
)
from tests.fakes.faulty_platform import Debiting, FaultyPlatform, Post, applies_and, as_json
from tests.fakes.servers import Proxy, RawServer, Script, Wire, header, reply, unused_port

ORDER = Request(("debit",), json={"amount": 50})


class KnownBalance(PlatformClient):
    """The balance is known without asking, so that the debit alone meets what is wrong."""

    def aged_reading(self, profile: Profile, query: Query) -> tuple[Reading, str | None]:
        del profile, query
        line = Balance(
            name="credit", kind="credit", unit="CENTS", available=Amount(99), redeemed=Amount(0)
        )
        return Reading((line,)), None


# What goes over the wire.


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_debit_is_one_post_on_a_connection_of_its_own(tls: bool, cli_with: CliWith) -> None:
    cli = cli_with(tls=tls)

    for number in range(3):
        assert cli.debit(reference=f"r-{number}").code == 0

    assert (cli.platform.reads, len(cli.platform.posts), cli.platform.connections) == (3, 3, 6)
    raw = cli.platform.posts[0].raw
    assert raw.startswith(b"POST /api/v1/acme/credit/bulkredeem HTTP/1.1\r\n")
    assert header(raw, "content-type") == "application/json"
    assert header(raw, "content-length") == str(len(raw.partition(b"\r\n\r\n")[2]))
    assert raw.endswith(b'\r\n\r\n{"accountId":"C-1","unit":"CENTS","amount":50}')


def test_debits_of_one_process_share_no_connection(maker: DebitMaker) -> None:
    for number in range(3):
        maker.debit(maker.order(f"r-{number}"))

    assert (len(maker.platform.posts), maker.platform.connections) == (3, 4)


def test_a_debit_is_not_sent_if_the_balance_is_of_another_customer(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    normalize = SaaSquatch.normalize

    def naming(provider: SaaSquatch, body: Any, query: Query) -> Reading:
        return replace(normalize(provider, body, query), platform_customer="C-2")

    monkeypatch.setattr(SaaSquatch, "normalize", naming)
    done = cli.debit()

    assert (done.code, done.record["error"]["code"]) == (7, "wrong_customer")
    assert (done.record["state"], cli.platform.posts) == ("planned", [])


def test_a_netrc_file_does_not_replace_the_sign_in_of_a_debit(
    cli: CommandLine, environment: dict[str, str]
) -> None:
    netrc = Path(environment["HOME"], ".netrc")
    netrc.write_text("machine 127.0.0.1 login thief password other\n")
    netrc.chmod(0o600)

    assert cli.debit().code == 0

    assert (
        header(cli.platform.posts[0].raw, "authorization") == "Basic OnMzY3JldC1vZi10aGUtc2hvcA=="
    )


def test_verbose_shows_no_secret_of_a_debit(cli: CommandLine) -> None:
    done = cli.debit("-v")

    assert "> POST" in done.err
    assert SECRET not in f"{done}"
    assert "OnMzY3JldC1vZi10aGUtc2hvcA" not in f"{done}"


# Not sent.


@contextmanager
def full_backlog() -> Iterator[int]:
    """A port that takes no more connections: an attempt to connect there waits for ever."""
    with socket.socket() as listener, closing(socket.socket()) as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        first.connect(("127.0.0.1", port))
        more = [socket.socket() for _ in range(4)]
        for each in more:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for each in more:
                each.close()


Arrange = Callable[[pytest.MonkeyPatch, ExitStack], dict[str, Any]]
"""Arranges what is wrong, and gives the settings of the profile that meets it."""


def connecting_takes_for_ever(_: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
    port = stack.enter_context(full_backlog())
    return {"url": f"http://127.0.0.1:{port}", "timeout": 0.3}


def name_takes_for_ever(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
    released = Event()
    stack.callback(released.set)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: released.wait(30))
    return {"url": "https://slow.invalid", "timeout": 0.2}


def tls_to_a_stranger(_: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    platform = stack.enter_context(FaultyPlatform(tls=context))
    return {"url": platform.url, "platform": platform}


def tls_to(script: Script, **more: float) -> Arrange:
    """TLS to a server that does something else."""

    def arrange(_: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
        server = stack.enter_context(RawServer(script))
        return {"url": server.url.replace("http:", "https:"), **more}

    return arrange


def no_tls(wire: Wire) -> None:
    wire.sock.recv(1)
    wire.send(reply(b"", "400 This is no TLS"))


def through(script: Script, **more: float) -> Arrange:
    """A proxy that does not let it through."""

    def arrange(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
        monkeypatch.setenv("HTTPS_PROXY", stack.enter_context(RawServer(script)).url)
        return {"url": "https://bank.invalid", **more}

    return arrange


def at(url: str, **more: Any) -> Arrange:
    return lambda *_: {"url": url, **more}


def connect_refused(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> dict[str, Any]:
    proxy = Proxy(reply(b"", "403 Forbidden"))

    def was_told_nothing() -> None:
        assert [head.split()[0] for head in proxy.heads] == [b"CONNECT"]
        assert b"amount" not in b"".join(proxy.heads)

    stack.callback(was_told_nothing)
    return through(proxy)(monkeypatch, stack)


def nobody_there(*_: object) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{unused_port()}"}


def no_proxy_there(monkeypatch: pytest.MonkeyPatch, _: ExitStack) -> dict[str, Any]:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{unused_port()}")
    return {"url": "https://bank.invalid"}


NOT_SENT: Mapping[str, tuple[Arrange, ErrorCode]] = {
    "the name is not known": (at("https://nobody.invalid"), ErrorCode.UNREACHABLE),
    "the look-up does not end": (name_takes_for_ever, ErrorCode.TIMED_OUT),
    "refused": (nobody_there, ErrorCode.UNREACHABLE),
    "connecting does not end": (connecting_takes_for_ever, ErrorCode.TIMED_OUT),
    "a certificate of a stranger": (tls_to_a_stranger, ErrorCode.TLS_FAILED),
    "no TLS there": (tls_to(no_tls), ErrorCode.TLS_FAILED),
    "a handshake that does not end": (tls_to(Wire.stall, timeout=0.3), ErrorCode.TIMED_OUT),
    "a handshake that is hung up on": (tls_to(Wire.reset), ErrorCode.UNREACHABLE),
    "no proxy there": (no_proxy_there, ErrorCode.UNREACHABLE),
    "CONNECT refused": (connect_refused, ErrorCode.UNREACHABLE),
    "CONNECT without an answer": (through(Wire.stall, timeout=0.3), ErrorCode.TIMED_OUT),
    "a bundle that is not there": (
        *(at("https://bank.invalid", ca_bundle=Path("/nowhere/ca.pem")), ErrorCode.SETUP),
    ),
}


@pytest.mark.parametrize("case", NOT_SENT)
def test_a_debit_that_fails_before_the_first_byte_is_not_claimed(
    case: str,
    platform: FaultyPlatform,
    journal: Journal,
    ca_bundle: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrange, code = NOT_SENT[case]
    with monkeypatch.context() as here, ExitStack() as stack:
        profile = arrange(here, stack)
        there = profile.pop("platform", platform)
        maker = DebitMaker(there, journal, **({"ca_bundle": ca_bundle} | profile))
        maker.client = KnownBalance(HttpClient(), KnownCredentials(), AccessTokens(KeyringStore()))

        settled = maker.debit()

        assert there.posts == []
    assert (settled.entry.state, settled.entry.attempt) == (State.PLANNED, 0)
    assert settled.error is not None
    assert settled.error.code is code
    assert exit_code_of(settled.error.code) == (3 if code is ErrorCode.SETUP else 7)
    assert settled.entry == maker.present()
    *_, last = journal.events(settled.entry.key)
    assert last.why == f"not begun: {settled.error.message}"


BAD_HEADERS = {
    "a line break": "a\r\nX-Thief: 1",
    "not latin-1": "\u20ac",
    "a space first": " leading",
}


@pytest.mark.parametrize("case", BAD_HEADERS)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_debit_with_a_header_that_cannot_be_sent_is_not_sent(
    case: str, tls: bool, server_side: ssl.SSLContext, ca_bundle: Path
) -> None:
    request = Request(("debit",), headers={"X-Token": BAD_HEADERS[case]}, json={"amount": 50})
    with FaultyPlatform(tls=server_side if tls else None) as platform:
        profile = profile_of(platform, ca_bundle=ca_bundle)

        with pytest.raises(NotSentError) as caught:
            HttpClient().send_once(profile, request, lambda: None)

        assert platform.posts == []
    assert BAD_HEADERS[case].strip() not in caught.value.message


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_the_check_before_the_first_byte_can_stop_a_debit(
    tls: bool, server_side: ssl.SSLContext, ca_bundle: Path
) -> None:
    def stop() -> None:
        raise LoyaltyError(ErrorCode.TIMED_OUT, "too late")

    with FaultyPlatform(tls=server_side if tls else None) as platform:
        profile = profile_of(platform, ca_bundle=ca_bundle)

        with pytest.raises(NotSentError, match="too late"):
            HttpClient().send_once(profile, ORDER, stop)

        assert platform.posts == []


def test_the_check_before_the_first_byte_is_made_once_when_all_is_ready(
    platform: FaultyPlatform,
) -> None:
    asked: list[tuple[int, int]] = []
    profile = profile_of(platform)
    body = {"accountId": "C-1", "unit": "CENTS", "amount": 5}

    answer = HttpClient().send_once(
        profile,
        Request(("debit",), json=body),
        lambda: asked.append((platform.connections, len(platform.posts))),
    )

    assert answer.status == 200
    assert asked in ([(1, 0)], [(0, 0)])  # the server may not have accepted it by then


class SlowClaim:
    """A clock, and a journal whose claim takes that many seconds by it."""

    def __init__(self, journal: Journal, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 100.0
        claim = journal.claim

        def asleep_after_the_commit(*arguments: Any) -> Any:
            claimed = claim(*arguments)
            self.seconds += seconds
            return claimed

        monkeypatch.setattr(journal, "claim", asleep_after_the_commit)

    def __call__(self) -> Instant:
        return Instant("boot", self.seconds)


def test_a_debit_whose_claim_is_too_old_is_made_only_by_the_next_run(
    maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as too_long:
        clock = SlowClaim(maker.journal, CLAIM_LIFETIME_SECONDS + 0.1, too_long)
        settled = maker.debit(clock=clock)

    assert settled.entry.state is State.PLANNED
    assert settled.error is not None
    assert exit_code_of(settled.error.code) == 7
    assert "paused" in settled.error.message
    assert settled.error.hint == "Nothing was sent; run the same command again."
    assert maker.platform.posts == []
    just_young_enough = SlowClaim(maker.journal, CLAIM_LIFETIME_SECONDS, monkeypatch)
    assert maker.debit(clock=just_young_enough).entry.state is State.CONFIRMED


def test_a_debit_whose_claim_took_all_its_time_is_not_sent(
    platform: FaultyPlatform, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = DebitMaker(platform, journal, timeout=0.3)
    claim = journal.claim

    def slow(*arguments: Any) -> Any:
        claimed = claim(*arguments)
        Event().wait(0.5)
        return claimed

    monkeypatch.setattr(journal, "claim", slow)

    settled = maker.debit()

    assert (settled.entry.state, platform.posts) == (State.PLANNED, [])
    assert settled.error is not None
    assert settled.error.code is ErrorCode.TIMED_OUT


# Sent, and nothing whole came back.


def after_reading(*steps: Callable[[Wire], object]) -> Debiting:
    """Apply it, and then do one thing after the other."""

    def then(wire: Wire, _: Post) -> None:
        for step in steps:
            step(wire)

    return applies_and(then)


def sends(content: bytes) -> Callable[[Wire], None]:
    return lambda wire: wire.send(content)


def raw_garbage(wire: Wire) -> None:
    """What is not TLS, below TLS."""
    socket.socket.sendall(wire.sock, b"HTTP/1.1 200 OK\r\n\r\n")


BROKEN: Mapping[str, Debiting] = {
    "reset": after_reading(Wire.reset),
    "hung up": after_reading(),
    "a head and then a reset": after_reading(sends(b"HTTP/1.1 200 OK\r\nConte"), Wire.reset),
    "half a body and then a reset": after_reading(
        sends(reply(b'{"creditRed', length=50)), Wire.reset
    ),
    "an empty answer below TLS": after_reading(raw_garbage),
}
SLOW: Mapping[str, Debiting] = {
    "silence": after_reading(Wire.stall),
    "a head in single bytes": after_reading(lambda wire: wire.send_slowly(reply(b"{}" * 500))),
    "a body in single bytes": after_reading(
        sends(reply(b"", length=500)), lambda wire: wire.send_slowly(b" " * 500)
    ),
    "half an answer and then silence": after_reading(sends(reply(b"{", length=50)), Wire.stall),
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_connection_that_breaks_after_the_first_byte_leaves_a_debit_unknown(
    case: str, tls: bool, cli_with: CliWith
) -> None:
    cli = cli_with(tls=tls)
    cli.platform.debit = BROKEN[case]

    cli.stays_unknown()

    assert (len(cli.platform.posts), cli.platform.taken()) == (1, 50)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_a_reset_before_the_platform_read_anything_leaves_a_debit_unknown(
    tls: bool, cli_with: CliWith
) -> None:
    def refuses(wire: Wire) -> bool:
        wire.sock.recv(1)
        wire.reset()
        return True

    cli = cli_with(tls=tls)
    cli.platform.refuses = refuses

    cli.stays_unknown()

    assert cli.platform.posts == []


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("case", SLOW)
def test_the_deadline_of_a_debit_holds_for_its_whole_request(
    case: str, tls: bool, cli_with: CliWith
) -> None:
    cli = cli_with(tls=tls, timeout=1)
    cli.platform.debit = SLOW[case]
    began = time.monotonic()

    cli.stays_unknown("did not answer within 1 s")

    assert time.monotonic() - began < 8  # byte by byte it would be 10 s and more
    assert (len(cli.platform.posts), cli.platform.taken()) == (1, 50)


class FaultError(Exception):
    """Something that nobody thought of."""


@pytest.mark.parametrize(
    "kind", [FaultError, KeyboardInterrupt, SystemExit, MemoryError, RecursionError]
)
@pytest.mark.parametrize("place", ["sending", "reading", "judging"])
def test_any_exception_after_sending_is_recorded_before_it_is_raised(
    kind: type[BaseException], place: str, maker: DebitMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    debit = maker.client.debit

    def fault(*_: object, **__: object) -> None:
        raise kind(SECRET)

    def send_and_fault(*arguments: Any) -> None:
        debit(*arguments)
        fault()

    if place == "judging":
        monkeypatch.setattr(type(maker.profile.provider), "read_debit", fault)
    elif place == "sending":
        monkeypatch.setattr(maker.client, "debit", send_and_fault)
    else:
        monkeypatch.setattr("loyalty_cli.network.http_client._body", fault)
        known_balance = KnownBalance.aged_reading.__get__(maker.client)
        monkeypatch.setattr(maker.client, "aged_reading", known_balance)

    with nullcontext() if issubclass(kind, Exception) else pytest.raises(kind):
        settled = maker.debit()
        assert settled.error is not None
        assert settled.error.code is ErrorCode.OUTCOME_UNKNOWN

    assert maker.present().state is State.UNKNOWN
    assert len(maker.platform.posts) == 1
    *_, last = maker.journal.events(maker.present().key)
    assert last.why == kind.__name__ or (place == "reading" and kind.__name__ in last.why)
    assert SECRET not in f"{maker.present()}{last}"


# Signals.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("answered", [True, False], ids=["answered", "no answer"])
def test_after_a_signal_debits_in_flight_are_finished_and_no_more_begun(
    number: signal.Signals, answered: bool, cli_with: CliWith, tmp_path: Path
) -> None:
    cli = cli_with(timeout=20 if answered else 3)
    arrived, go_on = Event(), Event()

    def debit(wire: Wire, post: Post) -> None:
        post.apply()
        arrived.set()
        if answered:
            go_on.wait(30)
            wire.send(as_json(post.yes))
        else:
            wire.stall()

    cli.platform.debit = debit
    rows = tmp_path / "rows.csv"
    rows.write_text("customer,amount,reference\nC-1,50,r-1\nC-1,50,r-2\nC-1,50,r-3\n")
    with subprocess.Popen(
        [PROGRAM, "debit", "--from", str(rows), "--yes", "-o", "json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert arrived.wait(60)
        running.send_signal(number)
        running.send_signal(number)
        time.sleep(0.3)  # it must still be there: nothing tells that it is not going to end
        assert running.poll() is None
        go_on.set()
        out, err = running.communicate(timeout=60)

    states = [cli.entry(f"r-{n}").state for n in (1, 2, 3)]
    assert sorted(states) == sorted(
        [State.CONFIRMED if answered else State.UNKNOWN, State.PLANNED, State.PLANNED]
    )
    assert len(cli.platform.posts) == 1
    assert running.returncode == (128 + number if answered else 8), err
    assert ('"confirmed"' if answered else '"unknown"') in out
    assert "2 of 3" in err
    assert "Traceback" not in err
