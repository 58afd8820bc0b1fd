"""A package that fails is named, without a traceback, and the others of the run go on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli import providers
from loyalty_cli.providers.imprint import Imprint
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Outcome, Run, Serve
from tests.providers.packages import Install

WHO = "the provider 'kudos' of the package loyalty-kudos failed: "
BAD = "if query.customer == 'M-bad':\n            raise KeyError('s3cret-t0ken')"

MAKING = {
    "request": f"""
    def request(self, query):
        {BAD}
        return super().request(query)
""",
    "look_up": f"""
    def look_up(self, query):
        {BAD}
        return (yield from super().look_up(query))
""",
    "sign of 'bearer'": """
    auths = (Auth("bearer", ("api_token",), lambda secrets: {}, sign=sign),)
""",
    "headers of 'bearer'": """
    auths = (Auth("bearer", ("api_token",), lambda secrets: {"X": secrets["M-bad"]}),)
""",
    "the request for a token": """
    exchange = Exchange(lambda secrets: secrets["M-bad"], dict)
    auths = (Auth("bearer", ("api_token",), lambda secrets: {}, exchange),)
""",
    "the check of 'id'": """
    ways = (Way("id", "the id", {}.__getitem__),)
""",
}
"""Failures before a request, by where: what the package has in place of what works."""

READING = {
    "normalize": f"""
    def normalize(self, body, query):
        {BAD}
        return super().normalize(body, query)
""",
    "look_up": f"""
    def look_up(self, query):
        answer = yield self.request(query)
        {BAD}
        return self.normalize(answer.json(), query)
""",
    "read_error": """
    def read_error(self, body):
        return {"M-bad": 1 / 0} if body["who"] == "M-bad" else None
""",
    "is_busy": """
    def is_busy(self, answer):
        return {}["M-bad"] if answer.json()["who"] == "M-bad" else False
""",
    "is_customer": """
    def is_customer(self, named, asked):
        return {}["M-bad"] if asked == "M-bad" else True
