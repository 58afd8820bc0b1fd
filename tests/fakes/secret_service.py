"""A private D-Bus session with a GNOME keyring of its own: nothing of the machine's is touched."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from tests.requires import needs

NAME = "org.freedesktop.secrets"
PROMPTER = "org.gnome.keyring.SystemPrompter"
PASSWORD = "the password of the keyring itself"
PATIENCE = 20.0
POLL_SECONDS = 0.02

# A service folder of its own: nothing of the machine's is started, above all no second keyring.
BUS = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus</listen>
  <servicedir>{folder}/services</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class SecretService:
    """A running Secret Service, and the environment in which a program finds it."""

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        self.address = address
        self.environment = environment

    def store(self, service: str, user: str, secret: str) -> None:
        """Keep a secret in an earlier run."""
        names = {"service": service, "username": user, "application": "Python keyring library"}
        with self._collection() as collection:
            collection.create_item(user, names, secret.encode())

    def lock(self) -> None:
        """Lock the default collection, as a screen lock may."""
        with self._collection() as collection:
            collection.lock()
            assert collection.is_locked()

    @contextmanager
    def prompter_that_nobody_sees(self) -> Iterator[None]:
        """Take the place of the dialogue that asks for the password, and never answer."""
        from jeepney import message_bus  # type: ignore[import-untyped] # it has none
        from jeepney.io.blocking import Proxy  # type: ignore[import-untyped] # nor here

        with _connected(self.address) as connection:
            Proxy(message_bus, connection).RequestName(PROMPTER)
            yield

    def entries(self) -> dict[tuple[str, str], str]:
        """Every secret there is, by service and user name."""
        found = {}
        with self._collection() as collection:
            for item in collection.get_all_items():
                names = item.get_attributes()
                found[names["service"], names["username"]] = item.get_secret().decode()
        return found

    @contextmanager
    def _collection(self) -> Iterator[Any]:
        import secretstorage

        with _connected(self.address) as connection:
            yield secretstorage.get_default_collection(connection)


@contextmanager
def running_secret_service(
    folder: Path, environment: Mapping[str, str], *, prompter: str | None = None
) -> Iterator[SecretService]:
    """Run a bus and an unlocked keyring in `folder`; its path must be short, for sockets.

    `prompter` is the program that the bus starts to ask for the keyring's password.
    """
    needs("dbus-daemon", "gnome-keyring-daemon")
    services = folder / "services"
    services.mkdir()
    if prompter:
        lines = ("[D-BUS Service]", f"Name={PROMPTER}", f"Exec={prompter}", "")
        (services / "prompter.service").write_text("\n".join(lines))
    with ExitStack() as started:
        address = _start_bus(folder, environment, started)
        private = {
            **environment,
            "DBUS_SESSION_BUS_ADDRESS": address,
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_DATA_HOME": str(folder / "data"),
        }
        _start_keyring(folder, private, started)
        _wait_for_service(address)
        _wait_for_collection(address)
        backend = "keyring.backends.SecretService.Keyring"
        yield SecretService(address, {**private, "PYTHON_KEYRING_BACKEND": backend})


def _connected(address: str) -> "closing[Any]":
    from jeepney.io.blocking import open_dbus_connection

    return closing(open_dbus_connection(bus=address))


def _start_bus(folder: Path, environment: Mapping[str, str], started: ExitStack) -> str:
    settings = folder / "bus.conf"
    settings.write_text(BUS.format(folder=folder).lstrip())
    bus = _start(
        ["dbus-daemon", f"--config-file={settings}", "--nofork", "--print-address=1"],
        environment,
        started,
    )
    assert bus.stdout is not None
    address = bus.stdout.readline().decode().strip()
    assert address, "the bus did not start"
    return address


def _start_keyring(folder: Path, environment: Mapping[str, str], started: ExitStack) -> None:
    control = f"--control-directory={folder / 'control'}"
    options = ("--foreground", "--unlock", "--components=secrets", control)
    daemon = _start(["gnome-keyring-daemon", *options], environment, started)
    assert daemon.stdin is not None
    daemon.stdin.write(PASSWORD.encode())
    daemon.stdin.close()


def _start(
    command: list[str], environment: Mapping[str, str], started: ExitStack
) -> subprocess.Popen[bytes]:
    process = started.enter_context(
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
        )
    )
    started.callback(process.terminate)
    return process


def _wait_for_collection(address: str) -> None:
    """Wait until the default collection is there: the daemon takes its name before, and tells none.

    To ask for it earlier would open a prompt to make another one.
    """
    from secretstorage.collection import Collection
    from secretstorage.exceptions import ItemNotFoundException

    end = time.monotonic() + PATIENCE
    with _connected(address) as connection:
        while True:
            try:
                Collection(connection)
            except ItemNotFoundException:
                assert time.monotonic() < end, "the keyring has no collection"
                time.sleep(POLL_SECONDS)
            else:
                return


def _wait_for_service(address: str) -> None:
    from jeepney import MatchRule, message_bus
    from jeepney.io.blocking import Proxy

    with _connected(address) as connection:
        bus = Proxy(message_bus, connection)
        rule = MatchRule(
            type="signal",
            interface=message_bus.interface,
            member="NameOwnerChanged",
            path=message_bus.object_path,
        )
        rule.add_arg_condition(0, NAME)
        with connection.filter(rule) as signals:
            bus.AddMatch(rule)
            if not bus.NameHasOwner(NAME)[0]:
                connection.recv_until_filtered(signals, timeout=PATIENCE)
