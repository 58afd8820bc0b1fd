"""The contract notices each mistake of a provider, and says what falls short."""

from pathlib import Path
from typing import Any, NamedTuple
from unittest import SkipTest

import pytest
from msgspec.structs import replace

from loyalty_cli.providers import ENTRY_POINTS
from loyalty_cli.testing import Cases, Fails, ProviderContract, Reads, WayCases, faults, promises
from tests.testing.guide import PROVIDER, cases_with, perks


class Mistake(NamedTuple):
    text: str
    other: str
    promise: str
    words: str


MISTAKES = {
    "an amount in floats": Mistake(
        "available=wallet.coins.spendable",
        "available=Amount(float(wallet.coins.spendable))",
        "every amount keeps its digits",
        "coins.spendable of 8500.000 became 8500",
    ),
    "an amount in the wrong place": Mistake(
        "pending=wallet.coins.held",
        "total=wallet.coins.held",
        "a look-up asks as the cases say, and the answer becomes the record",
        "balances.0.pending is null; expected 3",
    ),
    "a missing amount that is zero": Mistake(
        "held: Amount | None = None",
        "held: Amount = Amount(0)",
        "a missing amount is null, and not zero",
        "coins.held removed",
    ),
    "a zero that is null": Mistake(
        "pending=wallet.coins.held",
        "pending=wallet.coins.held or None",
        "an amount of zero is zero and not null",
        "amounts of 0: coins.pending is None and not 0",
    ),
    "an answer without its amount": Mistake(
        "spendable: Amount\n",
        "spendable: Amount | None = None\n",
        "a value of a wrong type is a bad response",
        "coins.spendable removed: the look-up succeeded",
    ),
    "text that is anything": Mistake(
        "note: str | None = None",
        "note: Any = None",
        "a value of a wrong type is a bad response",
        "note as 5: ",
    ),
    "an unknown key that is refused": Mistake(
        "class Wallet(Struct):",
        "class Wallet(Struct, forbid_unknown_fields=True):",
        "unknown keys of an answer are ignored",
        "the look-up failed: bad_response",
    ),
    "an identifier that is quoted twice": Mistake(
        'path = ("v1", "members", member, "wallet")',
        (
            "from urllib.parse import quote\n"
            '        path = ("v1", "members", quote(member), "wallet")'
        ),
        "an identifier reaches the platform byte for byte",
        "the id '50%': the path.2 is '50%25'; expected '50%'",
    ),
    "an option that is not sent": Mistake(
        "yield Request(path, self.query_parameters(query))",
        "yield Request(path)",
        "an option is sent as the cases say",
        "options['show']: the query.show is missing; expected 'all'",
    ),
    "an option that is sent unchecked": Mistake(
        'sent_as="show")',
        'check=str, sent_as="show")',
        "an option that cannot be sent is refused before any request",
        "UnicodeEncodeError in parse.py",
    ),
    "a sign-in without its header": Mistake(
        'lambda secrets: bearer(secrets["api_token"])',
        "lambda secrets: {}",
        "each way of signing in sends its headers",
        "signs_in['bearer']: the header authorization",
    ),
    "an error that is never read": Mistake(
        "if answer is None:",
        "if True:",
        "an unknown customer, a wrong key and too many requests are told apart",
        "not_found: error.code is 'bad_response'; expected 'not_found'",
    ),
    "a web page that is an unknown customer": Mistake(
        "        if answer is None:\n            return None",
        (
            "        if answer is None:\n"
            '            return PlatformError("", code=ErrorCode.NOT_FOUND)'
        ),
        "a web page in place of JSON is an error at any status",
        "HTML with HTTP 200:",
    ),
    "every 404 as an unknown customer": Mistake(
        "    # Debits\n",
        "    def is_not_found(self, answer):\n        return True\n",
        "a 404 of something else is not an unknown customer",
        "the exit code (foreign_404) is 5; expected 7",
    ),
    "another customer's balance": Mistake(
        ", platform_customer=wallet.member",
        ", platform_customer=query.customer",
        "the balance of another customer is refused",
        "the look-up succeeded",
    ),
    "a way without its first request": Mistake(
        (
            "member = query.customer if query.by == ID else (yield from"
            " find(query.customer))\n        path"
        ),
        "member = query.customer\n        path",
        "each way to name a customer asks as the cases say",
        "ways['email']: the cases have 2 requests",
    ),
    "nobody by that e-mail": Mistake(
        "raise UnknownCustomerError",
        "raise ValueError('nobody')",
        "each way to name a customer asks as the cases say",
        (
            "ways['email']: error.code for a customer that is unknown is 'bad_response';"
            " expected 'not_found'"
        ),
    ),
    "a secret in a warning": Mistake(
        "WarningRecord(WarningCode.PLATFORM, wallet.note)",
        "WarningRecord(WarningCode.PLATFORM, 'perks-t0ken')",
        "no secret is shown",
        "answer, signed in with bearer: a secret of the sign-in is shown",
    ),
    "a defect": Mistake(
        "wallet = parse_as(body, Wallet)",
        "wallet = parse_as(body, Wallet); 1 / 0",
        "a look-up asks as the cases say, and the answer becomes the record",
        "ZeroDivisionError in loyalty_perks.py, line ",
    ),
    "a debit of another amount": Mistake(
        '{"coins": debit.amount, "reference"',
        '{"coins": debit.amount + 1, "reference"',
        "a debit is asked for as the cases say and confirmed",
        "a debit by id: the body.coins is 51; expected 50",
    ),
    "a debit by e-mail of somebody else": Mistake(
        "return redeem(member, debit)",
        "return redeem(query.customer, debit)",
        "a debit is asked for as the cases say and confirmed",
        "a debit by email: the path.2 is",
    ),
    "a receipt for any amount": Mistake(
        "made.coins != debit.amount or ",
        "",
        "a success confirms only exactly this debit",
        "debits.success for a debit of 0: read_debit takes it for a receipt",
    ),
    "a receipt for another debit": Mistake(
        " or made.reference != debit.reference",
        "",
        "a success confirms only exactly this debit",
        "debits.success with redemption.reference as",
    ),
    "a code with another meaning": Mistake(
        '"broken": Refusal.UNCLEAR',
        '"broken": Refusal.FOR_GOOD',
        "each error code leaves a debit in the right state",
        ("debits.codes['broken']: the state of the debit is 'refused'; expected 'unknown'"),
    ),
    "a platform that is said to make a debit once": Mistake(
        "    success_keys =",
        "    idempotent = True\n    success_keys =",
        "a platform that makes a debit once says that it was made before",
        "idempotent is True, and the repeats are []",
    ),
    "evidence of another amount": Mistake(
        "Redemption(each.coins, UNIT",
        "Redemption(each.coins.shifted(2), UNIT",
        "a debit is found in the evidence",
        "the debit of 50 coins is not in",
    ),
}