""",
}
"""Failures after an answer."""

FAILING = (
    "raise KeyError('s3cret-t0ken')",
    'secrets["M-bad"]',
    '{"M-bad": 1 / 0}',
    '{}["M-bad"]',
)
"""What fails in each of them."""

WRONG = [
    ("request", "return '/v1'", "str, not Request"),
    (
        "normalize",
        "return Reading((Balance(name=5, kind='points'),))",
        "Expected `str`, got `int` - at `$.balances[0].name`",
    ),
    (
        "normalize",
        "return Reading((Balance(name='a', kind='points', available='s3cret-t0ken'),))",
        "a text is not a number - at `$.balances[0].available`",
    ),
    ("normalize", "return Reading((), warnings=('Hurry.',))", "Expected `object`, got `str`"),
    ("read_error", "return 'no'", "str, not PlatformError"),
    ("look_up", "yield '/v1'", "str, not Request"),
]
"""Results of a wrong type: the function, what it does, and what is said."""


@pytest.fixture
def run(
    install: Install,
    serve: Serve,
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcome]:
    """Run a command with a provider of a package that has so much changed."""

    def handle(received: Received) -> Reply:
        who = received.path[-1]
        return Reply(body={"points": "12.50", "who": who})

    def running(change: str, *arguments: str) -> Outcome:
        install(change)
        profile_file(f"profiles: {{main: {{provider: kudos, base_url: '{serve(handle)}'}}}}\n")
        monkeypatch.setenv("LOYALTY_MAIN_API_TOKEN", "kudos-t0ken")
        return loyalty(*arguments, "-p", "main")

    return running


def is_told(done: Outcome, words: str) -> bool:
    """Whether the first line names the package, and nothing shows what only its author knows."""
    assert f"{WHO}{words}" in done.err
    assert "LOYALTY_DEBUG=1 shows more" in done.err
    assert "Traceback" not in done.err
    assert "s3cret-t0ken" not in f"{done.out}{done.err}"
    return True


EACH = [
    *((where, change, 3, "provider_failed") for where, change in MAKING.items()),
    *((where, change, 7, "bad_response") for where, change in READING.items()),
]


@pytest.mark.parametrize(
    ("where", "change", "exit_code", "code"),
    [case for case in EACH if "check" not in case[0]],
    ids=[f"{case[3]} {case[0]}" for case in EACH if "check" not in case[0]],
)
def test_a_failure_of_a_package_is_an_error_that_names_it(
    run: Callable[..., Outcome], where: str, change: str, exit_code: int, code: str
) -> None:
    done = run(change, "balance", "M-bad", "-o", "json")

    kind = "ZeroDivisionError" if "1 / 0" in change else "KeyError"
    assert (done.code, done.record["error"]["code"]) == (exit_code, code)
    assert is_told(done, f"{kind} in {where}.")
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("file", [False, True], ids=["command line", "list"])
@pytest.mark.parametrize("change", [MAKING["request"], *READING.values()])
def test_the_other_look_ups_of_a_run_go_on_after_a_failure_of_a_package(
    run: Callable[..., Outcome], tmp_path: Path, change: str, file: bool
) -> None:
    names = ["M-1", "M-bad", "M-2"]
    (tmp_path / "list").write_text("\n".join([*names, ""]))

    done = run(
        change, "balance", *(["-f", str(tmp_path / "list")] if file else names), "-o", "json"
    )

    assert done.code == 9
    failed = [record["customer"] for record in done.records if record["error"]]
    assert ([record["customer"] for record in done.records], failed) == (names, ["M-bad"])


@pytest.mark.parametrize(
    ("where", "change", "exit_code", "code"),
    [case for case in EACH if "check" not in case[0]],
    ids=[f"{case[3]} {case[0]}" for case in EACH if "check" not in case[0]],
)
def test_a_package_that_would_end_the_program_fails_like_any_other(
    run: Callable[..., Outcome], where: str, change: str, exit_code: int, code: str
) -> None:
    for failing in FAILING:
        change = change.replace(failing, "__import__('sys').exit(0)")
    change = change.replace("sign=sign", "sign=lambda *_: exit(0)")

    done = run(change, "balance", "M-bad", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (exit_code, code)
    assert is_told(done, f"SystemExit in {where}.")


def test_steps_that_end_the_program_while_they_are_closed_change_nothing(
    run: Callable[..., Outcome],
) -> None:
    change = (
        "    def look_up(self, query):\n        try:\n            yield '/v1'\n"
        "        finally:\n            raise SystemExit(0)\n"
    )

    done = run(change, "balance", "M-1", "-o", "json")

    assert done.code == 3
    assert is_told(done, "look_up gave something wrong: str, not Request.")


def test_a_failed_check_of_a_package_is_an_error_before_any_request(
    run: Callable[..., Outcome],
) -> None:
    done = run(MAKING["the check of 'id'"], "balance", "M-1", "-o", "json")

    assert (done.code, done.out) == (3, "")
    assert is_told(done, "KeyError in the check of 'id'.")


@pytest.mark.parametrize(("name", "body", "words"), WRONG)
def test_a_result_of_a_wrong_type_is_a_failure_of_its_package(
    run: Callable[..., Outcome], name: str, body: str, words: str
) -> None:
    done = run(f"    def {name}(self, *_):\n        {body}\n", "balance", "M-1", "-o", "json")

    assert done.code == (7 if name in {"normalize", "read_error"} else 3)
    assert is_told(done, f"{name} gave something wrong: {words}")


@pytest.mark.parametrize("raw", [[], ["--raw"]], ids=["read", "raw"])
def test_a_look_up_of_a_package_that_asks_nothing_is_its_failure(
    run: Callable[..., Outcome], raw: list[str]
) -> None:
    change = "    def look_up(self, query):\n        yield from ()\n        return Reading(())\n"

    done = run(change, "balance", "M-1", "-o", "json", *raw)

    assert done.code == 3
    assert is_told(done, "look_up asks nothing.")


@pytest.mark.parametrize("given", ["Decimal('12.50')", "'12.50'", "Amount('12.50')"])
def test_an_amount_of_a_package_may_be_any_exact_number(
    run: Callable[..., Outcome], given: str
) -> None:
    change = (
        "    def normalize(self, body, query):\n        from decimal import Decimal\n"
        f"        line = Balance(name='points', kind='points', available={given})\n"
        "        return Reading([line])\n"
    )

    done = run(change, "balance", "M-1", "-o", "jsonl")

    assert done.code == 0
    assert '"available":12.50,' in done.out


def test_no_digit_of_a_package_is_changed(run: Callable[..., Outcome]) -> None:
    change = (
        "    def normalize(self, body, query):\n"
        "        line = Balance(name='points', kind='points', available=Amount('-0'))\n"
        "        return Reading((line,), {'exact': Amount('1.50'), 'text': '1.50'})\n"
    )

    done = run(change, "balance", "M-1", "-o", "jsonl")

    assert '"available":-0,' in done.out
    assert '"details":{"exact":1.50,"text":"1.50"}' in done.out


@pytest.mark.parametrize("word", ["classmethod", "staticmethod"])
def test_a_function_of_a_package_may_be_without_an_instance(
    run: Callable[..., Outcome], word: str
) -> None:
    given = "cls, body, query" if word == "classmethod" else "body, query"
    change = (
        f"    @{word}\n    def normalize({given}):\n"
        "        return Reading((Balance(name=body['who'], kind='points'),))\n"
    )

    done = run(change, "balance", "M-1", "-o", "json")

    assert [line["name"] for line in done.record["balances"]] == ["M-1"]


def test_an_answer_that_a_package_refuses_is_no_failure_of_it(run: Callable[..., Outcome]) -> None:
    change = "    def normalize(self, body, query):\n        raise ValueError('no points')\n"

    done = run(change, "balance", "M-1", "-o", "json")

    assert (done.code, done.record["error"]["code"]) == (7, "bad_response")
    assert "Kudos's answer is not as documented: no points." in done.err


def test_the_traceback_of_a_failed_package_is_shown_on_request_without_secrets(
    run: Callable[..., Outcome], program: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = "    def normalize(self, body, query):\n        raise KeyError('kudos-t0ken')\n"
    run(change, "providers")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setenv("LOYALTY_DEBUG", "1")

    done = program("balance", "M-1", "-p", "main", "-o", "json")

    assert done.code == 7
    assert "Traceback (most recent call last):" in done.err
    assert "in normalize" in done.err
    assert "KeyError: '***'" in done.err
    assert "kudos-t0ken" not in f"{done.out}{done.err}"


def test_a_built_in_provider_is_called_as_it_is() -> None:
    assert type(providers.load("imprint")) is Imprint


# Debits


DEBIT = """
    def debit_request(self, query, debit):
        return Request(("v1", "debit", debit.customer), json={"points": debit.amount})

    def read_debit(self, body, debit):
        return DebitReceipt(provider_reference=body["id"])
