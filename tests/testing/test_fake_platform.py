"""The fake platform answers as it is told, and touches nothing of the user's."""

import subprocess
import sys
from hashlib import sha256
from hmac import new as hmac
from pathlib import Path

import pytest
from msgspec.structs import replace

from loyalty_cli.model.errors import LoyaltyError
from loyalty_cli.providers.contract import Parameter
from loyalty_cli.testing import FakePlatform, Received, Reply, faults
from tests.documentation.pages import blocks
from tests.testing.guide import GUIDE, PROVIDER, TESTS, cases_with, perks, run


def test_replies_come_in_order_and_the_last_one_stays() -> None:
    with FakePlatform(cases_with(provider=perks())) as platform:
        platform.replies(Reply(503), Reply(420), {"member": "{}", "coins": {"spendable": 1}})

        assert platform.reads()["balances"][0]["available"] == 1
        assert len(platform.received) == 3
        assert platform.reads(customer="M-8")["platform_customer"] == "M-8"
        assert len(platform.received) == 1


def test_a_platform_that_asks_for_a_pause_takes_no_time() -> None:
    with FakePlatform(cases_with(provider=perks())) as platform:
        platform.replies(Reply(429, headers={"Retry-After": "8"}))

        assert platform.tells().code == "rate_limited"
        assert len(platform.received) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "csv"), "-o is no argument of a case, which can have -O, --by and --raw"),
        (("ada@perks.example",), "another customer is `customer=`"),
        (("--by", "phone"), "phone"),
    ],
    ids=["a format", "a customer", "a way"],
)
def test_a_case_has_only_arguments_that_change_the_look_up(
    arguments: tuple[str, ...], words: str
) -> None:
    with FakePlatform(cases_with(provider=perks())) as platform:
        with pytest.raises(Exception, match=words):
            platform.look_up(*arguments)

        assert platform.received == []


def test_a_request_with_something_of_a_wrong_type_is_told_in_one_line() -> None:
    provider = perks(
        ('path = ("v1", "members", member, "wallet")', 'path = ("v1", None, "wallet")')
    )
    with FakePlatform(cases_with(provider=provider)) as platform:
        with pytest.raises(AssertionError) as told:
            platform.reads()

        assert str(told.value) == (
            "the request to ['v1', null, 'wallet'] is wrong: Expected str, got null - at path[1]"
        )
        assert told.value.__suppress_context__
        assert platform.received == []


def test_a_setting_that_the_cases_lack_is_told_in_one_line() -> None:
    provider = perks()
    type(provider).settings = (Parameter("shop", "the shop", required=True),)

    with FakePlatform(cases_with(provider=provider)) as platform:
        with pytest.raises(AssertionError, match=r"must have \['shop'\].* see shop"):
            platform.reads()
        with pytest.raises(AssertionError, match="see shopp"):
            platform.reads(settings={"shop": "x", "shopp": "y"})


OTHER_SIGN_IN = """
    auths = (
        Auth("other", ("other_key",), lambda secrets: bearer(secrets["other_key"])),
        Auth("bearer", ("api_token",), lambda secrets: bearer(secrets["api_token"])),
    )
    debit_auths = ("bearer",)
    debit_options = (Parameter("code", "whether a code is asked for"),)
"""
ASKED = """
        if "code" in query.options:
            typed = yield Question("the code")
            return Request(("v1", "members", query.customer, "redemptions", typed), json={})
"""


def test_a_debit_signs_in_as_debits_may_and_its_question_is_answered() -> None:
    auths = next(line for line in PROVIDER.splitlines(keepends=True) if "auths = (" in line)
    steps = (
        '        """By e-mail, find the member before the debit; nothing is changed by that."""\n'
    )
    provider = perks(
        (auths, OTHER_SIGN_IN),
        (steps, steps + ASKED),
        ("    Query,\n", "    Query,\n    Question,\n"),
    )
    usual = cases_with(provider=provider, credentials={"api_token": "t0ken", "other_key": "k3y"})

    assert usual.debits
    with FakePlatform(usual) as platform:
        assert str(platform.replies(usual.debits.success).debit("id").state) == "confirmed"
        assert platform.received[0].headers["authorization"] == "Bearer t0ken"
        with pytest.raises(LoyaltyError, match="the code must be typed"):
            platform.debit("id", "-O", "code=yes")
    with FakePlatform(replace(usual, debits=replace(usual.debits, typed="0042"))) as platform:
        platform.replies(usual.debits.success).debit("id", "-O", "code=yes")
        assert platform.received[0].path[-1] == "0042"
        with pytest.raises(AssertionError, match="debit_options has no cod"):
            platform.debit("id", "-O", "cod=yes")


def test_other_hosts_of_a_platform_are_the_fake_platform_too() -> None:
    elsewhere = 'yield Request(("v1", "members"), {"email": address})'
    provider = perks(
        (elsewhere, elsewhere[:-1] + ', base_url="https://find.perks.example/api")'),
    )
    cases = cases_with(provider=provider)
    with FakePlatform(cases) as platform:
        platform.tells("--by", "email")

        assert platform.received[0].path == ("api", "v1", "members")


def test_a_signature_of_the_guide_is_made_for_each_attempt() -> None:
    (source,) = [text for text in blocks(GUIDE, "python") if "def signature" in text]
    provider = perks()
    type(provider).auths = run(source)["auths"]

    def expected(received: Received) -> str:
        path, _, query = received.target.partition("?")
        at, nonce = received.headers["x-at"], received.headers["x-nonce"]
        text = "\n".join([received.method, path, query, at, nonce, received.body.decode()])
        return hmac(b"hmac-s3cret", text.encode(), sha256).hexdigest()

    cases = cases_with(
        credentials={"key_id": "k-1-of-perks", "key_secret": "hmac-s3cret"},
        signs_in={"hmac": {"x-key": "k-1-of-perks", "x-signature": expected}},
    )

    assert faults(provider, cases) == []
    with FakePlatform(replace(cases, provider=provider)) as platform:
        platform.replies(Reply(503), cases.answer).reads("-O", "show=a/b")
        first, second = platform.received
    assert first.headers["x-nonce"] != second.headers["x-nonce"]


WITHOUT = """
import os, sys

sys.modules["pytest"] = sys.modules["hypothesis"] = sys.modules["keyring"] = None
os.environ.clear()
os.environ["LOYALTY_CONFIG"] = "/nowhere/at/all"
from loyalty_cli.testing import faults
from perks import Perks
from cases import CASES

print(faults(Perks(), CASES))
"""


def test_the_kit_needs_no_pytest_no_keyring_and_no_profile_file(tmp_path: Path) -> None:
    (tmp_path / "perks.py").write_text(PROVIDER)
    (tmp_path / "cases.py").write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-O", "-c", WITHOUT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)
