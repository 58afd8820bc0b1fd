"""ADDING.md: its example is a provider that works, built in and as a package of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from loyalty_cli import providers
from loyalty_cli.providers import contract
from loyalty_cli.providers.contract import DebitProvider, Provider
from loyalty_cli.sandbox.server import Received, Reply, Server
from loyalty_cli.testing import Cases, DebitCases, Fails, Reads, Step, Told, WayCases
from tests.conftest import Run
from tests.documentation.pages import ROOT, blocks, page
from tests.providers.contract import digits, warned

GUIDE = page("loyalty_cli/providers/ADDING.md")
MODULE = "loyalty_perks"
NOWHERE = "http://127.0.0.1:9"
HALF = (
    "from loyalty_cli.providers.contract import Provider\nclass Perks(Provider): name = 'perks'\n"
)
DOES_NOT_LOAD = (
    "the provider 'perks' of the package loyalty-perks does not load: RuntimeError('no licence')"
)
WALLET = (
    b'{"member": "M/1", "coins": {"spendable": 12345678901234567890.500, "held": "3"},'
    b' "note": "Hurry."}'
)

See = Callable[[Path, str], Run]


def is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Struct)


def block(path: str) -> str:
    """The code of a file that the guide names."""
    found = re.search(rf"`{re.escape(path)}`\n\n```\w+\n(.*?)\n```", GUIDE, re.DOTALL)
    assert found
    return found[1] + "\n"


PROVIDER = block(f"{MODULE}.py")
TESTS = block(f"test_{MODULE}.py")


# Built in


QUICK_PART = [
    "tests/providers",
    "tests/sandbox",
    "tests/config/test_load.py",
    "tests/commands/test_providers.py",
    "tests/documentation/test_pages.py",
    "tests/network/test_answers.py",
    "tests/output/test_stdout.py::test_a_result_is_one_document_in_every_format_that_fits_the_schema",
    "tests/credentials/test_leaks.py::test_no_look_up_shows_a_secret",
    "tests/test_completion.py::test_tab_offers_what_fits_in_every_shell",
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of this project with the guide's provider in it, and nothing else."""
    copy = tmp_path / "tree"
    left_out = shutil.ignore_patterns(".*", "__pycache__", "proofs", "benchmarks")
    shutil.copytree(ROOT, copy, ignore=left_out)
    for path, source in {
        "loyalty_cli/providers/perks.py": PROVIDER,
        "loyalty_cli/sandbox/perks.py": block("loyalty_cli/sandbox/perks.py"),
        "tests/providers/test_perks.py": TESTS,
    }.items():
        (copy / path).write_text(source)
    with (copy / "docs/providers.md").open("a") as section:
        section.write("\n".join(["", *blocks(GUIDE, "markdown")]))
    registry = copy / "loyalty_cli/providers/__init__.py"
    (line,) = [text for text in blocks(GUIDE, "python") if text.startswith('    "perks"')]
    start, table, rest = registry.read_text().partition("BUILT_IN = {\n")
    registry.write_text(f"{start}{table}{rest.replace('}', line + '}', 1)}")
    return copy


@pytest.mark.timeout(600)  # it runs a part of the suite
def test_the_provider_of_the_guide_passes_the_tests_when_built_in(tree: Path) -> None:
    pytest_here = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider"]
    chosen = f"perks or not ({' or '.join(providers.BUILT_IN)} or test_adding)"
    done = subprocess.run(
        [*pytest_here, "-k", chosen, *QUICK_PART],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"\b[0-9]{3,} passed", done.stdout)


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_each_link_of_the_guide_leads_to_a_file(target: str) -> None:
    assert (Path(providers.__file__).parent / target).exists()


def fields_on_the_page(name: str) -> set[str]:
    """The fields in the rows of a type; a row without a type belongs to the one above."""
    return {
        field
        for row in re.findall(rf"^\| `{name}`(?:: [^|]*)? \|(.*)\|$", GUIDE, re.MULTILINE)
        for field in re.findall(r"`(\w+)`", row)
    }


@pytest.mark.parametrize("name", contract.__all__)
def test_each_name_of_the_contract_is_on_the_page(name: str) -> None:
    assert re.search(rf"`[^`\n]*\b{name}\b[^`\n]*`", GUIDE)


@pytest.mark.parametrize(
    "kind",
    [
        *(each for name in contract.__all__ if is_struct(each := getattr(contract, name))),
        *(Cases, DebitCases, WayCases, Step, Reads, Fails, Told),
    ],
    ids=lambda kind: kind.__name__,
)
def test_each_field_of_a_type_is_on_the_page(kind: Any) -> None:
    fields = kind.__struct_fields__ if is_struct(kind) else kind._fields

    assert set(fields) - fields_on_the_page(kind.__name__) == set()


@pytest.mark.parametrize(
    "name",
    sorted(
        {name for kind in (Provider, DebitProvider) for name in vars(kind) if name[0] != "_"}
        - {"auth", "way", "credential_fields", "profile_options"}  # the program calls these
    ),
)
def test_each_member_of_a_provider_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{name}\b", GUIDE)


# As a package of its own


