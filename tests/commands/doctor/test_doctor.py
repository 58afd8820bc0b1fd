"""`loyalty doctor`: each thing that is wrong is found, and hides nothing else."""

import csv
import io
import json
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from jsonschema import Draft202012Validator

from loyalty_cli.commands.doctor import action
from loyalty_cli.credentials import keyring_store
from loyalty_cli.network import retry
from loyalty_cli.output.json_schema import json_schema
from tests.conftest import Outcome, Run
from tests.fakes import backends
from tests.fakes.servers import RawServer, Wire, reply, unused_port

NOBODY = b'{"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "No."}'
REFUSED = b'{"type": "X", "message": "No."}'


def dated(ahead: float) -> str:
    """The header Date of a platform whose clock is `ahead` seconds ahead of ours."""
    at = datetime.now(UTC) + timedelta(seconds=ahead)
    return f"Date: {format_datetime(at, usegmt=True)}"


class Platform:
    """Imprint's address: what it answers to a look-up, and to the address itself."""

    def __init__(self) -> None:
        self.look_up = reply(NOBODY, "404 No")
        self.root = reply(b"<html>", "404 No", dated(0))

    def __call__(self, wire: Wire) -> None:
        while request := wire.request():
            wire.send(self.root if request.startswith(b"GET / ") else self.look_up)


Given = dict[str, Any]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def url(platform: Platform) -> Iterator[str]:
    with RawServer(platform) as server:
        yield server.url


@pytest.fixture
def doctor(
    url: str, card: Callable[..., Path], loyalty: Run, tmp_path: Path
) -> Callable[..., Outcome]:
    """Run the doctor on a profile file with one profile, and with what is added to it."""

    def run(settings: str = "", more: str = "", *options: str, at: str = "") -> Outcome:
        path = card(at or url, settings)
        journal = "" if "journal:" in more else f"journal: {tmp_path}/journal.db\n"
        path.write_text(f"{path.read_text()}{more}{journal}people: {tmp_path}/people.db\n")
        return loyalty("doctor", "-o", "json", *options)

    return run


Doctor = Callable[..., Outcome]


def statuses(done: Outcome) -> dict[str, str]:
    return {record["check"]: record["status"] for record in done.records}


def one(done: Outcome, check: str) -> dict[str, str]:
    """The only finding of a check."""
    (found,) = [record for record in done.records if record["check"] == check]
    return {key: value or "" for key, value in found.items()}


def test_if_all_is_well_every_check_says_so(doctor: Doctor, url: str) -> None:
    done = doctor()

    assert (done.code, done.err) == (0, "")
    host = url.partition("//")[2]
    assert statuses(done) == dict.fromkeys(
        (
            *("profile file", "keyring", "credential card.api_key", "certificates", "proxy"),
            *("journal", "people", "history", f"base URL {url}", f"clock {host}", "key card"),
        ),
        "ok",
    )
    assert one(done, "credential card.api_key")["message"] == "environment LOYALTY_CARD_API_KEY"
    assert one(done, "profile file")["message"].endswith("config.yaml, mode 600, 1 profile")
    assert one(done, f"base URL {url}")["message"].startswith("127.0.0.1 answers HTTP 404 after")
    assert one(done, "key card")["message"] == "Imprint takes the credentials"
    assert "secret-of-card" not in done.out


# What is broken: how it is broken, what is found, and the exit code.


Break = Callable[[pytest.MonkeyPatch, Platform, Path], Given]


def refuses(_: pytest.MonkeyPatch, platform: Platform, __: Path) -> Given:
    platform.look_up = reply(REFUSED, "401 No")
    return {}


def is_another_server(_: pytest.MonkeyPatch, platform: Platform, __: Path) -> Given:
    platform.look_up = reply(b"<html>", "200 OK")
    return {}


def is_down(_: pytest.MonkeyPatch, __: Platform, ___: Path) -> Given:
    return {"at": f"http://127.0.0.1:{unused_port()}"}


def is_unknown(_: pytest.MonkeyPatch, __: Platform, ___: Path) -> Given:
    return {"at": "https://platform.invalid"}


def is_no_http(_: pytest.MonkeyPatch, platform: Platform, __: Path) -> Given:
    platform.root = b"SSH-2.0-OpenSSH\r\n\r\n"
    return {}


def is_silent(_: pytest.MonkeyPatch, platform: Platform, __: Path) -> Given:
    platform.root = b""
    return {"settings": ", timeout: 0.3"}


def has_a_socks_proxy(patch: pytest.MonkeyPatch, _: Platform, __: Path) -> Given:
    patch.setenv("HTTPS_PROXY", "socks5://user:hunter22@proxy.example:1080")
    return {"at": "https://platform.invalid"}


