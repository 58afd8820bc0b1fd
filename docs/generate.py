"""Write the parts of the documentation that stand elsewhere already.

`commands.md` is the program's help, `balance.svg` a picture of what it prints, and the README has
the table of `exit-codes.md`; tests check all of them.
"""

import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from loyalty_cli.balances.lookup import BalanceReader, LookupTask
from loyalty_cli.cli import program
from loyalty_cli.commands.help.page import HelpPage, pages
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.network.http_client import HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.output.balances import BALANCES, ending
from loyalty_cli.output.table import draw
from loyalty_cli.sandbox.embedded import sandbox
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.profiles import SandboxCredentials, sandbox_profiles
from loyalty_cli.sandbox.server import Server

HERE = Path(__file__).parent
PROFILES = ("imprint", "gameball", "capillary", "omneo", "saasquatch")
PICTURED = "loyalty --sandbox balance C-1001 --all-profiles"
WIDTH = 80
NOW = datetime(2026, 11, 21, 13, 2, tzinfo=UTC)


def commands_page() -> str:
    """The help of every command, as Markdown."""
    return "# The commands\n" + "".join(map(_section, pages(program(), "loyalty")))


def _section(page: HelpPage) -> str:
    level = max(2, len(page.path.split()))
    blocks = [f"{'#' * level} `{page.path}`", *page.paragraphs, f"Usage: `{page.usage}`"]
    for heading, entries in {"Arguments": page.arguments, **page.commands, **page.options}.items():
        if entries:
            blocks.append(f"{heading}:")
            blocks.append("\n".join(f"- `{name}`: {text}" for name, text in entries))
    if page.examples:
        commands = "\n".join(f"$ {each.command}  # {each.what}" for each in page.examples)
        blocks.append(f"```console\n{commands}\n```")
    return "\n" + "\n\n".join(blocks) + "\n"


def picture() -> str:
    """What a terminal shows for PICTURED, as SVG."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "sandbox.db")
        with Server(sandbox(ledger)) as server:
            platforms = PlatformClient(
                HttpClient(), SandboxCredentials(), AccessTokens(KeyringStore())
            )
            profiles = sandbox_profiles(server.url)
            tasks = [LookupTask(profiles[name], "C-1001", {}) for name in PROFILES]
            records: list[Any] = [BalanceReader(platforms).look_up(task) for task in tasks]
    draw(console, BALANCES.table(records, ending(records)), now=NOW)
    return console.export_svg(title=PICTURED, unique_id="balance")


def readme() -> str:
    """The README, with the exit codes as their page has them."""
    page, old = ((HERE / name).read_text() for name in ("exit-codes.md", "../README.md"))
    table = re.compile(r"^\| exit code \| meaning \|\n(\|.*\n)+", re.MULTILINE)
    (codes,) = table.finditer(page)
    return table.sub(lambda _: codes[0], old)


def main() -> None:
    """Write all of them."""
    (HERE / "commands.md").write_text(commands_page())
    (HERE.parent / "README.md").write_text(readme())
    (HERE / "balance.svg").write_text(picture())


if __name__ == "__main__":
    main()