@pytest.fixture
def installed(program: Run, tmp_path: Path, profile_file: Callable[[str], Path]) -> See:
    """Let the program see the packages of a folder, and give it a profile for one of them."""

    def see(folder: Path, url: str) -> Run:
        profile_file(f"profiles: {{main: {{provider: perks, base_url: '{url}'}}}}\n")
        env = {**os.environ, "PYTHONPATH": str(folder), "LOYALTY_MAIN_API_TOKEN": "perks-t0ken"}
        return partial(program, env=env, cwd=tmp_path)

    return see


def unpacked(folder: Path, source: str, entry: str = f"perks = {MODULE}:Perks") -> Path:
    """A package as an installer leaves it behind: a module, and its metadata."""
    metadata = folder / f"{MODULE}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: loyalty-perks\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{providers.ENTRY_POINTS}]\n{entry}\n")
    (folder / f"{MODULE}.py").write_text(source)
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The guide's package, installed into a folder by pip."""
    source, target = tmp_path / "loyalty-perks", tmp_path / "packages"
    source.mkdir()
    (source / f"{MODULE}.py").write_text(PROVIDER)
    (source / "pyproject.toml").write_text(block("pyproject.toml"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    done = subprocess.run(
        [*pip, *offline, "--target", target, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return target


def test_the_tests_of_the_guide_pass_where_its_package_is_installed(
    package: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "loyalty-perks"
    (folder / f"test_{MODULE}.py").write_text(TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"\b[0-9]{2} passed", done.stdout)
    assert "skipped" not in done.stdout


def test_the_provider_of_the_guide_works_as_an_installed_package(
    installed: See, answer: Callable[[Reply], str], package: Path
) -> None:
    run = installed(package, answer(Reply(body=WALLET)))

    listed = run("providers", "-o", "json")
    assert [each["provider"] for each in listed.records] == [*providers.BUILT_IN, "perks"]
    shown = run("providers", "perks")
    assert (shown.code, "coins.spendable" in shown.out) == (0, True)

    looked_up = run("balance", "M/1", "-p", "main", "-o", "json")
    assert (looked_up.code, looked_up.err) == (0, "")
    record = digits(looked_up)
    assert (record["provider"], record["customer"]) == ("perks", "M/1")
    (line,) = record["balances"]
    assert (line["available"], line["pending"]) == ("12345678901234567890.500", "3")
    assert record["warnings"] == warned("platform", "Hurry.")


def test_the_commands_of_the_guide_work_with_its_profile(
    installed: See, package: Path, profile_file: Callable[[str], Path]
) -> None:
    def perks(received: Received) -> Reply:
        match received.method, received.path:
            case "POST", _:
                return Reply(201, {"redemption": {"id": "R-9", "coins": 50, "reference": "r-1"}})
            case _, ("v1", "members"):
                return Reply(body={"members": [{"id": "M-7"}]})
            case _:
                return Reply(body={"member": "M-7", "coins": {"spendable": "62.50"}})

    (profile,) = blocks(GUIDE, "yaml")
    (commands,) = [text for text in blocks(GUIDE, "console") if "journal init" in text]
    with Server(perks) as server:
        run = installed(package, server.url)
        profile_file(profile.replace("http://127.0.0.1:8080", server.url))
        for line in re.findall(r"^\$ loyalty (.*)$", commands, re.MULTILINE):
            done = run(*line.split(), *(["--yes"] if line.startswith("debit ") else []))
            assert done.code == 0, (line, done.err)

    assert "confirmed" in done.out + done.err


@pytest.mark.parametrize(
    ("entry", "source", "words"),
    [
        (f"perks = {MODULE}:Perks", "raise RuntimeError('no licence')\n", DOES_NOT_LOAD),
        (f"perks = {MODULE}:Nothing", "", "does not load"),
        ("perks = nowhere_at_all:Perks", "", "does not load"),
        (f"perks = {MODULE}:Perks", "class Perks: pass\n", "is not a loyalty_cli Provider"),
        (f"perks = {MODULE}:Perks", HALF, "does not load"),
    ],
    ids=["fails on import", "no such class", "no such module", "not a provider", "half of one"],
)
def test_a_package_whose_provider_does_not_load_is_one_clear_error(
    installed: See, tmp_path: Path, entry: str, source: str, words: str
) -> None:
    run = installed(unpacked(tmp_path / "packages", source, entry), NOWHERE)

    done = run("balance", "M-1", "-p", "main")

    assert (done.code, done.out) == (3, "")
    error, hint = done.err.splitlines()
    assert words in error
    assert hint.startswith(("Hint: Update or remove", "Hint: The entry point must name"))
    # The other providers are as they were.
    assert run("providers", "imprint").code == 0


def test_a_built_in_provider_comes_before_a_package_of_the_same_name(
    installed: See, tmp_path: Path
) -> None:
    source = PROVIDER
    folder = unpacked(tmp_path / "packages", source, f"imprint = {MODULE}:Perks")

    done = installed(folder, NOWHERE)("providers", "-o", "json")

    assert [each["provider"] for each in done.records] == list(providers.BUILT_IN)