def test_the_provider_of_the_guide_keeps_every_promise() -> None:
    assert faults(perks(), cases_with()) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_of_a_provider_is_told_by_the_promise_it_breaks(name: str) -> None:
    text, other, promise, words = MISTAKES[name]

    told = {fault.promise: fault.text for fault in faults(perks((text, other)), cases_with())}

    assert words in told[promise]


SUCCESS: dict[str, Any] = {
    "redemption": {"id": "R-9", "coins": 50, "reference": "r-1"},
    "by": {"shop": "S-1"},
}


def debit_cases(**fields: Any) -> Cases:
    """The guide's cases, some of those of its debits different."""
    debits = cases_with().debits
    assert debits
    return cases_with(debits=replace(debits, **fields))


def test_a_field_of_a_success_that_proves_nothing_is_flagged_until_the_cases_say_so() -> None:
    (fault,) = faults(perks(), debit_cases(success=SUCCESS))
    assert fault.promise == "a success confirms only exactly this debit"
    assert fault.text.startswith(
        "debits.success with by removed: read_debit takes it for a receipt"
    )
    assert "; a field that proves nothing belongs into debits.free" in fault.text

    assert faults(perks(), debit_cases(success=SUCCESS, free=("by",))) == []
    (fault,) = faults(perks(), debit_cases(free=("redemption.by",)))
    assert "debits.free names 'redemption.by', which is not in debits.success" in fault.text


