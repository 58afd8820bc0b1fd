"""`loyalty doctor --bundle`: one file for a report, with no secret and no customer in it."""

import errno
import json
import os
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from loyalty_cli.commands.doctor import bundle
from tests.conftest import Run
from tests.fakes import backends
from tests.fakes.servers import Answering, RawServer, unused_port

CANARY = "C4nary/{}+of=mine"
PLACES = (
    *("environment", "other-environment", "file", "keyring", "proxy-user", "proxy-password"),
    *("url-user", "url-password", "journal-password", "people-password", "pg-password"),
    *("tenant", "customer", "unknown-key", "unknown-value", "nested", "provider", "described"),
)
CANARIES = {place: CANARY.format(place) for place in PLACES}

FILE = """
profiles:
  card: {{provider: imprint, base_url: "{url}", timeout: 2.5}}
  points: {{provider: gameball, base_url: "{url}"}}
  store: {{provider: omneo, base_url: "{url}"}}
  refer: {{provider: saasquatch, base_url: "{url}", tenant: "{tenant}", auth: api_key,
    options: {{user_id: "{customer}"}}, debit: {{allow: true, unit: CENTS, max_amount: 5000}}}}
{more}
"""
LAYERS = (str, lambda text: quote(text, safe=""), lambda text: b64encode(text.encode()).decode())

MISTAKES = {
    "none": "",
    "a user in base_url": '  x: {{provider: imprint, base_url: "https://{0}:{1}@h.example"}}\n',
    "a password of the journal": 'journal: "postgresql://ada:{2}@db.example/x"\n',
    "a password of the people": 'people: "postgresql://ada:{3}@db.example/x"\n',
    "an unknown key": '"{4}": "{5}"\n"api_{4}": {{a: [["{6}"]]}}\n',
    "a key where the provider is": '  x: {{provider: "{7}", auth: "{7}"}}\n',
    "a described provider": 'providers: {{acme: {{auth: "{8}", "{8}": 1}}}}\n',
    "a list": 'history: ["{6}"]\n',
}
IN_MISTAKES = (
    *("url-user", "url-password", "journal-password", "people-password", "unknown-key"),
    *("unknown-value", "nested", "provider", "described"),
)


