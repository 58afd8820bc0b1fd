"""docs/bulk.md: its examples run, the parts are exactly the whole, and its sums are right."""

import csv
import gzip
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from os import environ, pathsep
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import pytest
import yaml

from loyalty_cli import providers
from loyalty_cli.balances import customer_list as lists
from loyalty_cli.balances import summary
from loyalty_cli.commands.balance import action as looking_up
from loyalty_cli.commands.balance import options as balance
from loyalty_cli.lists import parallel
from loyalty_cli.lists import rows as input_rows
from loyalty_cli.model import customer_id, tally
from loyalty_cli.model.exit_codes import ExitCode
from loyalty_cli.network import rate_limit as pace
from loyalty_cli.network import retry
from loyalty_cli.sandbox.server import Received, Reply
from tests.conftest import PROGRAM, Outcome, Run, Serve
from tests.documentation import pages
from tests.documentation.pages import blocks
from tests.fakes.systemd import verified
from tests.requires import needs

PAGE = pages.page("docs/bulk.md")
CUSTOMERS = ["0123", "83", *(f"C-{number}" for number in range(1001, 1047))]
MILLION = 1_000_000
SPELT = {3: "three", 6: "six", 10: "ten", 60: "a minute"}


def section(heading: str) -> str:
    """The page from a heading to the next one."""
    found = pages.section(PAGE, heading)
    assert found
    return found


def block(kind: str, heading: str) -> str:
    """The only block of a kind below a heading."""
    (found,) = blocks(section(heading), kind)
    return found


CONSOLE = blocks(PAGE, "console")
FIRST = CONSOLE[0]
IN_PARTS = [block("console", heading) for heading in ("With xargs", "With GNU parallel")]
JOINING = block("console", "Joining the parts")
FAILING = block("console", "What failed")
SPREADSHEETS = block("console", "The list")
OTHERS = [
    each for each in CONSOLE if each not in (FIRST, *IN_PARTS, JOINING, FAILING, SPREADSHEETS)
]


