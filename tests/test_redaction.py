"""A secret stays out of what is said, even where the platform repeats it."""

from base64 import b64encode
from collections.abc import Callable

import pytest

from loyalty_cli.errors import ErrorCode, LoyaltyError
from loyalty_cli.redaction import redact
from loyalty_cli.sandbox.server import Reply
from tests.conftest import Run

SECRET = "s3cret/of+card"


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "s3cret%2Fof%2Bcard",
        b64encode(SECRET.encode()).decode(),
        b64encode(f"{SECRET}:".encode()).decode(),
        b64encode(f":{SECRET}".encode()).decode(),
    ],
)
def test_a_secret_is_taken_out_in_each_of_its_forms(form: str) -> None:
    error = LoyaltyError(
        ErrorCode.REFUSED, f"no {form}!", hint=f"why {form}?", provider_code=f"<{form}>"
    )

    redact(error, [SECRET])

    everything = f"{error.message} {error.hint} {error.provider_code}"
    assert form.rstrip("=") not in everything
    assert everything.count("***") == 3


def test_a_word_that_is_too_short_to_be_secret_stays() -> None:
    error = LoyaltyError(ErrorCode.REFUSED, "it is a test")

    redact(error, ["a"])

    assert error.message == "it is a test"


@pytest.mark.parametrize("arguments", [(), ("-o", "json"), ("-v",)])
def test_what_a_platform_says_of_a_secret_is_not_repeated(
    loyalty: Run,
    answer: Callable[..., str],
    card: Callable[..., object],
    arguments: tuple[str, ...],
) -> None:
    said = {"type": "secret-of-card", "message": "the key secret-of-card is wrong"}
    card(answer(Reply(401, said)))

    done = loyalty("balance", "C-1", *arguments)

    assert done.code == 4
    assert "***" in done.err
    assert "secret-of-card" not in done.out + done.err


def test_a_basic_header_is_not_repeated_either(
    loyalty: Run, answer: Callable[..., str], card: Callable[..., object]
) -> None:
    header = b64encode(b"secret-of-card:").decode()
    card(answer(Reply(400, {"type": "X", "message": f"Basic {header}?"})), more=", auth: basic")

    done = loyalty("balance", "C-1")

    assert done.code == 6
    assert header.rstrip("=") not in done.err