@pytest.fixture
def planted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile_file: Callable[[str], Path]
) -> Callable[[str, str], None]:
    """Put a canary into every place where a secret can be, and write the profile file."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "points.api_key").write_text(CANARIES["file"])
    (folder / "points.secret_key").write_text(CANARIES["file"])
    user, password = quote(CANARIES["proxy-user"]), quote(CANARIES["proxy-password"], safe="")
    variables = {
        "LOYALTY_CARD_API_KEY": CANARIES["environment"],
        "LOYALTY_REFER_API_KEY": CANARIES["environment"],
        "LOYALTY_GONE_API_KEY": CANARIES["other-environment"],
        "LOYALTY_CREDENTIALS_DIR": str(folder),
        "HTTPS_PROXY": f"http://{user}:{password}@proxy.example:3128",
        "https_proxy": f"http://{CANARIES['proxy-user']}:{CANARIES['proxy-password']}@p:1",
        "PGPASSWORD": CANARIES["pg-password"],
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    memory = backends.use(monkeypatch, backends.Memory())
    memory.set_password("loyalty-cli/store", "api_token", CANARIES["keyring"])

    def write(url: str, mistake: str) -> None:
        more = MISTAKES[mistake].format(*(CANARIES[each] for each in IN_MISTAKES))
        named = {each: CANARIES[each] for each in ("tenant", "customer")}
        profile_file(FILE.format(url=url, more=more, **named))

    return write


def shown_in(text: str) -> list[str]:
    """The canaries in a text, however they are spelt."""
    return [
        place
        for place, canary in CANARIES.items()
        if any(layer(canary) in text for layer in LAYERS)
    ]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_secret_and_no_customer_is_in_the_bundle_or_in_the_report(
    mistake: str, planted: Callable[[str, str], None], loyalty: Run, tmp_path: Path
) -> None:
    here = [
        CANARIES[each] for at, each in enumerate(IN_MISTAKES) if f"{{{at}}}" in MISTAKES[mistake]
    ]
    echo = " ".join([*here, *(CANARIES[each] for each in PLACES if each not in IN_MISTAKES)])
    answer = json.dumps({"type": echo, "message": echo}).encode()
    head = f"HTTP/1.1 401 No\r\nContent-Type: {echo}\r\nServer: {echo}\r\n"
    content = f"{head}Content-Length: {len(answer)}\r\n\r\n".encode() + answer
    with RawServer(Answering(content)) as server:
        planted(server.url, mistake)
        done = loyalty("-vv", "doctor", "--bundle", str(tmp_path / "b.json"))

    text = (tmp_path / "b.json").read_text()
    assert shown_in(text) == []
    content = json.loads(text)
    assert content["environment"]["LOYALTY_GONE_API_KEY"] == "(set)"
    assert content["environment"]["HTTPS_PROXY"] == "proxy.example:3128"
    assert len(content["checks"]) > 8
    assert done.code in (3, 4)
    assert {"environment", "file", "keyring"}.isdisjoint(shown_in(f"{done}"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_no_secret_is_in_the_report_on_stdout(
    mistake: str, planted: Callable[[str, str], None], loyalty: Run
) -> None:
    planted(f"http://127.0.0.1:{unused_port()}", mistake)
    done = loyalty("-vv", "doctor", "-o", "json")

    shown = {*shown_in(f"{done}")}
    assert shown <= {"provider", "unknown-key", "customer", "tenant"}  # as other commands show it


def test_the_bundle_names_the_default_profile_its_provider_and_its_address(
    profile_file: Callable[[str], Path], loyalty: Run, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{unused_port()}/gameball"
    profile_file(
        "default_profile: gameball\n"
        f'profiles: {{gameball: {{provider: gameball, base_url: "{url}"}}}}\n'
    )

    loyalty("doctor", "--bundle", str(tmp_path / "b.json"))

    text = (tmp_path / "b.json").read_text()
    shown = json.loads(text)["profile_file"]
    assert shown["default_profile"] == "gameball"
    assert shown["profiles"]["gameball"] == {"provider": "gameball", "base_url": url}
    assert "***" not in text


def test_the_bundle_says_what_a_report_needs(
    planted: Callable[[str, str], None], loyalty: Run, tmp_path: Path
) -> None:
    path = tmp_path / "bundle.json"
    url = f"http://127.0.0.1:{unused_port()}"
    planted(url, "none")
    done = loyalty("doctor", "-o", "json", "--bundle", str(path))

    content: Any = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"{path} was written." in done.err
    assert content["checks"] == json.loads(done.out)
    assert content["program"]["version"]
    assert content["system"]["python"].startswith("CPython 3.")
    assert {"requests", "msgspec", "keyring"} <= content["libraries"].keys()
    refer = {
        "provider": "saasquatch",
        "base_url": url,
        "tenant": "(text)",
        "auth": "api_key",
        "options": {"user_id": "(text)"},
        "debit": {"allow": "true", "unit": "(text)", "max_amount": "5000"},
    }
    assert content["profile_file"]["profiles"]["refer"] == refer
    assert content["profile_file"]["profiles"]["card"]["timeout"] == "2.5"


@pytest.mark.parametrize("there", ["a file", "a folder", "a broken link"])
def test_a_bundle_overwrites_nothing_and_asks_nobody_before(
    there: str, planted: Callable[[str, str], None], loyalty: Run, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    if there == "a file":
        path.write_text("mine")
    elif there == "a folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with RawServer(Answering()) as server:
        planted(server.url, "none")
        done = loyalty("doctor", "--bundle", str(path))
        assert server.connections == 0

    assert (done.code, done.out) == (2, "")
    assert f"{path} exists already" in done.err
    assert not (tmp_path / "elsewhere").exists()
    assert there != "a file" or path.read_text() == "mine"


def test_a_bundle_without_a_folder_is_an_error_at_once(loyalty: Run, tmp_path: Path) -> None:
    done = loyalty("--sandbox", "doctor", "--bundle", str(tmp_path / "no" / "b.json"))

    assert (done.code, done.out) == (2, "")
    assert "there is no folder for" in done.err


def test_a_bundle_that_cannot_be_written_is_an_error(
    loyalty: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bundle, "make_file", full)
    done = loyalty("--sandbox", "doctor", "--bundle", str(tmp_path / "b.json"))

    assert done.code == 3
    assert "b.json cannot be written: No space left on device" in done.err


@pytest.mark.parametrize("text", [None, "profiles: [\n", "- a\n", "\x00"], ids=repr)
def test_a_bundle_of_a_file_that_cannot_be_read_has_the_rest(
    text: str | None, loyalty: Run, profile_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = profile_file(text or "")
    if text is None:
        path.unlink()
    assert loyalty("doctor", "--bundle", str(tmp_path / "b.json")).code == 3

    content = json.loads((tmp_path / "b.json").read_text())
    assert content["profile_file"] in ("(cannot be read)", "(text)", None)
    assert content["checks"][0]["status"] == "broken"


def test_a_bundle_of_the_sandbox_has_no_profile_file(loyalty: Run, tmp_path: Path) -> None:
    done = loyalty("--sandbox", "doctor", "--bundle", str(tmp_path / "b.json"), "-q")

    assert (done.code, done.err) == (0, "")
    content = json.loads((tmp_path / "b.json").read_text())
    assert content["profile_file"] is None
    assert {check["status"] for check in content["checks"]} == {"ok"}