def has_no_bundle(_: pytest.MonkeyPatch, __: Platform, path: Path) -> Given:
    return {"at": "https://platform.invalid", "settings": f", ca_bundle: {path}/none.pem"}


def has_an_unknown_key(_: pytest.MonkeyPatch, __: Platform, ___: Path) -> Given:
    return {"more": "pepole: x\n"}


def names_an_unknown_profile(patch: pytest.MonkeyPatch, _: Platform, __: Path) -> Given:
    patch.setenv("LOYALTY_PROFILE", "crad")
    return {}


def has_open_people(_: pytest.MonkeyPatch, __: Platform, path: Path) -> Given:
    (path / "people.db").touch()
    (path / "people.db").chmod(0o644)
    return {}


def has_a_damaged_journal(_: pytest.MonkeyPatch, __: Platform, path: Path) -> Given:
    (path / "journal.db").write_bytes(b"not a journal" * 1000)
    (path / "journal.db").chmod(0o600)
    return {"settings": "}\n  shop: {provider: gameball, debit: {allow: true, unit: points}"}


BROKEN: dict[Break, tuple[str, int, str]] = {
    refuses: ("key card", 4, "rejected the credentials"),
    is_another_server: ("key card", 7, "cannot be read"),
    is_down: ("base URL", 7, "TCP: no connection to 127.0.0.1:"),
    is_unknown: ("base URL", 7, "DNS: the name platform.invalid is not found"),
    is_no_http: ("base URL", 7, "HTTP: Imprint at"),
    is_silent: ("base URL", 7, "did not answer within 0.3 s"),
    has_a_socks_proxy: ("proxy platform.invalid", 3, "SOCKS"),
    has_no_bundle: ("certificates", 3, "none.pem"),
    has_an_unknown_key: ("profile file", 3, "unknown key"),
    names_an_unknown_profile: ("default profile", 3, "'crad'"),
    has_open_people: ("people", 3, "open to other users"),
    has_a_damaged_journal: ("journal", 3, "journal"),
}


@pytest.mark.parametrize("wrong", BROKEN, ids=lambda each: each.__name__)
def test_what_is_broken_is_found_and_decides_the_exit_code(
    wrong: Break,
    platform: Platform,
    doctor: Doctor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    check, code, message = BROKEN[wrong]
    done = doctor(**wrong(monkeypatch, platform, tmp_path))

    broken = [each for each in done.records if each["status"] == "broken"]
    (found,) = (each for each in broken if each["check"].startswith(check))
    assert message in found["message"]
    assert found["hint"]
    if wrong is not has_a_damaged_journal:  # whose other profile has no credentials
        assert done.code == code
    assert {"keyring", "credential card.api_key", "proxy", "journal"} <= {
        each["check"].replace("proxy platform.invalid", "proxy") for each in done.records
    }
    assert "hunter22" not in f"{done}"


def test_the_exit_code_is_that_of_the_first_thing_a_look_up_needs(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "}\n  points: {provider: gameball, base_url: 'http://127.0.0.1:9'"
    assert doctor(more).code == 4  # its credentials are missing, and nobody answers there
    monkeypatch.setenv("LOYALTY_POINTS_API_KEY", "k")
    monkeypatch.setenv("LOYALTY_POINTS_SECRET_KEY", "k")
    assert doctor(more).code == 7
    assert doctor(more, "wrong: 1\n").code == 3


@pytest.mark.parametrize(
    "text",
    [None, "", "profiles: [", "profiles:\n\tcard: {}\n", "profiles: 5\n", "\x00"],
    ids=["missing", "empty", "no YAML", "a tab", "no map", "binary"],
)
def test_without_a_profile_file_that_can_be_read_the_rest_is_checked(
    text: str | None, loyalty: Run, profile_file: Callable[[str], Path]
) -> None:
    path = profile_file(text or "")
    if text is None:
        path.unlink()

    done = loyalty("doctor", "-o", "json")

    assert done.code == 3
    assert statuses(done) == {
        **dict.fromkeys(("keyring", "certificates", "proxy", "journal", "people", "history"), "ok"),
        "profile file": "broken",
    }
    assert one(done, "profile file")["hint"]


def test_a_mistake_in_one_profile_does_not_keep_the_others_from_being_checked(
    doctor: Doctor,
) -> None:
    done = doctor("}\n  typo: {provider: imprnt}\n  other: {provider: gameball, timeout: soon")

    assert done.code == 3
    told = [each for each in done.records if each["check"] == "profile file"]
    assert [
        word in each["message"] for word, each in zip(("imprnt", "soon"), told, strict=True)
    ] == [
        True,
        True,
    ]
    assert all(each["hint"] for each in told)
    assert (one(done, "key card")["status"], one(done, "journal")["status"]) == ("ok", "ok")


def test_one_platform_that_is_silent_hides_no_other(doctor: Doctor) -> None:
    def stall(wire: Wire) -> None:
        wire.stall()

    with RawServer(stall) as silent:
        began = time.monotonic()
        done = doctor(f"}}\n  late: {{provider: imprint, base_url: '{silent.url}', timeout: 0.3")
        took = time.monotonic() - began

    assert took < 5
    assert one(done, "key card")["status"] == "ok"
    assert one(done, f"base URL {silent.url}")["status"] == "broken"
    assert "not checked" in one(done, "key late")["message"] or "key late" not in statuses(done)


def test_an_untrusted_certificate_is_found_as_tls(doctor: Doctor, platform: Platform) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with RawServer(platform, context) as server:
        done = doctor(at=server.url)

    assert done.code == 7
    assert one(done, f"base URL {server.url}")["message"].startswith("TLS: there is no secure")


def test_a_key_is_asked_once_for_each_profile_of_an_address(doctor: Doctor, url: str) -> None:
    done = doctor(f"}}\n  second: {{provider: imprint, base_url: '{url}'")

    assert one(done, f"base URL {url}")["status"] == "ok"
    assert statuses(done)["key card"] == "ok"
    assert "key second" not in statuses(done)  # it has no credentials
    assert one(done, "credential second.api_key") == {
        "check": "credential second.api_key",
        "status": "broken",
        "message": "no source has it",
        "hint": "Run `loyalty login second`, or set LOYALTY_SECOND_API_KEY.",
    }


# Warnings: a look-up works.


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        (lambda: [dated(3600)], "warning", " s behind the platform's"),
        (lambda: [dated(-3600)], "warning", " s ahead of the platform's"),
        (lambda: [dated(-3600), "Age: 3600"], "ok", "the same time"),
        (lambda: [dated(30)], "ok", "the same time"),
        (list, "ok", "does not say"),
        (lambda: ["Date: yesterday"], "ok", "does not say"),
        (lambda: [dated(0), "Age: many"], "ok", "does not say"),
    ],
)
def test_a_wrong_clock_is_found(
    headers: Callable[[], list[str]],
    status: str,
    message: str,
    doctor: Doctor,
    platform: Platform,
) -> None:
    platform.root = reply(b"", "204 No", *headers())
    done = doctor()

    (clock,) = [each for each in done.records if each["check"].startswith("clock ")]
    assert (done.code, clock["status"]) == (0, status)
    assert message in clock["message"]


