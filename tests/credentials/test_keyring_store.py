"""The system keyring: what it answers, and all the ways in which it does not."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from keyring.backends import SecretService, chainer, fail, null
from keyring.errors import InitError, KeyringLocked
from keyrings.alt.file import PlaintextKeyring  # type: ignore[import-untyped] # it has none

from loyalty_cli.credentials import keyring_store
from loyalty_cli.credentials.keyring_store import (
    KeyringError,
    KeyringStore,
    NoKeyringError,
    service,
)
from tests.conftest import Run
from tests.fakes import backends

CARD = service("card")


@pytest.fixture
def blocking(monkeypatch: pytest.MonkeyPatch) -> Iterator[backends.Blocking]:
    """A keyring that waits for ever, and little patience with it."""
    monkeypatch.setattr(keyring_store, "TIMEOUT_SECONDS", 0.05)
    backend = backends.use(monkeypatch, backends.Blocking())
    yield backend
    backend.released.set()


def why(store: KeyringStore) -> str:
    with pytest.raises(KeyringError) as caught:
        store.get(CARD, "api_key")
    return str(caught.value)


@pytest.mark.usefixtures("memory")
def test_a_stored_credential_is_read_and_removed() -> None:
    store = KeyringStore()

    store.set(CARD, "api_key", "hunter2")

    assert store.get(CARD, "api_key") == "hunter2"
    assert store.get(CARD, "other") is None
    assert store.delete(CARD, "api_key")
    assert not store.delete(CARD, "api_key")
    assert store.get(CARD, "api_key") is None
    assert store.backend_name() == "backends Memory"


def test_a_missing_keyring_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    backends.use(monkeypatch, fail.Keyring())  # type: ignore[no-untyped-call] # keyring's

    with pytest.raises(NoKeyringError, match="no keyring on this system"):
        KeyringStore().get(CARD, "api_key")


def test_a_keyring_that_keeps_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    backends.use(monkeypatch, null.Keyring())  # type: ignore[no-untyped-call] # keyring's
    store = KeyringStore()

    with pytest.raises(KeyringError, match=r"\(null Keyring\) did not keep what was stored"):
        store.set(CARD, "api_key", "hunter2")
    assert store.get(CARD, "api_key") is None
    assert not store.delete(CARD, "api_key")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InitError("no door"), "InitError: no door"),
        (ValueError(), "ValueError: no reason given"),
        (RuntimeError("two\n  lines"), "RuntimeError: two lines"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=repr,
)
def test_any_exception_of_a_keyring_is_told_with_its_name(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    backends.use(monkeypatch, backends.Raising(error))
    store = KeyringStore()

    assert why(store) == f"the keyring (backends Raising) failed: {said}"
    assert why(store) == f"the keyring (backends Raising) failed: {said}"  # and asked again


def test_a_keyring_error_that_repeats_the_secret_is_told_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backends.use(monkeypatch, backends.Talkative())

    with pytest.raises(KeyringError) as caught:
        KeyringStore().set(CARD, "api_key", "hunter2")

    assert str(caught.value).endswith("ValueError: loyalty-cli/card api_key … is too long")


def test_a_keyring_that_waits_for_ever_is_given_up_and_not_asked_again(
    blocking: backends.Blocking,
) -> None:
    store = KeyringStore()
    said = why(store)
    assert "the keyring (backends Blocking) did not answer within" in said
    assert "waiting for a prompt" in said

    began = time.monotonic()
    for _ in range(100):
        assert why(store) == said
    with pytest.raises(KeyringError):
        store.backend_name()

    assert time.monotonic() - began < 100 * keyring_store.TIMEOUT_SECONDS
    assert blocking.asked == 1


def test_a_keyring_that_stays_locked_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    locked = backends.use(monkeypatch, backends.Raising(KeyringLocked("the door is shut")))
    store = KeyringStore()
    said = why(store)
    assert said.startswith("the keyring (backends Raising) was not unlocked: its prompt was")

    locked.error = AssertionError("it was asked again")

    assert why(store) == said


class Told:
    """What a person was told, and an event for each time."""

    def __init__(self) -> None:
        self.sentences = Queue[str]()
        self.is_over = False

    @contextmanager
    def __call__(self, sentence: str) -> Iterator[None]:
        self.sentences.put(sentence)
        yield
        self.is_over = True


def test_a_person_has_as_long_as_it_takes_to_unlock_the_keyring_for_everybody(
    monkeypatch: pytest.MonkeyPatch, blocking: backends.Blocking
) -> None:
    monkeypatch.setattr(keyring_store, "SILENCE_SECONDS", 0.01)
    blocking.entries[CARD, "api_key"] = "hunter2"
    told = Told()
    store = KeyringStore(told)

    with ThreadPoolExecutor(7) as threads:
        asked = [threads.submit(store.get, CARD, "api_key") for _ in range(7)]
        sentence = told.sentences.get()
        done, _ = wait(asked, 4 * keyring_store.TIMEOUT_SECONDS)
        assert (len(done), blocking.asked, told.is_over) == (0, 1, False)
        blocking.released.set()

    assert [each.result() for each in asked] == ["hunter2"] * 7
    assert sentence.startswith("The keyring (backends Blocking) does not answer: it may be asking")
    assert (told.sentences.empty(), told.is_over) == (True, True)


@pytest.mark.usefixtures("memory")
def test_a_person_is_told_nothing_of_a_keyring_that_answers() -> None:
    told = Told()

    assert KeyringStore(told).get(CARD, "api_key") is None

    assert told.sentences.empty()


def test_a_bus_that_says_nothing_is_given_up_though_there_is_a_person(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.setattr(keyring_store, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(keyring_store, "SILENCE_SECONDS", 0.01)
    backends.use(monkeypatch, SecretService.Keyring())  # type: ignore[no-untyped-call] # keyring's
    address = str(tmp_path_factory.mktemp("bus") / "silent")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={address}")
    told = Told()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        said = why(KeyringStore(told))

    assert "the keyring (SecretService Keyring) did not answer within" in said
    assert told.sentences.empty()


def test_a_keyring_that_does_not_encrypt_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_plaintext(backend: object) -> bool:
        monkeypatch.setattr("keyring.core._keyring_backend", backend)
        return KeyringStore().is_plaintext()

    class Chain(chainer.ChainerBackend):
        backends = (backends.Memory(), backends.PlaintextMemory())

    class PlaintextChain(chainer.ChainerBackend):
        backends = (backends.PlaintextMemory(), backends.Memory())

    assert is_plaintext(PlaintextKeyring())
    assert is_plaintext(backends.PlaintextMemory())
    assert is_plaintext(PlaintextChain())  # type: ignore[no-untyped-call] # keyring's
    assert not is_plaintext(Chain())  # type: ignore[no-untyped-call] # keyring's
    assert not is_plaintext(backends.Memory())


# What is wrong before there is a backend, in a process of its own: keyring finds one only once.


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("keyring.backends.SecretServce.Keyring", "ModuleNotFoundError"),
        ("keyring.backends.SecretService.Keyrng", "AttributeError"),
        ("nonsense", "ValueError"),
        ("exploding.Keyring", "ZeroDivisionError"),
        ("exiting.Keyring", "SystemExit"),
    ],
)
def test_a_keyring_backend_that_cannot_be_loaded_is_named_in_the_error(
    program: Run,
    environment: dict[str, str],
    profile_file: Callable[[str], Path],
    named: str,
    said: str,
) -> None:
    path = profile_file("profiles: {card: {provider: imprint}}\n")
    path.with_name("exploding.py").write_text("1 / 0\n")
    path.with_name("exiting.py").write_text("raise SystemExit(0)\n")
    env = {
        **environment,
        "LOYALTY_CONFIG": str(path),
        "PYTHON_KEYRING_BACKEND": named,
        "PYTHONPATH": str(path.parent),
    }

    done = program("balance", "C-1", "-p", "card", env=env)

    assert (done.code, done.out) == (4, "")
    assert f"the keyring ({named}) failed: {said}: " in done.err
    assert "entry loyalty-cli/card api_key" in done.err
    assert "LOYALTY_CARD_API_KEY" in done.err
    assert len(done.err.splitlines()) == 2
