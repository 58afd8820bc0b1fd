"""What the tests of debits share: a platform that knows the truth, and ways to debit there."""

import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import trustme

from loyalty_cli.config.profile import DebitRules, Profile
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credential
from loyalty_cli.debits.journal.entries import Baseline, Entry, Event, Key, Process, State
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Filter, Journal
from loyalty_cli.debits.order import DebitOrder
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from tests.conftest import Outcome, Run
from tests.fakes.faulty_platform import FaultyPlatform
from tests.fakes.servers import profile_at

SECRET = "s3cret-of-the-shop"


class KnownCredentials:
    """Credentials that are there."""

    def find(self, profile: Profile, name: str) -> Credential | None:
        del profile, name
        return Credential(SECRET, "the test", "test")

    def require(self, profile: Profile) -> Mapping[str, Credential]:
        return {name: Credential(SECRET, "the test", "test") for name in profile.auth.fields}


def client() -> PlatformClient:
    return PlatformClient(HttpClient(), KnownCredentials(), AccessTokens(KeyringStore()))


def profile_of(platform: FaultyPlatform, **profile: Any) -> Profile:
    """A profile that may debit at a platform."""
    rules = DebitRules(allow=True, settle=profile.pop("settle", 900.0))
    url = profile.pop("url", platform.url)
    settings: dict[str, Any] = {"settings": platform.settings, "debit": rules, "name": "shop"}
    settings["by"] = platform.by
    return profile_at(url, platform.provider, **(settings | profile))


class DebitMaker:
    """The code that makes debits, at one platform and with one journal."""

    def __init__(self, platform: FaultyPlatform, journal: Journal, **profile: Any) -> None:
        self.profile = profile_of(platform, **profile)
        self.platform = platform
        self.journal = journal
        self.client = client()

    def order(self, reference: str = "r-1", customer: str = "C-1", amount: int = 50) -> DebitOrder:
        return DebitOrder(self.profile, customer, self.platform.unit, amount, reference)

    def plan(self, order: DebitOrder) -> Entry:
        (entry,) = self.journal.plan([order.planned])
        return entry

    def debits(self, **more: Any) -> DebitSender:
        return DebitSender(self.journal, self.client, **more)

    def debit(self, order: DebitOrder | None = None, **more: Any) -> DebitResult:
        chosen = order or self.order()
        return self.debits(**more).run(chosen, self.plan(chosen))

    def claimed(self, order: DebitOrder, sender: Process) -> Entry:
        """The entry of a debit that a process is sending, or had begun to send."""
        entry = self.journal.claim(self.plan(order), sender, Baseline(redeemed="0"))
        assert entry is not None
        return entry

    def another(self) -> "DebitMaker":
        """The same in another program with this journal."""
        return DebitMaker(self.platform, open_journal(self.journal.place))

    def present(self, reference: str = "r-1") -> Entry:
        key = Key(self.order().key.platform, reference)
        return self.journal.known([key])[key]


@pytest.fixture
def journal(tmp_path: Path, new_journal: Path) -> Iterator[Journal]:
    place = shutil.copy(new_journal, tmp_path / "journal.db")
    with closing(open_journal(str(place))) as journal:
        yield journal


@pytest.fixture
def platform() -> Iterator[FaultyPlatform]:
    with FaultyPlatform() as server:
        yield server


@pytest.fixture
def maker(platform: FaultyPlatform, journal: Journal) -> DebitMaker:
    return DebitMaker(platform, journal)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_side(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


class CommandLine:
    """The command line at one platform, with a journal that is ready."""

    def __init__(self, platform: FaultyPlatform, loyalty: Run, journal: Path) -> None:
        self.platform = platform
        self.loyalty = loyalty
        self.place = journal
        self.config = journal.with_name("config.yaml")

    def debit(
        self, *more: str, customer: str = "C-1", amount: int = 50, reference: str = "r-1"
    ) -> Outcome:
        asked = ("debit", customer, str(amount), "--reference", reference, "--yes", "-o", "json")
        return self.loyalty(*asked, *more)

    def debit_file(
        self, *rows: str, columns: str = "customer,amount,reference", how: str = "--yes"
    ) -> Outcome:
        file = self.place.with_name("rows.csv")
        file.write_text("\n".join((columns, *rows, "")))
        return self.loyalty("debit", "--from", str(file), how, "-o", "json")

    def reconcile(self) -> Outcome:
        return self.loyalty("journal", "reconcile", "-o", "json")

    def configure(self, old: str, new: str) -> None:
        """Change the profile file."""
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    @cached_property
    def journal(self) -> Journal:
        return open_journal(str(self.place))

    def close(self) -> None:
        """Close the journal, if a test has looked into it."""
        if "journal" in self.__dict__:
            self.journal.close()

    def entry(self, reference: str = "r-1") -> Entry:
        (entry,) = self.journal.find(Filter(reference=reference))
        return entry

    def events(self, reference: str = "r-1") -> list[Event]:
        return self.journal.events(self.entry(reference).key)

    def sent_once(self) -> None:
        """One connection for the balance, one for the debit, and on that at most one request."""
        assert (self.platform.reads, self.platform.connections) == (1, 2)
        assert len(self.platform.posts) <= 1

    def stays_unknown(self, evidence: str = "") -> None:
        """The outcome is not known, is recorded so, and asking again sends nothing."""
        done = self.debit()

        assert done.code == 8, done
        record = done.record
        assert (record["state"], record["error"]["code"]) == ("unknown", "outcome_unknown")
        assert self.entry().state is State.UNKNOWN
        *_, last = self.events()
        assert (last.before, last.after) == (State.SENDING, State.UNKNOWN)
        assert evidence in last.why
        again = self.debit()
        assert (again.code, again.record["state"], again.record["replayed"]) == (8, "unknown", True)
        self.sent_once()
        assert SECRET not in f"{done}{again}{self.events()}"


CliWith = Callable[..., CommandLine]


@pytest.fixture
def folder(ca_bundle: Path, new_journal: Path) -> Path:
    """Where the journal is, and the authority of the platform's certificate."""
    shutil.copy(new_journal, ca_bundle.with_name("journal.db"))
    return ca_bundle.parent


@pytest.fixture
def cli_with(
    loyalty: Run,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    server_side: ssl.SSLContext,
    folder: Path,
) -> Iterator[CliWith]:
    """Make the command line at a platform of its own, over TLS or not."""
    for field in ("API_KEY", "SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_SHOP_{field}", SECRET)

    with ExitStack() as open_platforms:

        def opening(
            platform: Callable[..., FaultyPlatform] = FaultyPlatform,
            *,
            tls: bool = False,
            timeout: float = 20,
            rules: str = "",
            more: str = "",
        ) -> CommandLine:
            place = open_platforms.enter_context(platform(tls=server_side if tls else None))
            settings = "".join(f", {name}: {value}" for name, value in place.settings.items())
            profile_file(
                f"default_profile: shop\njournal: {folder}/journal.db\nprofiles:\n"
                f"  shop: {{provider: {place.provider}{settings}, base_url: '{place.url}',"
                f" timeout: {timeout}, ca_bundle: '{folder}/ca.pem',"
                f" debit: {{allow: true, unit: {place.unit}{rules}}}}}\n{more}"
            )
            cli = CommandLine(place, loyalty, folder / "journal.db")
            open_platforms.callback(cli.close)
            return cli

        yield opening


@pytest.fixture
def cli(cli_with: CliWith) -> CommandLine:
    return cli_with()
