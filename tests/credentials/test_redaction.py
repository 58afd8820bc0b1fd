"""A secret stays out of what is said and kept, even where the platform repeats it."""

import html
import json
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_cli.credentials.redaction import Mask, header_secrets, mask, redact, without_secrets
from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.records import Balance, WarningCode, WarningRecord
from loyalty_cli.providers.contract import Reading, basic, bearer

SECRET = "s3cret/of+card"
TRICKY = 's3c\\r"e\'t of %41 & \\/ "\xe4'
LATIN = st.text(st.characters(codec="latin-1", categories=["L", "N", "P", "S"]), min_size=8)


def every_character(text: str, pattern: str) -> str:
    return "".join(pattern.format(byte) for byte in text.encode("latin-1"))


SPELLINGS: Mapping[str, Mask] = {
    "as it is": lambda secret: secret,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in lower case": lambda secret: re.sub(
        "%..", lambda found: found[0].lower(), quote(secret, safe="")
    ),
    "percent-encoded in every character": lambda secret: every_character(secret, "%{:02X}"),
    "as a form sends it": quote_plus,
    "in a string of JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON as PHP writes it": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON in every character": lambda secret: every_character(secret, "\\u{:04x}"),
    "in JSON in capitals": lambda secret: every_character(secret, "\\u{:04X}"),
    "in JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "in JSON in a URL": lambda secret: quote(json.dumps(secret)[1:-1], safe=""),
    "in base64": lambda secret: b64encode(secret.encode()).decode(),
    "in base64 for URLs": lambda secret: urlsafe_b64encode(secret.encode()).decode(),
    "in base64 as a password": lambda secret: b64encode(f":{secret}".encode()).decode(),
    "in base64 as a user": lambda secret: b64encode(f"{secret}:".encode()).decode(),
    "in base64 with another": lambda secret: b64encode(f"me:{secret}:x".encode()).decode(),
    "in base64 in JSON": lambda secret: b64encode(secret.encode()).decode().replace("/", "\\/"),
    "in base64 in a URL": lambda secret: quote(b64encode(secret.encode()).decode(), safe=""),
    "as Python shows it": lambda secret: repr(secret)[1:-1],
    "in HTML": html.escape,
    "in HTML in every character": lambda secret: every_character(secret, "&#{};"),
    "in HTML in hexadecimal": lambda secret: every_character(secret, "&#x{:X};"),
    "in HTML in a URL": lambda secret: quote(html.escape(secret), safe=""),
    "as Python shows bytes, in JSON": lambda secret: every_character(secret, "\\\\x{:02x}"),
    "in hexadecimal": lambda secret: secret.encode().hex(),
    "in hexadecimal in capitals": lambda secret: secret.encode().hex().upper(),
    "as the bytes of a header": lambda secret: secret.encode().decode("latin-1"),
    "in bytes that are no text": lambda secret: secret.encode("latin-1").decode(
        "utf-8", errors="backslashreplace"
    ),
}


def shows(text: str, secret: str, spelling: str) -> bool:
    """Whether a text still has a spelt secret in it, its ends aside, which base64 shares."""
    spelt = SPELLINGS[spelling](secret)
    return (spelt[4:-4] if "base64" in spelling else spelt) in text


@pytest.mark.parametrize(
    "secret", [SECRET, TRICKY, "\xe4\xf6\xfc\xdf"], ids=["plain", "tricky", "ä"]
)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_secret_is_masked_in_every_spelling(spelling: str, secret: str) -> None:
    text = mask(f"no {SPELLINGS[spelling](secret)} here", [secret])

    assert not shows(text, secret, spelling)
    assert text.startswith("no ")
    assert text.endswith(" here")
    assert text.count("***") == 1


@given(secret=LATIN, spelling=st.sampled_from(sorted(SPELLINGS)))
def test_any_secret_is_masked_in_any_spelling(secret: str, spelling: str) -> None:
    assert not shows(mask(SPELLINGS[spelling](secret), [secret]), secret, spelling)


