"""docs/own-platform.md: its file is checked and asked, and it names every key that there is."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_cli.config.descriptions import read, sign_in
from loyalty_cli.config.descriptions.examples import EXAMPLE_KEYS
from loyalty_cli.config.descriptions.values import AMOUNT_KEYS, TEXT_KEYS
from loyalty_cli.providers.description.records import EXPIRY_AMOUNTS, VALUE_AMOUNTS
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run, Serve
from tests.documentation.pages import blocks, page

PAGE = page("docs/own-platform.md")
FILE, PROFILES, INSIDE = blocks(PAGE, "yaml")
CUSTOMER = {"id": 42, "state": "active", "points_balance": 2900}


@pytest.fixture
def acme(
    tmp_path: Path,
    profile_file: Callable[[str], Path],
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """The page's files, and a platform that answers as it says."""

    def answer(received: Received) -> Reply:
        assert received.headers["authorization"] == "Bearer acme-k3y"
        match received.path, dict(received.query):
            case ("v1", "customers", "42"), {}:
                return Reply(body={"customer": CUSTOMER})
            case ("v1", "customers"), {"email": "ada@host.example"}:
                return Reply(body={"customers": [CUSTOMER]})
            case _:
                return Reply(404, {"error": {"code": "not_found", "message": "No such customer"}})

    monkeypatch.setenv("LOYALTY_ACME_API_KEY", "acme-k3y")
    profile_file(PROFILES)
    (tmp_path / "providers").mkdir()
    file = tmp_path / "providers" / "acme.yaml"
    file.write_text(FILE.replace("https://loyalty.acme.example", serve(answer)))
    file.chmod(0o600)
    return file


def test_the_file_of_the_page_keeps_every_promise(loyalty: Run, acme: Path) -> None:
    acme.write_text(FILE)

    done = loyalty("providers", "check", str(acme))

    assert (done.code, done.out) == (0, "")
    assert "every promise is kept" in done.err


def test_the_commands_of_the_page_show_the_balance_that_it_shows(loyalty: Run, acme: Path) -> None:
    assert acme.exists()
    shown = PAGE.partition("$ loyalty balance -p acme 42\n")[2].partition("$ ")[0]

    done = loyalty("balance", "-p", "acme", "42")

    assert (done.code, done.err) == (0, "")
    assert done.out.split() == shown.split()
    by_email = loyalty("balance", "-p", "acme", "--by", "email", "ada@host.example", "-o", "json")
    assert by_email.record["platform_customer"] == "42"
    assert by_email.record["details"] == {"state": "active"}
    assert loyalty("balance", "-p", "acme", "43").code == 5


def test_the_description_in_the_profile_file_of_the_page_is_read(
    loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    profile_file(INSIDE)

    done = loyalty("profiles", "-o", "json")

    assert (done.code, done.record["provider"]) == (0, "acme")


def test_the_page_names_every_key_of_a_description() -> None:
    named = set(re.findall(r"`([a-z_]+)`", PAGE.partition("## Every key")[2]))

    known = {*read.KEYS, *read.SETTING_KEYS, *read.OPTION_KEYS, *read.LOOK_UP_KEYS}
    known |= {*read.LINE_KEYS, *read.ERROR_KEYS, *read.KINDS, *sign_in.WAY_KEYS}
    known |= {*EXAMPLE_KEYS, *AMOUNT_KEYS, *TEXT_KEYS, *VALUE_AMOUNTS, *EXPIRY_AMOUNTS}
    assert known - named == set()


def test_the_answers_of_the_page_can_be_pasted_as_json() -> None:
    bodies = re.findall(r"body: (\{.*)$", FILE, re.MULTILINE)

    assert json.loads(bodies[0]) == {"customer": CUSTOMER}
    assert len(bodies) == 3
