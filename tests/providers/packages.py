"""A provider in a package of its own, for tests: a module, and the metadata of an installer."""

import re
from collections.abc import Callable
from pathlib import Path

from loyalty_cli import providers

MODULE = "loyalty_kudos"
SOURCE = '''
from loyalty_cli.providers.contract import *

def sign(secrets, attempt):
    return {"X-Signature": secrets[attempt.path]}

def sign_posts(secrets, attempt):
    return {} if attempt.method == "GET" else {"X-Signature": secrets[attempt.path]}

class Base(%s):
    name = "kudos"
    title = "Kudos"
    pages = ("https://docs.kudos.example",)
    base_url = "https://api.kudos.example"
    auths = (Auth("bearer", ("api_token",), lambda secrets: bearer(secrets["api_token"])),)
    numbers = {"available": "points"}

    def request(self, query):
        return Request(("v1", query.customer))

    def normalize(self, body, query):
        points = Amount(body["points"])
        line = Balance(name="points", kind="points", unit="points", available=points)
        return Reading((line,), platform_customer=body["who"])

    def read_error(self, body):
        return None

class Kudos(Base):
    """Kudos."""

%s
'''

Install = Callable[..., None]


def unpack(
    folder: Path,
    change: str = "",
    *,
    entry: str = f"kudos = {MODULE}:Kudos",
    base: str = "Provider",
    without: str = "",
) -> None:
    """Write the package as an installer leaves it behind, with a change of the provider.

    Its class extends `base`, and lacks the line that begins with `without`.
    """
    source = SOURCE % (base, change)
    metadata = folder / f"{MODULE}-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: loyalty-kudos\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{providers.ENTRY_POINTS}]\n{entry}\n")
    (folder / f"{MODULE}.py").write_text(
        re.sub(rf"    {without} = .*\n", "", source) if without else source
    )