def test_a_platform_that_has_a_problem_is_a_warning(doctor: Doctor, platform: Platform) -> None:
    platform.root = reply(b"", "503 Busy")
    done = doctor()

    (address,) = [each for each in done.records if each["check"].startswith("base URL ")]
    assert (done.code, address["status"]) == (0, "warning")
    assert "answers HTTP 503" in address["message"]


def test_credentials_that_cannot_be_proved_are_a_warning(
    doctor: Doctor, platform: Platform
) -> None:
    platform.look_up = reply(b'{"type": "X", "message": "Not so."}', "400 No")
    done = doctor()

    assert (done.code, one(done, "key card")["status"]) == (0, "warning")


def test_a_profile_file_that_others_can_write_is_a_warning(
    doctor: Doctor, tmp_path: Path, loyalty: Run
) -> None:
    doctor()
    (tmp_path / "config.yaml").chmod(0o666)
    done = loyalty("doctor", "-o", "json")

    shown = [each for each in done.records if each["check"] == "profile file"]
    assert [each["status"] for each in shown] == ["ok", "warning"]
    assert "mode 666" in shown[0]["message"]
    assert (done.code, done.err) == (0, "")


DEBITING = "}\n  shop: {provider: saasquatch, tenant: acme, debit: {allow: true, unit: CENTS}"


def test_a_missing_journal_is_a_warning_only_where_debits_are_allowed(doctor: Doctor) -> None:
    assert one(doctor(), "journal")["status"] == "ok"
    found = one(doctor(DEBITING), "journal")
    assert (found["status"], "shop may debit" in found["message"]) == ("warning", True)
    assert "loyalty journal init" in found["hint"]


def test_a_journal_that_cannot_be_used_stops_no_look_up(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"not a journal" * 1000)
    (tmp_path / "journal.db").chmod(0o600)
    done = doctor()

    assert (done.code, one(done, "journal")["status"]) == (0, "warning")


