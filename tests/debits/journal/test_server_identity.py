"""A journal's server on another machine: whether it has proven its identity."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.model.errors import ErrorCode
from tests.conftest import Run
from tests.debits.journal.conftest import Open, refused
from tests.fakes.postgresql import OWNER, PostgreSQL, prepared_server
from tests.fakes.servers import unused_port
from tests.requires import NOBODY, own_address


class Remote(NamedTuple):
    """A server as another machine would reach it, its certificate's authority, and its folder."""

    url: str
    authority: Path
    folder: Path


@pytest.fixture(scope="module")
def remote(template: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    address, port = own_address(), str(unused_port())
    authority = trustme.CA()
    certificate = authority.issue_cert(address)
    trusted = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with prepared_server(template) as server:
        folder = server.folder
        cert, key = folder / "cert.pem", folder / "key.pem"
        certificate.cert_chain_pems[0].write_to_path(str(cert))
        certificate.private_key_pem.write_to_path(str(key))
        key.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(key, NOBODY, NOBODY)
        files = {"ssl_cert_file": str(cert), "ssl_key_file": str(key)}
        server.start(listen_addresses=f"127.0.0.1,{address}", port=port, ssl="on", **files)
        yield Remote(f"postgresql://{OWNER}@{address}:{port}/postgres", trusted, folder)


def test_a_server_that_has_not_proven_its_identity_is_warned_of_once_a_run(
    remote: Remote, profile_file: Callable[[str], Path], loyalty: Run
) -> None:
    profile_file(f"profiles: {{card: {{provider: imprint}}}}\njournal: {remote.url}\n")
    open_journal(remote.url, create=True).close()

    done = loyalty("journal", "list")

    assert done.code == 0
    assert done.err.count("Warning: ") == 1
    assert "has not proven its identity (sslmode=prefer)" in done.err
    assert "sslmode=verify-full" in done.err


def test_a_server_that_has_proven_its_identity_brings_no_warning(
    remote: Remote, open_it: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("verify-full", "verify-ca"):
        url = f"{remote.url}?sslmode={mode}&sslrootcert={remote.authority}"
        assert open_it(url, create=True).database.warnings == ()

    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", str(remote.authority))
    assert open_it(remote.url, create=True).database.warnings == ()


def test_a_server_with_the_certificate_of_another_is_refused(
    remote: Remote, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    url = f"{remote.url}?sslmode=verify-full&sslrootcert={tmp_path}/other.pem"

    said = refused(url, code=ErrorCode.UNREACHABLE)

    assert "certificate verify failed" in said
    assert "sslrootcert" in said


@pytest.mark.parametrize("mode", ["disable", "require"])
def test_a_connection_that_is_at_most_encrypted_brings_a_warning(
    remote: Remote, open_it: Open, mode: str
) -> None:
    (warning,) = open_it(f"{remote.url}?sslmode={mode}", create=True).database.warnings

    assert f"(sslmode={mode})" in warning


def test_a_server_on_this_machine_need_not_prove_its_identity(
    remote: Remote, open_it: Open
) -> None:
    port_and_database = remote.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", str(remote.folder).replace("/", "%2F")):
        journal = open_it(f"postgresql://{OWNER}@{host}:{port_and_database}", create=True)
        assert journal.database.warnings == ()