"""


@pytest.fixture
def debit(
    install: Install,
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Outcome]:
    """Debit at a platform, with a provider of a package that has so much changed."""

    def debiting(change: str, url: str) -> Outcome:
        install(f"{DEBIT}{change}", base="DebitProvider")
        profile_file(
            f"profiles: {{main: {{provider: kudos, base_url: '{url}',"
            " debit: {allow: true, unit: points}}}\ndefault_profile: main\n"
        )
        monkeypatch.setenv("LOYALTY_MAIN_API_TOKEN", "kudos-t0ken")
        loyalty("journal", "init")
        return loyalty("debit", "M-1", "5", "--reference", "r-1", "--yes", "-o", "json")

    return debiting


@pytest.mark.parametrize(
    ("change", "ends", "posts"),
    [
        ("", (0, "confirmed"), 1),
        ("    def debit_request(self, query, debit):\n        1 / 0\n", (3, "planned"), 0),
        (
            "    auths = (Auth('bearer', ('api_token',), lambda _: {}, sign=sign_posts),)\n",
            (3, "planned"),
            0,
        ),
        ("    def needs_person(self, query):\n        1 / 0\n", (3, "planned"), 0),
        ("    def debit_part(self, body):\n        1 / body['one']\n", (8, "unknown"), 1),
        ("    def read_debit(self, body, debit):\n        1 / 0\n", (8, "unknown"), 1),
        ("    def read_debit(self, body, debit):\n        exit(0)\n", (8, "unknown"), 1),
        ("    def debit_request(self, query, debit):\n        exit(0)\n", (3, "planned"), 0),
        ("    def read_debit(self, body, debit):\n        return 5\n", (8, "unknown"), 1),
        ("    def read_error(self, body):\n        1 / body['one']\n", (8, "unknown"), 1),
    ],
    ids=[
        "nothing",
        "making it",
        "signing it",
        "whether a person is needed",
        "the part of its answer",
        "reading it",
        "reading it ends the program",
        "making it ends the program",
        "a wrong receipt",
        "reading its error",
    ],
)
def test_a_debit_is_not_sent_after_a_failure_of_a_package_and_unknown_after_a_later_one(
    debit: Callable[..., Outcome], serve: Serve, change: str, ends: tuple[int, str], posts: int
) -> None:
    received: list[Received] = []

    def handle(request: Received) -> Reply:
        if request.method == "POST":
            received.append(request)
            return Reply(body={"id": "R-1", "one": 0})
        return Reply(body={"points": "80", "who": "M-1", "one": 1})

    done = debit(change, serve(handle))

    assert (done.code, done.record["state"]) == ends
    assert len(received) == posts
    assert (WHO.rstrip(": ") in done.err) == bool(change)