@pytest.mark.parametrize(
    ("check", "passed_on", "words"),
    [
        ("made.coins != debit.amount or ", "str(made.coins)", " for a debit of 49: "),
        (
            " or made.reference != debit.reference",
            "made.reference",
            " with redemption.reference as ",
        ),
    ],
)
def test_what_a_receipt_passes_on_without_a_check_is_flagged(
    check: str, passed_on: str, words: str
) -> None:
    provider = perks((check, ""), ("reference=made.id)", f"reference={passed_on})"))
    success = {"redemption": {"coins": 50, "reference": "r-1"}}

    told = {fault.promise: fault.text for fault in faults(provider, debit_cases(success=success))}

    assert words in told["a success confirms only exactly this debit"]


def test_the_balance_after_a_debit_may_be_any_number() -> None:
    provider = perks(
        (
            "    id: str | None = None\n\n\nclass RedeemedAnswer",
            "    id: str | None = None\n    left: Amount | None = None\n\n\nclass RedeemedAnswer",
        ),
        ("provider_reference=made.id)", "made.left, made.id)"),
    )
    success = {"redemption": {**SUCCESS["redemption"], "left": 7}}

    assert faults(provider, debit_cases(success=success)) == []


NESTED = [
    {
        "name": "coins",
        "kind": "points",
        "unit": "coins",
        "available": 12.5,
        "pending": 3,
        "next_expiry": {"amount": 2},
    }
]


def test_keys_that_are_null_may_be_left_out_of_a_part_of_a_line_too() -> None:
    provider = perks(
        ("    Limit,\n", "    Limit,\n    NextExpiry,\n"),
        (
            "pending=wallet.coins.held,",
            "pending=wallet.coins.held, next_expiry=NextExpiry(amount=Amount(2)),",
        ),
    )

    assert faults(provider, cases_with(balances=NESTED)) == []
    wrong = [{**NESTED[0], "next_expiry": {"amount": 2, "on": "May"}}]
    assert {each.text for each in faults(provider, cases_with(balances=wrong))} == {
        "next_expiry has no on"
    }


def test_the_answer_to_a_first_request_can_be_a_case_too() -> None:
    two = {"members": [{"id": "M-7"}, {"id": "M-8"}]}
    cases = cases_with(
        fails={
            "two": Fails(200, two, 2, "usage", None, "M-7, M-8", 1, ("--by", "email"), True),
            "refused later": Fails(422, {}, 7, "bad_response", arguments=("--by", "email")),
        },
    )

    assert faults(perks(), cases) == []


