"""The trusted certificate authorities: from the first of these that is set.

The profile's `ca_bundle`; REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE or SSL_CERT_FILE; the system's store.
"""

import os
import ssl
from pathlib import Path

from loyalty_cli.model.errors import os_error_text, setup_error

BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def bundle_of(ca_bundle: Path | None) -> tuple[Path, str] | None:
    """The CA bundle that is used, and what names it; None for the system's store."""
    bundles = {"the profile's ca_bundle": ca_bundle or ""}
    bundles |= {variable: os.environ.get(variable, "") for variable in BUNDLE_VARIABLES}
    origin = next(filter(bundles.get, bundles), None)
    return None if origin is None else (Path(bundles[origin]), origin)


def trusted(ca_bundle: Path | None) -> ssl.SSLContext:
    """A TLS context that checks certificates; raise LoyaltyError for an unusable bundle."""
    bundle = bundle_of(ca_bundle)
    if bundle is None:
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    path, origin = bundle
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    why = None
    try:
        if path.is_dir():
            context.load_verify_locations(capath=path)
        elif path.exists() and not path.is_file():
            why = "it is neither a file nor a folder"  # a pipe would never end
        else:
            context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        why = "it holds no certificate"
    except OSError as error:
        why = os_error_text(error)
    if why:
        setup_error(
            f"the CA bundle {path} ({origin}) cannot be used: {why}.",
            "Name a readable PEM file, or remove the setting to use the system's certificates.",
        )
    return context