class DocumentedPlatforms:
    """Imprint and Gameball on loopback: who was asked about, and who is not found at first."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.missing_at_first: set[str] = set()
        self._lock = Lock()

    def handle(self, received: Received) -> Reply:
        is_imprint = received.path[0] == "v2"
        customer = received.path[2] if is_imprint else received.path[4]
        with self._lock:
            self.asked[customer] += 1
            if self.asked[customer] == 1 and customer in self.missing_at_first:
                return Reply(404, {"type": "CUSTOMER_NOT_FOUND_ERROR", "message": "no"})
        at = CUSTOMERS.index(customer)
        points = 5 ** (at % 7) + at if at % 6 else 0
        if is_imprint:
            balance = {"reward_balance": points, "reward_symbol": "points"}
            return Reply(body={"customer_id": customer, **balance})
        soon = datetime.now(UTC) + timedelta(days=10)
        expiring = {"nextExpiringPointsAmount": 5, "nextExpiringPointsDate": soon.isoformat()}
        return Reply(body={"availablePointsBalance": points, **(expiring if points % 3 else {})})


class Place(NamedTuple):
    """A folder with a list of customers, and the platform that is asked about them."""

    folder: Path
    platform: DocumentedPlatforms
    url: str

    def sh(self, script: str, env: Mapping[str, str] | None = None) -> Outcome:
        """Run a script in the folder, up to its first failure; `loyalty` is the program."""
        path = {"PATH": pathsep.join([str(PROGRAM.parent), environ["PATH"]])}
        done = subprocess.run(
            ["/bin/sh", "-euc", script],
            cwd=self.folder,
            env={**environ, **path} if env is None else {**path, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def moved(self, text: str) -> str:
        """Text with this folder in place of the root of a machine."""
        text = text.replace("/opt/loyalty/bin/loyalty", str(PROGRAM))
        for folder in ("/etc/loyalty", "/var/lib/loyalty"):
            text = text.replace(folder, f"{self.folder}{folder}")
        return text

    def records(self, name: str) -> list[Any]:
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def parts(self) -> list[list[str]]:
        """The customers in each part, in its order."""
        names = sorted(path.name for path in self.folder.glob("part-*.jsonl"))
        return [[each["customer"] for each in self.records(name)] for name in names]

    def config(self) -> str:
        return (
            "default_profile: card\n"
            "profiles:\n"
            f"  card: {{provider: imprint, base_url: '{self.url}'}}\n"
            f"  points: {{provider: gameball, base_url: '{self.url}'}}\n"
        )


@pytest.fixture
def place(
    tmp_path: Path,
    serve: Serve,
    profile_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Place:
    platform = DocumentedPlatforms()
    here = Place(tmp_path / "here", platform, serve(platform.handle))
    here.folder.mkdir()
    profile_file(here.config())
    for name in ("CARD_API_KEY", "POINTS_API_KEY", "POINTS_SECRET_KEY"):
        monkeypatch.setenv(f"LOYALTY_{name}", "made-up")
    write_list(here.folder)
    return here


def write_list(folder: Path) -> None:
    """A list as an export has it, and packed."""
    text = "".join(f"{row}\n" for row in ["customer,name", *(f"{each},x" for each in CUSTOMERS)])
    (folder / "customers.csv").write_text(text)
    (folder / "customers.csv.gz").write_bytes(gzip.compress(text.encode()))


def commands(example: str) -> str:
    """The lines of a block that are typed."""
    return "\n".join(re.findall(r"^\$ (.*)$", example, re.MULTILINE))


def needs_programs_of(script: str) -> None:
    """Skip the test where a script has a program that is not installed."""
    needs(*(program for program in ("jq", "parallel", "gzip") if program in script))


def assert_the_parts_are_the_whole(place: Place) -> None:
    parts = place.parts()
    everybody = Counter(customer for part in parts for customer in part)
    assert everybody == place.platform.asked == Counter(CUSTOMERS)
    assert [part for part in parts if part != sorted(part, key=CUSTOMERS.index)] == []
    assert len([part for part in parts if part]) > 2


@pytest.mark.parametrize("example", OTHERS, ids=lambda example: example.splitlines()[0][:60])
def test_an_example_of_the_bulk_page_prints_what_the_page_shows(place: Place, example: str) -> None:
    needs_programs_of(example)

    done = place.sh(commands(example))

    shown = re.sub(r"^\$ .*\n", "", example, flags=re.MULTILINE)
    assert (done.code, done.out) == (0, shown), done.err


def test_a_list_runs_into_a_file_and_through_a_pipe(place: Place) -> None:
    needs("gzip")

    done = place.sh(commands(FIRST))

    assert (done.code, done.out) == (0, ""), done.err
    assert [each["customer"] for each in place.records("balances.jsonl")] == CUSTOMERS
    with gzip.open(place.folder / "balances.csv.gz", "rt") as rows:
        assert [row["customer"] for row in csv.DictReader(rows)] == CUSTOMERS
    assert place.platform.asked == Counter(CUSTOMERS * 2)  # --resume had nothing to ask


@pytest.mark.parametrize("number", [0, 1], ids=["semicolons", "UTF-16"])
def test_a_list_of_a_spreadsheet_is_read_as_the_page_shows(place: Place, number: int) -> None:
    needs("iconv")
    rows = ["Name;Customer", *(f"Zo\u00eb;{each}" for each in CUSTOMERS)]
    text = "".join(f"{row}\r\n" for row in rows)
    (place.folder / "export.csv").write_bytes(text.encode("utf-8-sig"))
    (place.folder / "export.txt").write_bytes(text.replace(";", "\t").encode("utf-16"))

    done = place.sh(commands(SPREADSHEETS).splitlines()[number])

    assert done.code == 0, done.err
    assert place.platform.asked == Counter(CUSTOMERS)


@pytest.mark.parametrize("example", IN_PARTS, ids=["xargs", "GNU parallel"])
def test_the_parts_of_a_list_ask_for_each_customer_once_and_again_for_nobody(
    place: Place, example: str
) -> None:
    needs_programs_of(commands(example))

    done = place.sh(commands(example))

    assert (done.code, done.out) == (0, ""), done.err
    assert_the_parts_are_the_whole(place)
    parts = [(path, path.read_bytes()) for path in place.folder.glob("part-*")]
    again = place.sh(commands(example))
    assert again.code == 0, again.err
    assert place.platform.asked == Counter(CUSTOMERS)
    assert [(path, path.read_bytes()) for path in place.folder.glob("part-*")] == parts


def test_xargs_ends_with_123_where_a_customer_failed(place: Place) -> None:
    place.platform.missing_at_first = {"C-1003"}

    done = place.sh(commands(IN_PARTS[0]).splitlines()[0])

    assert done.code == 123
    assert "xargs ends with 123" in section("With xargs")


def test_the_joined_csv_parts_have_every_customer_once_and_one_header(place: Place) -> None:
    done = place.sh(commands(JOINING))

    assert (done.code, done.out) == (0, ""), done.err
    with (place.folder / "balances.csv").open(newline="") as rows:
        assert Counter(row["customer"] for row in csv.DictReader(rows)) == Counter(CUSTOMERS)


def test_customers_that_failed_are_asked_again_and_joined_to_the_rest(place: Place) -> None:
    needs("jq")
    place.platform.missing_at_first = {"0123", "C-1004"}

    done = place.sh(commands(FAILING))

    assert done.code == 0, done.err
    again = [each["customer"] for each in place.records("again.jsonl")]
    assert again == ["0123", "C-1004"]
    joined = place.records("balances.jsonl")
    assert Counter(each["customer"] for each in joined) == Counter(CUSTOMERS)
    assert [each for each in joined if each["error"]] == []


@pytest.mark.usefixtures("place")
def test_the_csv_on_the_page_says_who_is_asked_where(program: Run) -> None:
    rows = block("csv", "The list").replace("C-1001", CUSTOMERS[-1])

    done = program("balance", "--from", "-", "-o", "json", input=rows)

    asked = [(record["customer"], record["profile"]) for record in done.records]
    assert asked == [(CUSTOMERS[-1], "card"), ("0123", "points")]


# Every night


def test_the_line_for_cron_resumes_where_it_stopped(place: Place) -> None:
    variables, job = block("crontab", "Every night").rsplit("\n", 2)[:2]
    env = dict(re.findall(r"^([A-Z_]+)=(.*)$", place.moved(variables), re.MULTILINE))
    command = place.moved(job.split(maxsplit=5)[5].replace(r"\%", "%"))
    set_up_a_machine(place)
    env |= tonight(place)

    codes = [place.sh(command, env).code for _ in range(2)]

    assert codes == [0, 0]
    assert_tonight_is_written_once(place)


def test_the_service_for_systemd_resumes_where_it_stopped(place: Place) -> None:
    unit, _ = blocks(section("Every night"), "ini")
    env = dict(re.findall(r"^Environment=(.*?)=(.*)$", place.moved(unit), re.MULTILINE))
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    loaded = re.findall(r"^LoadCredential=(.*?):(.*)$", unit, re.MULTILINE)
    set_up_a_machine(place)
    for name, source in loaded:
        Path(place.moved(source)).rename(place.folder / name)
    env |= {"CREDENTIALS_DIRECTORY": str(place.folder), **tonight(place)}

    as_systemd_reads_it = place.moved(command).replace("$$", "$").replace("%%", "%")
    codes = [place.sh(as_systemd_reads_it, env).code for _ in range(2)]

    assert codes == [0, 0]
    assert_tonight_is_written_once(place)


def set_up_a_machine(place: Place) -> None:
    """The folders that the jobs find, with a profile file and credentials."""
    home, data = (Path(place.moved(folder)) for folder in ("/etc/loyalty", "/var/lib/loyalty"))
    (home / "credentials").mkdir(parents=True)
    data.mkdir(parents=True)
    write_list(data)
    config = home / "config.yaml"
    config.write_text(place.config().replace("default_profile: card", "default_profile: points"))
    config.chmod(0o600)
    for name in ("points.api_key", "points.secret_key"):
        (home / "credentials" / name).write_text("made-up\n")


def tonight(place: Place) -> Mapping[str, str]:
    """An environment in which it never becomes tomorrow."""
    date = place.folder / "bin" / "date"
    date.parent.mkdir()
    date.write_text("#!/bin/sh\necho 2026-11-20\n")
    date.chmod(0o755)
    return {"PATH": f"{date.parent}:/usr/bin:/bin"}


def assert_tonight_is_written_once(place: Place) -> None:
    records = place.records(place.moved("/var/lib/loyalty/balances-2026-11-20.jsonl"))
    assert [each["customer"] for each in records] == CUSTOMERS
    assert place.platform.asked == Counter(CUSTOMERS)


def test_systemd_finds_no_mistake_in_the_units_of_the_bulk_page(
    place: Place, tmp_path: Path
) -> None:
    needs("systemd-analyze")
    paths = []
    for unit in blocks(PAGE, "ini"):
        paths.append(tmp_path / unit.splitlines()[0].rpartition("/")[2])
        paths[-1].write_text(place.moved(unit))

    assert verified(paths) == (0, [])


# Kubernetes


class Cluster(NamedTuple):
    """What Kubernetes makes of the page's YAML for one pod, its volumes being folders."""

    place: Place
    job: Mapping[str, Any]
    volumes: Mapping[str, Path]

    @property
    def container(self) -> Mapping[str, Any]:
        (container,) = self.job["spec"]["template"]["spec"]["containers"]
        found: Mapping[str, Any] = container
        return found

    @property
    def indexes(self) -> range:
        return range(self.job["spec"]["completions"])

    def run(self, index: int) -> Outcome:
        """Run the container of an index, with the environment and the files that it is given."""
        given = {each["name"]: each["value"] for each in self.container["env"]}
        env = {**given, "JOB_COMPLETION_INDEX": str(index)}
        words = [*self.container["command"], *self.container["args"]]
        command = [self.mounted(_expanded(word, env)) for word in words]
        env = {name: self.mounted(value) for name, value in env.items()}
        return self.place.sh(f"exec {' '.join(command)}", {**env, "HOME": "/"})

    def mounted(self, text: str) -> str:
        """Text with the folders of the volumes in place of the paths they are mounted at."""
        for mount in self.container["volumeMounts"]:
            path = re.escape(mount["mountPath"])
            text = re.sub(rf"{path}(?=/|$)", str(self.volumes[mount["name"]]), text)
        return text


