"""What `loyalty balance` does: look up what is asked for, and print or write what comes."""

from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.balances.lookup import BalanceReader
from loyalty_cli.balances.one_first import OneFirst
from loyalty_cli.balances.output_file import OutputFile, check_apart, open_output
from loyalty_cli.balances.read_back import ForeignError, read_back
from loyalty_cli.balances.resume import Encode, Record, Resumed, Task, resume
from loyalty_cli.balances.summary import Summary
from loyalty_cli.commands.balance.tasks import BalanceRequest, LookupTasks, checked, open_tasks
from loyalty_cli.commands.globals import Globals
from loyalty_cli.config.profile import check_rate
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.lists.parallel import map_in_order
from loyalty_cli.lists.stop import Stop
from loyalty_cli.model.errors import ASKED_TO_WAIT, ENDING, LoyaltyError, setup_error, usage_error
from loyalty_cli.model.exit_codes import exit_code_of, exit_code_of_signal
from loyalty_cli.model.records import Lookup
from loyalty_cli.model.tally import Tally
from loyalty_cli.network.http_client import CONNECTIONS, HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.rate_limit import RateLimits
from loyalty_cli.network.retry import BULK, INTERACTIVE
from loyalty_cli.output import balances as views
from loyalty_cli.output import messages
from loyalty_cli.output.document import View, layout, print_records, write_records
from loyalty_cli.output.format import Format
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import is_terminal
from loyalty_cli.output.summary import SUMMARY

MOST_SHOWN = 100
"""How many look-ups of a list a table shows."""


class RunOptions(Struct, frozen=True):
    """How the look-ups are made, and where they go."""

    jobs: int
    rate: str | None
    output: Format | None
    output_file: Path | None
    resume: bool
    summary: bool


def run(chosen: Globals, request: BalanceRequest, options: RunOptions) -> int:
    """Look up what is wished for; raise LoyaltyError where it cannot be asked or written."""
    output = _format(options)
    if options.resume and options.output_file is None:
        usage_error("--resume goes on with a file.", "Add --output-file FILE.")
    if options.summary and request.raw:
        usage_error("--summary needs balances, which --raw does not read.", "Leave one out.")
    rate = checked("--rate", check_rate, options.rate)
    if request.file is not None and options.output_file is not None:
        check_apart(options.output_file, request.file)
    is_list = request.file is not None
    with open_tasks(chosen, request) as (session, tasks):
        client = HttpClient(
            messages.trace if chosen.verbose else None,
            RateLimits(rate),
            BULK if is_list else INTERACTIVE,
            max(options.jobs, CONNECTIONS),
        )
        platforms = PlatformClient(client, session.credentials, AccessTokens(session.keyring))
        return Run(tasks, options, output, platforms, is_list=is_list, raw=request.raw).to_the_end()


def _format(options: RunOptions) -> Format:
    """The format asked for, or else the one that the output file's name ends with."""
    if options.output_file is None:
        return options.output or Format.TABLE
    output = options.output or next(
        (each for each in Format if options.output_file.suffix == f".{each}"), Format.TABLE
    )
    if output is Format.TABLE:
        why = (
            "a table is for reading; --output-file needs another format."
            if options.output
            else f"the format cannot be told from the name {options.output_file.name!r}."
        )
        usage_error(why, "Add -o jsonl, -o json or -o csv.")
    return output


class _NothingDoneError(Exception):
    """The run was stopped before there was anything to print."""


