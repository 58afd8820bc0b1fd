"""A debit at a platform that signs in with an exchanged token: the token comes before the claim."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.debits.journal.entries import State
from loyalty_cli.model.errors import ErrorCode
from loyalty_cli.providers.contract import Auth, Exchange, Request, Token
from tests.debits.conftest import SECRET, DebitMaker
from tests.fakes.faulty_platform import FaultyPlatform, as_json
from tests.fakes.servers import Wire, header


def read(body: Any) -> Token:
    return Token(body["token"], 3600.0)


def headers(secrets: Mapping[str, str]) -> Mapping[str, str]:
    return {"X-Token": secrets["token"]}


EXCHANGE = Exchange(lambda secrets: Request(("token",), json={"key": secrets["api_key"]}), read)
AUTH = Auth("exchange", ("api_key",), headers, EXCHANGE)


class TokenPlatform(FaultyPlatform):
    """Gives a token for the key, and makes debits for the token."""

    exchanged = 0
    gives = True

    def _script(self, wire: Wire) -> None:
        peeked = wire.request()
        if not peeked.startswith(b"POST /token "):
            wire._rest = peeked + wire._rest
            super()._script(wire)
            return
        self.exchanged += 1
        good = as_json({"token": "t-1"})
        wire.send(good if self.gives else as_json({"message": "no", "statusCode": 401}, "401 No"))


@pytest.fixture
def platform() -> Iterator[TokenPlatform]:
    with TokenPlatform() as platform:
        yield platform


@pytest.fixture
def maker(maker: DebitMaker) -> DebitMaker:
    maker.profile = replace(maker.profile, auth=AUTH)
    return maker


def test_a_debit_is_signed_in_with_the_exchanged_token(
    platform: TokenPlatform, maker: DebitMaker
) -> None:
    settled = [maker.debit(maker.order(f"r-{number}")) for number in range(2)]

    assert [each.entry.state for each in settled] == [State.CONFIRMED] * 2
    assert platform.exchanged == 1
    assert [header(post.raw, "x-token") for post in platform.posts] == ["t-1", "t-1"]
    assert SECRET.encode() not in b"".join(post.raw for post in platform.posts)


def test_a_debit_without_a_token_is_not_claimed(platform: TokenPlatform, maker: DebitMaker) -> None:
    platform.gives = False

    settled = maker.debit()

    assert (settled.entry.state, settled.entry.attempt) == (State.PLANNED, 0)
    assert settled.error is not None
    assert settled.error.code is ErrorCode.CREDENTIAL_REFUSED
    assert platform.posts == []
