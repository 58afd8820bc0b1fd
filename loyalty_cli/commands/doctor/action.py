"""Runs `loyalty doctor`: all checks, their report, and the file for others."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from loyalty_cli.commands.doctor.bundle import require_new, write_bundle
from loyalty_cli.commands.doctor.examined import Examined, examined
from loyalty_cli.commands.doctor.finding import Finding, exit_code
from loyalty_cli.commands.doctor.local_checks import (
    credentials,
    history,
    journal,
    keyring,
    people,
    profile_file,
)
from loyalty_cli.commands.doctor.platform_checks import certificates, platform, proxy
from loyalty_cli.commands.doctor.run_checks import Check, run_all
from loyalty_cli.commands.globals import Globals
from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.redaction import mask_all_known, without_secrets
from loyalty_cli.output import messages
from loyalty_cli.output.checks import CHECKS
from loyalty_cli.output.document import print_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.stdout import require_stdout

Find = Callable[[Examined], Iterable[Finding]]

HERE: Sequence[tuple[str, Find, float | None]] = (
    ("profile file", profile_file, 10.0),
    ("keyring", keyring, None),  # it has limits of its own, and a person may have to unlock it
    ("credentials", credentials, None),
    ("certificates", certificates, 10.0),
    ("proxy", proxy, 10.0),
    ("journal", journal, 10.0),
    ("people", people, 10.0),
    ("history", history, 10.0),
)
"""The checks of this machine, in the order of the report, and the seconds for each."""


def run(chosen: Globals, output: Format, bundle: Path | None) -> int:
    """Make all checks, print what they found, and return the exit code of the worst."""
    require_stdout()
    if bundle:
        require_new(bundle)
    with examined(chosen) as these:
        findings = _findings(these)
        records = [without_secrets(each.record, mask_all_known) for each in findings]
        if bundle:
            write_bundle(bundle, these, records)
            messages.note(f"{bundle} was written. Look at it before you send it to anybody.")
        print_records(records, output, CHECKS)
    return exit_code(findings)


def _findings(these: Examined) -> list[Finding]:
    here = [Check(name, partial(find, these), seconds) for name, find, seconds in HERE]
    return [*run_all(here), *run_all(_platforms(these))]


def _platforms(these: Examined) -> list[Check]:
    """A check of each address, which needs the credentials that were found before."""
    together: dict[object, list[Profile]] = {}
    for profile in these.profiles:
        together.setdefault((profile.base_url, profile.ca_bundle), []).append(profile)
    return [
        Check(f"base URL {each[0].base_url}", partial(platform, these, each), _seconds(each))
        for each in together.values()
    ]


def _seconds(profiles: Sequence[Profile]) -> float:
    """Time for the address, and for two look-ups and a token of each profile."""
    return profiles[0].timeout + sum(3 * profile.timeout for profile in profiles) + 5.0