class Run:
    """One run of look-ups: of some customers, or of a list."""

    def __init__(
        self,
        tasks: LookupTasks,
        options: RunOptions,
        output: Format,
        platforms: PlatformClient,
        *,
        is_list: bool,
        raw: bool,
    ) -> None:
        self._tasks = tasks
        self._options = options
        self._output = output
        self._platforms = platforms
        self._is_list = is_list
        self._view: View[Any] = views.RAW if raw else views.BALANCES
        self._lookups = BalanceReader(platforms)
        self._one_first = OneFirst()
        self._stop = Stop()
        self._tally = Tally()
        self._summary = Summary(datetime.now(UTC)) if options.summary else None
        self._ended_by: Record | None = None
        self._mistake: LoyaltyError | None = None

    def to_the_end(self) -> int:
        """Make the run, say what failed, and give the exit code."""
        try:
            with suppress(_NothingDoneError), self._stop.on_signals(second_kills=True):
                if self._options.output_file is None:
                    self._print()
                else:
                    self._write(self._options.output_file)
        finally:
            if self._ended_by:
                self._tally.report(self._ended_by)
            views.report_failures(self._tally, several=self._tasks.total != 1)
            if self._summary:
                views.report_first_warning(self._tally)
        if self._mistake:
            raise self._mistake
        return self._exit_code()

    def _print(self) -> None:
        with closing(self._with_progress(self._records(self._tasks.make()))) as records:
            if self._summary:
                for _ in records:
                    pass
                print_records(self._summary.records(), self._output, SUMMARY)
            elif self._output is Format.TABLE:
                shown = list(islice(records, MOST_SHOWN if self._is_list else None))
                self._print_table(shown, records)
            else:
                print_records(_begun(records), self._output, self._view)

    def _print_table(self, shown: list[Record], others: Iterator[Record]) -> None:
        hidden = sum(1 for _ in others)
        print_records(shown, Format.TABLE, self._view)
        views.report_warnings(shown)
        if hidden:
            what = "failed" if all(record.error for record in shown) else "are shown"
            messages.note(
                f"The first {len(shown)} of {self._tally.done} look-ups {what};"
                " -o jsonl, json or csv has them all."
            )

    def _write(self, path: Path) -> None:
        with open_output(path, resume=self._options.resume) as file:
            into = layout(self._output, self._view)
            resumed = self._resumed(file, into.encode)
            with closing(self._with_progress(self._records(resumed.tasks()))) as records:
                texts = resumed.in_place(records, into.encode, self._sum_up)
                # The file keeps what it has until all of that can be written again, in one piece.
                first = list(islice(texts, len(resumed.again) or 1))
                file.keep(resumed.ends)
                texts = chain([into.between.join(first)] if first else [], texts)
                into = replace(into, encode=bytes)
                write_records(texts, into, file.write, is_begun=resumed.ends > 0)
        if self._summary:
            print_records(self._summary.records(), Format.TABLE, SUMMARY)

    def _resumed(self, file: OutputFile, encode: Encode) -> Resumed:
        if not file.size:
            return Resumed(0, (), self._tasks.make())
        with file.read() as there:
            found = read_back(there, self._output, self._view)
            try:
                resumed = resume(found, self._tasks.make(), self._output, encode, self._add)
            except ForeignError:
                self._tally = Tally()  # what is in there is none of ours to tell
                setup_error(
                    f"the output file {str(file.path)!r} does not hold the start of this run.",
                    "Nothing in it was changed. Name another one, or take it away.",
                )
        for record in resumed.kept:
            self._tally.add(record)
        return resumed

    def _records(self, tasks: Iterator[Task]) -> Generator[Record]:
        ends = self._ends if self._is_list else None
        try:
            with closing(
                map_in_order(self._do, tasks, self._options.jobs, self._stop, ends)
            ) as coming:
                for record in coming:
                    if record:
                        self._add(record)
                        yield record
        except LoyaltyError as mistake:
            if not self._tally.done:
                raise
            self._mistake = mistake  # and what was done before it is shown as ever
        if self._stop.signal and not self._tally.done:
            raise _NothingDoneError

    def _with_progress(self, records: Generator[Record]) -> Generator[Record]:
        if self._shows_records() or self._tasks.is_typed:
            return records  # with progress between them, or between what is typed
        total = self._tasks.total
        left = None if total is None else total - self._tally.done
        return progress(records, left, lambda record: record.error is not None)

    def _shows_records(self) -> bool:
        """Whether records go to a terminal, each as it comes."""
        is_whole = self._output is Format.TABLE or self._summary is not None
        return self._options.output_file is None and not is_whole and is_terminal()

    def _do(self, task: Task) -> Record | None:
        if task is None:
            return None
        if not self._is_list:
            return self._lookups.look_up(task)
        with self._one_first.enter(task.profile.name):
            if self._ended_by:  # by the one that went ahead
                return None
            record = self._lookups.look_up(task)
            self._ends(record)
            return record

    def _add(self, record: Record) -> None:
        self._tally.add(record)
        self._sum_up(record)

    def _sum_up(self, record: Record) -> None:
        if self._summary and isinstance(record, Lookup):
            self._summary.add(record)

    def _ends(self, record: Record | None) -> bool:
        """Whether all that follow would fail as this one did."""
        error = record.error if record else None
        if record is None or error is None:
            return False
        rate_limits = self._platforms.rate_limits
        closed = error.code in ASKED_TO_WAIT and rate_limits.is_closed(record.profile)
        if closed or error.code in ENDING:
            self._ended_by = self._ended_by or record
        return self._ended_by is not None

    def _exit_code(self) -> int:
        of = "" if self._tasks.total is None else f" of {self._tasks.total}"
        done = f"{self._tally.done}{of} look-ups were done"
        if self._stop.signal:
            if self._is_list or self._tally.done:
                messages.note(f"{done}.")
            return exit_code_of_signal(self._stop.signal)
        if self._ended_by and self._ended_by.error:
            if self._tally.done != self._tasks.total:
                others = f"all others at {self._ended_by.profile}"
                messages.note(f"The run was ended, since {others} would fail as well; {done}.")
            return exit_code_of(self._ended_by.error.code)
        return self._tally.exit_code


def _begun(records: Iterator[Record]) -> Iterator[Record]:
    """Records, once the first one is there: before it, a run can end without a trace."""
    first = list(islice(records, 1))
    return chain(first, records)