@given(
    secret=LATIN,
    around=st.tuples(st.binary(max_size=5), st.binary(max_size=5)),
    encode=st.sampled_from([b64encode, urlsafe_b64encode]),
)
def test_nothing_that_only_a_secret_decides_stays_in_base64(
    secret: str, around: tuple[bytes, bytes], encode: Callable[[bytes], bytes]
) -> None:
    before, content, after = around[0], secret.encode(), around[1]
    encoded = encode(before + content + after).decode()

    start, _, end = mask(encoded, [secret]).partition("***")

    assert len(start) * 6 < len(before) * 8 + 6
    assert len(encoded.removesuffix(end)) * 6 > (len(before) + len(content)) * 8 - 6


@given(text=st.text(st.characters(exclude_characters=SECRET)))
def test_a_text_without_a_secret_is_not_changed(text: str) -> None:
    assert mask(text, [SECRET, "0123456789abcdef"]) == text


@pytest.mark.parametrize(
    ("text", "secrets", "shown"),
    [
        ("first-key, second-key; first-key", ["first-key", "second-key"], "***, ***; ***"),
        ("a key-of-mine-2!", ["key-of-mine", "key-of-mine-2", "e-2!"], "a ***"),
        ("%41 %41 k%65y-of-mine! %41", ["key-of-mine"], "%41 %41 ***! %41"),
        ("it is a test", ["a", "is", "est"], "it is a test"),
        ("the keys", ["keys"], "the ***"),
    ],
    ids=["several", "overlapping", "among other escapes", "too short", "just long enough"],
)
def test_only_secrets_are_masked(text: str, secrets: list[str], shown: str) -> None:
    assert mask(text, secrets) == shown


@pytest.mark.parametrize("sign", ["%41", "\\", "\\\\u0041", "%25", "\\u005c", "x"])
def test_a_megabyte_of_escapes_is_masked_soon(sign: str) -> None:
    began = time.monotonic()

    mask(sign * (1024 * 1024 // len(sign)), [SECRET])

    assert time.monotonic() - began < 20


def test_every_text_of_an_error_is_masked() -> None:
    error = LoyaltyError(
        ErrorCode.REFUSED,
        f"no {SECRET}!",
        hint=f"why {SECRET}?",
        provider_code=f"<{SECRET}>",
        details=(f"1: {SECRET}", "2"),
    )

    redact(error, lambda text: mask(text, [SECRET]))

    said = (error.message, error.hint, error.provider_code, error.details)
    assert said == ("no ***!", "why ***?", "<***>", ("1: ***", "2"))
    silent = LoyaltyError(ErrorCode.REFUSED, "no")
    redact(silent, str.upper)
    assert (silent.message, silent.hint, silent.provider_code) == ("NO", None, None)


@pytest.mark.parametrize(
    ("headers", "secrets"),
    [
        (bearer("the-token"), {"Bearer the-token", "the-token"}),
        (basic("user", "pässword"), {"user", "pässword"}),
        (basic("", "the-key"), {"the-key"}),
        ({"X-Key": "the-key"}, {"the-key"}),
        ({"Authorization": "Basic of its own"}, {"Basic of its own", "of its own"}),
        ({"Accept": "application/json"}, set()),
    ],
    ids=["Bearer", "Basic", "Basic without a user", "a key", "another Basic", "no sign-in"],
)
def test_every_secret_part_of_a_sign_in_header_is_known(
    headers: dict[str, str], secrets: set[str]
) -> None:
    found = set(header_secrets(headers))

    assert secrets <= found
    assert "application/json" not in found


def test_masking_a_record_keeps_its_numbers_and_our_own_words() -> None:
    line = Balance(name="10007 points", kind="points", unit="1000", available=Amount("10007"))
    record = Reading(
        (line,),
        {"1000": [Amount("1000"), "1000", None, True]},
        (WarningRecord(WarningCode.PLATFORM, "x 1000"),),
    )

    hidden = without_secrets(record, lambda text: mask(text, ["1000", "points"]))

    shown = Balance(name="***7 ***", kind="points", unit="***", available=Amount("10007"))
    assert hidden == Reading(
        (shown,),
        {"***": [Amount("1000"), "***", None, True]},
        (WarningRecord(WarningCode.PLATFORM, "x ***"),),
    )


def test_masking_json_changes_only_texts_with_a_secret() -> None:
    body = b'{"a": 10007.00, "b\\u0041": "\\n1000\\/x", "c": "\xc3\xa4"}'

    hidden = without_secrets(body, lambda text: mask(text, ["1000", "n1000"]))

    assert hidden == b'{"a": 10007.00, "b\\u0041": "\\n***/x", "c": "\xc3\xa4"}'