def _expanded(word: str, env: Mapping[str, str]) -> str:
    return re.sub(r"\$\((\w+)\)", lambda found: env[found[1]], word)


def publish(folder: Path, files: Mapping[str, str]) -> None:
    """Write files as a kubelet does: links to links."""
    (folder / "..2026").mkdir(parents=True)
    (folder / "..data").symlink_to("..2026")
    for name, content in files.items():
        (folder / "..2026" / name).write_text(content)
        (folder / name).symlink_to(f"..data/{name}")


@pytest.fixture
def cluster(place: Place, tmp_path: Path) -> Cluster:
    config, job = yaml.safe_load_all(block("yaml", "With Kubernetes"))
    (command,) = blocks(section("With Kubernetes"), "sh")
    secret = command.split()[4]
    keys = re.findall(r"--from-file=(\S+)", command)
    volumes: dict[str, Path] = {}
    for volume in job["spec"]["template"]["spec"]["volumes"]:
        folder = volumes[volume["name"]] = tmp_path / volume["name"]
        match volume:
            case {"configMap": {"name": name}}:
                assert name == config["metadata"]["name"]
                at = f"{{provider: imprint, base_url: '{place.url}'}}"
                publish(
                    folder,
                    {
                        key: text.replace("{provider: imprint}", at)
                        for key, text in config["data"].items()
                    },
                )
            case {"secret": {"secretName": name}}:
                assert name == secret
                publish(folder, dict.fromkeys(keys, "made-up\n"))
            case _:
                folder.mkdir()
                write_list(folder)
    return Cluster(place._replace(folder=volumes["data"]), job, volumes)