def test_each_case_that_falls_short_is_named() -> None:
    cases = cases_with(
        reads={
            "no note": Reads({"member": "M-7", "coins": {"spendable": 1}}, {"warnings": []}),
            "one": Reads({"member": "M-7", "coins": {"spendable": 1}}, {"details": {}}),
            "two": Reads(
                {"member": "M-7", "coins": {"spendable": "1.0"}},
                {
                    "balances": [
                        {"name": "coins", "kind": "points", "unit": "coins", "available": 1}
                    ]
                },
            ),
        },
        fails={"busy": Fails(420, {}, 6, "refused", requests=3)},
    )

    told = {fault.promise: fault.text.splitlines() for fault in faults(perks(), cases)}

    assert told == {
        "other answers are read as the cases say": [
            "reads['one']: details is null; expected {}",
            "reads['two']: balances.0.available is 1.0; expected 1",
        ],
        "errors are told as the cases say": ["fails['busy']: the exit code is 7; expected 6"],
    }


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": {}}, "options lacks the option 'show'"),
        ({"ways": {}}, "ways lacks the way to name a customer 'email'"),
        ({"signs_in": {}}, "signs_in lacks the sign-in 'bearer'"),
        ({"credentials": {}}, "credentials lacks the credential 'api_token'"),
        ({"debits": None}, "the provider can debit, and debits is not given"),
        ({"settings": {"tenant": "x"}}, "settings has 'tenant', which the provider does not have"),
        ({"texts": ("nota",)}, "texts names 'nota', which is not in answer"),
        (
            {"amounts": {"note": "coin.total"}},
            "amounts names 'coin.total', which is not in balances",
        ),
        ({"amounts": {"note": "coins.sum"}}, "amounts names 'coins.sum', which is not in balances"),
        ({"answer": b"{}"}, "answer is bytes, and must be JSON as Python has it"),
        (
            {"ways": {"email": WayCases("ada", ("v1", "members"))}},
            "'ada' cannot be a customer's email: it has no @",
        ),
        (
            {"credentials": {"api_token": "key"}},
            (
                "the credential api_token is too short: make up one of 6 characters or more, since"
                " the tests look for it in every text"
            ),
        ),
    ],
    ids=lambda part: str(part)[:24],
)
def test_what_the_cases_leave_out_is_one_sentence_and_nothing_else(
    fields: dict[str, Any], words: str
) -> None:
    (fault,) = faults(perks(), cases_with(**fields))

    assert fault.promise == "the cases cover the provider"
    assert fault.text == f"The cases of Perks are incomplete: {words}."


def test_a_debit_code_without_its_case_is_told() -> None:
    (fault,) = faults(
        perks(('"broken": Refusal.UNCLEAR,', '"new": Refusal.UNCLEAR,')), cases_with()
    )

    assert "debits.codes lacks the debit code 'new'" in fault.text
    assert "debits.codes has 'broken', which the provider does not have" in fault.text


def test_a_package_is_tried_as_its_author_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "crashing_perks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing-perks\n")
    (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nperks = crashing_perks:Perks\n")
    read = "        wallet = parse_as(body, Wallet)\n"
    crash = "        if wallet.note == 'crash':\n            raise KeyError(wallet.note)\n"
    (tmp_path / "crashing_perks.py").write_text(PROVIDER.replace(read, read + crash))
    monkeypatch.syspath_prepend(tmp_path)
    answer = {"member": "{}", "coins": {"spendable": 1}, "note": "crash"}

    (fault,) = faults("perks", cases_with(fails={"a note": Fails(200, answer, 7, "bad_response")}))

    assert fault.text.startswith("KeyError in crashing_perks.py, line ")
    assert fault.text.endswith("(in the case fails['a note'])")


def test_a_package_that_does_not_load_is_not_to_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "broken_perks-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-perks\n")
    (metadata / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\nbroken = broken_perks:Perks\n")
    (tmp_path / "broken_perks.py").write_text("raise RuntimeError('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)

    (fault,) = faults("broken", cases_with())

    assert fault.text.endswith("does not load: RuntimeError('no licence').")


def test_a_name_that_no_package_has_is_one_sentence() -> None:
    (fault,) = faults("nobody", cases_with())

    assert fault.text.startswith("there is no provider 'nobody'. Install its package (`pip install")


def test_a_class_without_cases_says_so_and_tries_nothing_else() -> None:
    class TestNothing(ProviderContract):
        pass

    with pytest.raises(AssertionError, match="TestNothing has no cases: give it `cases = Cases"):
        TestNothing().test_the_cases_cover_the_provider()
    for promise in promises():
        if promise != "test_the_cases_cover_the_provider":
            with pytest.raises(SkipTest):
                getattr(TestNothing(), promise)()
