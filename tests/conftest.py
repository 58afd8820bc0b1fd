"""What the tests share: the program, in the process and as one, and real servers on loopback."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

from loyalty_cli import cli
from loyalty_cli.credentials import redaction
from loyalty_cli.database.customer_data import CustomerData, Schema
from loyalty_cli.database.open import open_database
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.model.named_commands import begin_run
from loyalty_cli.output import stderr
from loyalty_cli.sandbox.server import Handle, Received, Reply, Server
from tests.fakes.postgresql import PostgreSQL, running_postgresql
from tests.installed_wheel import with_wheel_in

# A job in the background of a script ignores Ctrl-C, and so would every program started from it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# An example may take long on a machine that is busy; what must be quick has a test that says so.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

PROGRAM = Path(sys.executable).with_name("loyalty")
KEPT_VARIABLES = ("PATH", "PYTHONPATH", "TMPDIR", "CI", "LANG")


class Outcome(NamedTuple):
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> Any:
        """The JSON document on stdout, its numbers as Decimals with their own digits."""
        return json.loads(self.out, parse_float=Decimal, parse_int=Decimal)

    @property
    def record(self) -> Any:
        """The only record there is."""
        (record,) = self.records
        return record


Run = Callable[..., Outcome]
Serve = Callable[[Handle], str]


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home of its own, no keyring, and nothing of the caller's settings."""
    settings = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    home = tmp_path / "home"
    home.mkdir()
    settings |= {"HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    for name in os.environ.keys() - settings.keys():
        if name not in ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER"):
            monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(redaction, "_known", set())  # a run knows only its own secrets
    begin_run(sandbox=False)
    stderr.set_format([])
    stderr.set_quiet(False)
    return settings


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each retry follow at once, also where a request was refused as too much."""
    for module in ("retry", "rate_limit"):
        monkeypatch.setattr(f"loyalty_cli.network.{module}.FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgreSQL]:
    with running_postgresql() as server:
        yield server


@pytest.fixture
def own_place(server: PostgreSQL) -> Iterator[str]:
    """Room for tables at the server, by its name there."""
    name = server.place()
    yield name
    server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def customer_data(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[Schema], CustomerData]]:
    """Make a database of customer data: in a file, and in PostgreSQL."""
    where: str | Path = tmp_path / "people.db"
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        where = str(server.url(request.getfixturevalue("own_place")))
    with ExitStack() as stack:

        def make(schema: Schema) -> CustomerData:
            database = open_database(where, schema, create=True)
            assert database is not None
            return stack.enter_context(closing(database))

        yield make


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a handle on loopback until the test ends, and give the address."""
    with ExitStack() as servers:
        yield lambda handle: servers.enter_context(Server(handle)).url


@pytest.fixture
def answer(serve: Serve) -> Callable[[Any], str]:
    """Serve the same reply whatever is asked, and give the address."""

    def serving(reply: Reply | Any) -> str:
        always = reply if isinstance(reply, Reply) else Reply(body=reply)
        return serve(lambda _: always)

    return serving


@pytest.fixture
def received() -> list[Received]:
    """The requests that a test's own handle keeps here."""
    return []


@pytest.fixture
def profile_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a profile file, and let the program use it."""

    def write(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        path.chmod(0o600)
        monkeypatch.setenv("LOYALTY_CONFIG", str(path))
        return path

    return write


@pytest.fixture
def card(
    profile_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Write a file with one Imprint profile, `card`, at an address, its credential in place."""

    def write(url: str, more: str = "") -> Path:
        monkeypatch.setenv("LOYALTY_CARD_API_KEY", "secret-of-card")
        return profile_file(
            "default_profile: card\n"
            f"profiles:\n  card: {{provider: imprint, base_url: '{url}'{more}}}\n"
        )

    return write


@pytest.fixture
def loyalty(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run a command line inside this process, which is quick."""

    def run(*arguments: str) -> Outcome:
        capsysbinary.readouterr()
        code = cli.run(list(arguments))
        out, err = capsysbinary.readouterr()
        return Outcome(int(code), out.decode(), err.decode())

    return run


@pytest.fixture
def program() -> Run:
    """Run the installed program as a person's shell would: a process with pipes."""

    def run(
        *arguments: str,
        input: str | bytes | None = None,  # noqa: A002 - as subprocess has it
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Outcome:
        content = input.encode() if isinstance(input, str) else input
        options |= {"stdin": subprocess.DEVNULL} if content is None else {"input": content}
        options.setdefault("stdout", subprocess.PIPE)
        done = subprocess.run(
            [PROGRAM, *arguments],
            stderr=subprocess.PIPE,
            env=dict(os.environ if env is None else env),
            timeout=60,
            check=False,
            **options,
        )
        return Outcome(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def with_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel; its tests are of the group `wheel`."""
    return with_wheel_in(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def new_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal without debits, to be copied: to make one takes longer."""
    path = tmp_path_factory.mktemp("journal") / "new.db"
    open_journal(str(path), create=True).close()
    return path