def test_unknown_debits_are_a_warning_and_the_last_backup_is_named(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    debit = "debit E-lost-reply 5 -p saasquatch --reference r-1 --yes --sandbox"
    assert loyalty(*debit.split()).code == 8

    done = loyalty("--sandbox", "doctor", "-o", "json")

    journal = one(done, "journal")
    assert (done.code, journal["status"]) == (0, "warning")
    assert "mode 600, 1 debit, 1 unknown, no backup is known" in journal["message"]
    assert "loyalty --sandbox journal reconcile" in journal["hint"]

    backup = str(tmp_path / "backup.db")
    assert loyalty("--sandbox", "journal", "backup", backup).code == 0
    journal = one(loyalty("--sandbox", "doctor", "-o", "json"), "journal")
    assert journal["message"].endswith(f"Z as {backup}")


# The keyring.


@pytest.mark.parametrize(
    ("backend", "status", "message"),
    [
        (backends.Memory(), "ok", "backends Memory answers after 0.0"),
        (backends.Raising(RuntimeError("it is locked")), "warning", "it is locked"),
    ],
)
def test_the_keyring_is_asked_and_timed(
    backend: Any, status: str, message: str, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends.use(monkeypatch, backend)
    done = doctor()

    found = one(done, "keyring")
    assert (done.code, found["status"]) == (0, status)
    assert message in found["message"]


def test_a_keyring_that_never_answers_is_found_and_hides_nothing(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring_store, "TIMEOUT_SECONDS", 0.2)
    blocking = backends.use(monkeypatch, backends.Blocking())
    try:
        done = doctor("}\n  points: {provider: gameball")
    finally:
        blocking.released.set()

    assert one(done, "keyring")["status"] == "warning"
    assert one(done, "credential points.api_key")["status"] == "broken"
    assert (done.code, one(done, "key card")["status"]) == (4, "ok")


# How it is shown.


def test_the_records_fit_the_schema_and_every_format_has_them(doctor: Doctor, loyalty: Run) -> None:
    done = doctor()

    records = json.loads(done.out)
    Draft202012Validator(json_schema()).validate(records)
    assert all([*record] == ["check", "status", "message", "hint"] for record in records)
    rows = list(csv.DictReader(io.StringIO(loyalty("doctor", "-o", "csv").out)))
    assert [row["check"] for row in rows] == [record["check"] for record in records]
    lines = loyalty("doctor", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["check"] for line in lines] == [row["check"] for row in rows]
    for output in ("table", "markdown"):
        shown = loyalty("doctor", "-o", output)
        assert (shown.code, shown.err) == (0, "")
        assert all(record["check"] in shown.out for record in records)


@pytest.mark.parametrize("line", ["--sandbox doctor", "doctor --sandbox"])
def test_the_sandbox_is_well_without_a_profile_file(
    line: str, loyalty: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOYALTY_CONFIG", "/nowhere/config.yaml")
    done = loyalty(*line.split(), "-o", "json")

    assert done.code == 0
    found = {record["status"] for record in done.records}
    assert found == {"ok"}
    keys = [each for each in done.records if each["check"].startswith("key ")]
    assert len(keys) == 5
    assert "keyring" not in statuses(done)


def test_verbose_shows_the_requests_of_the_doctor_without_secrets(doctor: Doctor) -> None:
    done = doctor("", "", "-vv")

    assert "> GET http://127.0.0.1" in done.err
    assert "> Authorization: ***" in done.err
    assert "secret-of-card" not in f"{done}"


def test_a_check_with_a_defect_hides_no_other(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(_: object) -> Iterator[Any]:
        raise RuntimeError("secret-of-card")
        yield

    broken = tuple(
        (name, defect if name == "proxy" else find, seconds) for name, find, seconds in action.HERE
    )
    monkeypatch.setattr(action, "HERE", broken)
    done = doctor()

    assert done.code == 1
    assert one(done, "proxy")["message"] == "this check has a defect: RuntimeError"
    assert one(done, "key card")["status"] == "ok"
    assert "secret-of-card" not in f"{done}"


def test_as_a_process_it_needs_nothing_of_its_environment(program: Run) -> None:
    done = program("doctor", "-o", "json", env={"PATH": "/usr/bin:/bin"})

    assert done.code == 3
    assert "profile file" in statuses(done)
    assert "Traceback" not in done.err


def test_damage_inside_a_journal_is_found(
    loyalty: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    debit = "debit C-1001 5 -p gameball --reference r-1 --yes --sandbox"
    assert loyalty(*debit.split()).code == 0
    (place,) = (tmp_path / "state").rglob("sandbox-journal.db")
    content = place.read_bytes()
    place.write_bytes(content[:8192] + b"\xaa" * 4096 + content[12288:])

    done = loyalty("--sandbox", "doctor", "-o", "json")

    journal = one(done, "journal")
    assert (done.code, journal["status"]) == (3, "broken")
    assert f"the journal {place} is damaged" in journal["message"]
    assert "journal restore" in journal["hint"]
