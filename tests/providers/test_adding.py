"""ADDING.md: its example is a provider that works, built in and as a package of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

import tests
from loyalty_cli import providers
from loyalty_cli.providers.contract import Query
from loyalty_cli.sandbox import APIS
from loyalty_cli.sandbox.ledger import Ledger
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import Run
from tests.providers.conftest import Ask
from tests.providers.contract import Cases, digits, with_raw
from tests.providers.registry import missing_in_the_sandbox, missing_on_the_page

GUIDE = (Path(providers.__file__).parent / "ADDING.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)\n```$", GUIDE, re.MULTILINE | re.DOTALL)
MODULE = "loyalty_perks"
NOWHERE = "http://127.0.0.1:9"
HALF = (
    "from loyalty_cli.providers.contract import Provider\nclass Perks(Provider): name = 'perks'\n"
)
WALLET = b'{"coins": {"spendable": 12345678901234567890.500, "held": "3"}, "note": "Hurry."}'

See = Callable[[Path, str], Run]


def block(path: str) -> str:
    """The code of a file that the guide names."""
    found = re.search(rf"`{re.escape(path)}`\n\n```\w+\n(.*?)\n```", GUIDE, re.DOTALL)
    assert found
    return found[1] + "\n"


def markdown() -> str:
    (page,) = [text for language, text in BLOCKS if language == "markdown"]
    return str(page)


# Built in


@pytest.fixture
def perks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The guide's files as modules, and the provider in the registry."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / f"{MODULE}.py").write_text(block("loyalty_cli/providers/perks.py"))
    (folder / "perks_sandbox.py").write_text(block("loyalty_cli/sandbox/perks.py"))
    (folder / "perks_cases.py").write_text(block("tests/providers/test_perks.py"))
    monkeypatch.syspath_prepend(folder)
    for name in (MODULE, "perks_sandbox", "perks_cases"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(providers.BUILT_IN, "perks", f"{MODULE}:Perks")
    return "perks"


@pytest.fixture
def cases(perks: str) -> Cases:
    assert perks
    found: Cases = import_module("perks_cases").CASES
    return found


def test_the_example_does_what_its_page_says(ask: Ask, cases: Cases) -> None:
    platform = ask(cases)
    record = platform.reads("-O", "show=all")

    assert record["balances"] == cases.full_balances()
    assert record["warnings"] == cases.warnings
    assert platform.received[0].query == {"show": "all"}
    assert platform.received[0].path == ("v1", "members", "C-1001", "wallet")
    for reply, exit_code in ((cases.not_found, 5), (cases.refused, 4), (cases.throttled, 7)):
        assert platform.replies(reply).tells().exit_code == exit_code
    assert platform.replies(Reply(420, b"")).tells().exit_code == 7
    assert len(platform.received) == 3
    for raw in ("true", '"NaN"', "null", "[]"):
        wrong = with_raw(cases.answer, {"coins.spendable": raw})
        assert platform.replies(wrong).tells().exit_code == 7
    assert set(cases.options) == {option.name for option in platform.provider.options}
    assert set(cases.signs_in) == {auth.name for auth in platform.provider.auths}


def test_the_example_holds_all_of_the_contract(cases: Cases, tmp_path: Path) -> None:
    assert cases.provider == "perks"
    script = f"""if True:
        import sys, pytest
        from loyalty_cli import providers
        sys.path.insert(0, {str(tmp_path / "modules")!r})
        providers.BUILT_IN = {{"perks": "{MODULE}:Perks"}}
        import perks_cases
        sys.modules["tests.providers.test_perks"] = perks_cases
        contract = "tests/providers/test_contract.py"
        sys.exit(pytest.main(["-n0", "-q", "-p", "no:cacheprovider", contract]))
    """

    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(tests.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"\b1[0-9][0-9] passed", done.stdout)


def test_the_examples_own_test_says_what_is_so(ask: Ask, cases: Cases) -> None:
    (code,) = [text for language, text in BLOCKS if "def test_a_note" in text]
    module = import_module("perks_cases")
    exec(compile(code, "ADDING.md", "exec"), vars(module))

    module.test_a_note_becomes_a_warning(ask(cases))


def test_the_examples_sandbox_speaks_the_examples_language(perks: str, tmp_path: Path) -> None:
    api = import_module("perks_sandbox").API
    provider = providers.load(perks)
    ledger = Ledger(tmp_path / "sandbox.db")
    headers = {
        name.lower(): value for name, value in provider.auths[0].headers(api.credentials).items()
    }

    def asked(customer: str, sent: Mapping[str, str] = headers) -> Reply:
        request = provider.request(Query(customer))
        reply: Reply = api.handle(Received("GET", "/", request.path, headers=sent), ledger)
        return reply

    good = asked("C-1001")
    reading = provider.normalize(good.body, Query("C-1001"))
    assert (good.status, str(reading.balances[0].available)) == (200, "12.50")
    for customer, status in (("C-9", 404), ("E-404", 404), ("E-401", 401), ("E-429", 429)):
        reply = asked(customer)
        assert reply.status == status
        assert provider.read_error(reply.body)
    assert asked("C-1001", {}).status == 401
    assert (
        api.handle(Received("POST", "/", ("v1", "members", "C-1", "wallet")), ledger).status == 405
    )
    assert api.handle(Received("GET", "/", ("nowhere",)), ledger).status == 404
    assert list(missing_in_the_sandbox(provider, {**APIS, perks: api})) == []


def test_the_examples_section_names_every_fact(perks: str) -> None:
    assert list(missing_on_the_page(providers.load(perks), markdown())) == []


def test_the_registry_line_is_the_one_that_works(perks: str) -> None:
    assert f'    "{perks}": "loyalty_cli.providers.perks:Perks",' in GUIDE
    assert (
        '    "gameball": "loyalty_cli.providers.gameball:Gameball",'
        in Path(str(providers.__file__)).read_text()
    )


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_a_link_leads_somewhere(target: str) -> None:
    assert (Path(providers.__file__).parent / target).exists()


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


def test_the_example_works_as_a_package_that_is_really_installed(
    installed: See,
    answer: Callable[[Reply], str],
    tmp_path: Path,
) -> None:
    source, target = tmp_path / "loyalty-perks", tmp_path / "packages"
    source.mkdir()
    (source / f"{MODULE}.py").write_text(block("loyalty_cli/providers/perks.py"))
    (source / "pyproject.toml").write_text(block("pyproject.toml"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir"]
    done = subprocess.run(
        [*pip, *offline, "--target", target, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    run = installed(target, answer(Reply(body=WALLET)))

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
    assert record["warnings"] == ["Hurry."]


def test_a_package_that_fails_on_import_is_one_clear_error(installed: See, tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "packages", "raise RuntimeError('no licence')\n")
    run = installed(folder, NOWHERE)

    for command in (["providers", "perks"], ["balance", "M-1", "-p", "main"]):
        done = run(*command)
        assert (done.code, done.out) == (3, "")
        first, *hint = done.err.splitlines()
        assert "the provider 'perks' of the package loyalty-perks does not load" in first
        assert "RuntimeError('no licence')" in first
        assert hint == ["Hint: Update or remove that package."]


def test_a_package_that_fails_on_import_leaves_the_others_alone(
    installed: See,
    answer: Callable[[object], str],
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("LOYALTY_CARD_API_KEY", "imprint-s3cret")
    url = answer({"reward_balance": 5, "reward_symbol": "points"})
    run = installed(unpacked(tmp_path / "packages", "raise RuntimeError\n"), url)
    profile = {"provider": "imprint", "base_url": url}
    profile_file(json.dumps({"default_profile": "card", "profiles": {"card": profile}}))

    done = run("balance", "C-1", "-o", "json")

    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("entry", "source", "words"),
    [
        (f"perks = {MODULE}:Nothing", "", "does not load"),
        ("perks = nowhere_at_all:Perks", "", "does not load"),
        (f"perks = {MODULE}:Perks", "class Perks: pass\n", "is not a loyalty_cli Provider"),
        (
            f"perks = {MODULE}:Perks",
            HALF,
            "does not load",
        ),
    ],
    ids=["no such class", "no such module", "not a provider", "half a provider"],
)
def test_an_entry_point_that_leads_to_no_provider_is_one_clear_error(
    installed: See,
    tmp_path: Path,
    entry: str,
    source: str,
    words: str,
) -> None:
    run = installed(unpacked(tmp_path / "packages", source, entry), NOWHERE)

    done = run("balance", "M-1", "-p", "main")

    assert (done.code, done.out) == (3, "")
    assert words in done.err.splitlines()[0]
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("customers", [["M-1"], ["M-1", "M-2"]], ids=["one", "two"])
@pytest.mark.parametrize("where", ["request", "normalize", "read_error"])
def test_a_defect_of_a_provider_is_two_lines_and_no_traceback(
    installed: See,
    answer: Callable[[Reply], str],
    tmp_path: Path,
    where: str,
    customers: list[str],
) -> None:
    source = block("loyalty_cli/providers/perks.py")
    defective, count = re.subn(
        rf'(    def {where}\(.*?\n        """.*?"""\n)', r"\1        1 / 0\n", source
    )
    assert count == 1
    folder = unpacked(tmp_path / "packages", defective)
    run = installed(folder, answer(Reply(body=WALLET)))

    done = run("balance", *customers, "-p", "main", "-o", "json")

    assert (done.code, done.out) == (1, "")
    first, second = done.err.splitlines()
    assert first.startswith("Error: loyalty ")
    assert f"has a defect: ZeroDivisionError in {MODULE}.py, line " in first
    assert second.startswith("Hint: ")
    assert "Traceback" not in done.err


def test_a_built_in_provider_comes_before_a_package_of_the_same_name(
    installed: See, tmp_path: Path
) -> None:
    source = block("loyalty_cli/providers/perks.py")
    folder = unpacked(tmp_path / "packages", source, f"imprint = {MODULE}:Perks")

    done = installed(folder, NOWHERE)("providers", "-o", "json")

    assert [each["provider"] for each in done.records] == list(providers.BUILT_IN)