def test_the_pods_of_the_kubernetes_job_ask_for_each_customer_once(cluster: Cluster) -> None:
    codes = [cluster.run(index).code for index in cluster.indexes]

    assert codes == [0] * len(cluster.indexes)
    assert_the_parts_are_the_whole(cluster.place)
    assert len(cluster.place.parts()) == len(cluster.indexes)


def test_a_pod_is_started_again_only_after_a_code_where_that_may_help(cluster: Cluster) -> None:
    rules = cluster.job["spec"]["podFailurePolicy"]["rules"]
    codes = {rule["action"]: rule.get("onExitCodes", {}).get("values") for rule in rules}

    assert codes == {
        "Ignore": None,
        "FailJob": [ExitCode.USAGE, ExitCode.SETUP, ExitCode.CREDENTIAL],
        "FailIndex": [
            ExitCode.DEFECT,
            ExitCode.NOT_FOUND,
            ExitCode.REFUSED,
            ExitCode.SOME_FAILED,
        ],
    }


# The sums


def gameballs_rate() -> float:
    """Requests a second that Gameball's published limits come to."""
    return min(limit.requests / limit.seconds for limit in providers.load("gameball").read_limits)


def spoken(seconds: float) -> str:
    """A time in hours and minutes, to the nearest one."""
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def flat(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


def test_the_time_for_a_million_customers_at_gameballs_limit_is_right() -> None:
    rate = gameballs_rate()
    (limit,) = [
        each
        for each in providers.load("gameball").read_limits
        if each.requests / each.seconds == rate
    ]

    assert (
        f"Gameball's {limit.requests:,} requests in {limit.seconds:g} seconds are {rate:g} a"
        f" second, so a million customers take {MILLION / rate:,.0f} seconds:"
        f" {spoken(MILLION / rate)}."
    ) in flat(section("How long it takes"))


def test_the_time_for_a_million_customers_without_a_limit_is_right() -> None:
    rows = re.findall(
        r"^\| (\d+) ms \| (\d+) \| ([\d,]+) \| (.*) \|$",
        section("How long it takes"),
        re.MULTILINE,
    )

    assert len(rows) >= 3
    for milliseconds, jobs, rate, time in rows:
        each_second = int(jobs) / int(milliseconds) * 1000
        assert (rate, time) == (f"{each_second:,.0f}", spoken(MILLION / each_second))
        assert int(jobs) <= balance.MOST_JOBS


def test_the_rates_for_runs_that_share_an_account_are_right() -> None:
    rate = gameballs_rate()

    assert f"given `--rate {rate / 2:g}` each" in flat(section("When a second machine helps"))
    assert f"`--rate {rate / 4:g}` for four runs if {rate:g} requests a second are allowed" in flat(
        section("In parts")
    )
    assert f"{rate / 5:g} for {rate:g} requests a second with answers after 200 milliseconds." in (
        flat(section("Rate limits"))
    )


def test_the_limits_that_gameball_publishes_are_on_the_bulk_page() -> None:
    limits = [
        f"{limit.requests:,} {'requests ' if at == 0 else ''}in {limit.seconds:g} second"
        for at, limit in enumerate(providers.load("gameball").read_limits)
    ]

    assert f"Gameball's {' and '.join(limits)}s" in section("Rate limits")
    others = [name for name in providers.BUILT_IN if name != "gameball"]
    assert [name for name in others if providers.load(name).read_limits] == []


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("The list", f"a line of more than {input_rows.LONGEST_LINE:,} characters"),
        ("The list", f"of more than {customer_id.LONGEST_CUSTOMER:,} characters;"),
        ("The list", f"the column `{lists.COLUMNS.names[0]}`"),
        ("The output", f"the first {looking_up.MOST_SHOWN} look-ups"),
        ("The output", f"the first {SPELT[tally.MAX_REPORTED]} of them"),
        ("How a run ends", f"its {SPELT[retry.MAX_ATTEMPTS]} attempts"),
        ("Stop and resume", f"{parallel.MAX_PENDING:,} at the most"),
        ("Rate limits", f"at a time: {parallel.JOBS}, or up to {balance.MOST_JOBS}"),
        ("Rate limits", f"refused {SPELT[retry.BULK.attempts]} times"),
        ("Rate limits", f"more than {SPELT[int(retry.BULK.longest_wait_seconds)]} ends the run"),
        ("Rate limits", f"for {pace.FIRST_PAUSE_SECONDS:g} second, then 2, 4 and so on up to"),
        ("Rate limits", f"up to {pace.LONGEST_PAUSE_SECONDS:g}. After that"),
        ("A summary", f"120 in {summary.DAYS} days"),
    ],
)
def test_the_numbers_on_the_bulk_page_are_those_of_the_program(heading: str, words: str) -> None:
    assert words in flat(section(heading))
