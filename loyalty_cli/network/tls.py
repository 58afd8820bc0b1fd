"""The trusted certificate authorities: from the first of these that is set.

The profile's `ca_bundle`; REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE; the system's store.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from loyalty_cli.model.errors import os_error_text, setup_error

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def bundle(ca_bundle: Path | None, environment: Mapping[str, str]) -> tuple[Path, str] | None:
    """The file or folder of certificates, and the setting that names it; None for the system's."""
    if ca_bundle:
        return ca_bundle, "the profile's ca_bundle"
    for variable in BUNDLE_VARIABLES:
        if named := environment.get(variable):
            return Path(named), variable
    return None


def trusted(ca_bundle: Path | None) -> ssl.SSLContext:
    """A TLS context that checks certificates; raise LoyaltyError for an unusable bundle."""
    chosen = bundle(ca_bundle, os.environ)
    if chosen is None:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    path, origin = chosen
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        elif path.exists() and not path.is_file():
            _refuse(path, origin, "it is neither a file nor a folder")  # a pipe would never end
        else:
            context.load_verify_locations(cafile=path)
    except OSError as error:
        holds_none = isinstance(error, ssl.SSLError)
        _refuse(path, origin, "it holds no certificate" if holds_none else os_error_text(error))
    return context


def _refuse(path: Path, origin: str, why: str) -> NoReturn:
    setup_error(
        f"the CA bundle {path} ({origin}) cannot be used: {why}.",
        "Name a readable PEM file, or remove the setting to use the system's certificates.",
    )
