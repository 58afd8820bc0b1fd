"""The action of `loyalty balance`: make the look-ups, and print or write the records."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loyalty_cli.balances.foreign import ForeignError
from loyalty_cli.balances.output_file import OutputFile, check_apart, open_output
from loyalty_cli.balances.read_back import check_csv, check_json, decode_record, read_back
from loyalty_cli.balances.resume import Resumed, resume
from loyalty_cli.balances.run import BalanceRun, NothingDoneError
from loyalty_cli.balances.summary import Summary
from loyalty_cli.commands.balance.chosen_output import Shape, check_output
from loyalty_cli.commands.balance.tasks import BalanceRequest, LookupTasks, checked, open_tasks
from loyalty_cli.commands.globals import Globals
from loyalty_cli.commands.named_people import NamedPeople, note_person
from loyalty_cli.commands.open_history import recording
from loyalty_cli.commands.platforms import platform_client
from loyalty_cli.config.profile import check_rate
from loyalty_cli.lists.failure_limit import check_limit
from loyalty_cli.model.errors import ErrorCode, setup_error, usage_error
from loyalty_cli.model.exit_codes import exit_code_of, exit_code_of_signal
from loyalty_cli.model.tally import Record, Tally
from loyalty_cli.network.http_client import CONNECTIONS
from loyalty_cli.network.retry import BULK, INTERACTIVE
from loyalty_cli.output import balances as views
from loyalty_cli.output import messages
from loyalty_cli.output.clipboard import MOST_COPIED, copy_records, require_clipboard
from loyalty_cli.output.document import layout, print_records, print_table, write_records
from loyalty_cli.output.ending import report_end
from loyalty_cli.output.format import Format
from loyalty_cli.output.json_text import json_line
from loyalty_cli.output.progress import progress
from loyalty_cli.output.stdout import is_terminal, write_bytes
from loyalty_cli.output.summary import SUMMARY
from loyalty_cli.output.waiting import LINE

if TYPE_CHECKING:
    from loyalty_cli.history.recorder import Recorder
    from loyalty_cli.output.view import View

MOST_SHOWN = 100
"""How many look-ups of a list a table on a terminal shows."""


def run(chosen: Globals, request: BalanceRequest) -> int:
    """Make the look-ups; raise LoyaltyError if they cannot be made or written."""
    check_output(request)
    output = _format(request)
    shape = Shape.of(request, output)
    if request.resume and request.output_file is None:
        usage_error("--resume continues an output file.", "Add --output-file FILE.")
    if request.summary and request.raw:
        usage_error("--summary needs balances, which --raw does not read.", "Leave one out.")
    if request.copy:
        if request.output_file is not None:
            usage_error(
                "--copy takes what is printed, and --output-file prints no records.",
                "Leave one out.",
            )
        require_clipboard()
    rate = checked("--rate", check_rate, request.rate)
    if request.file is not None and request.output_file is not None:
        check_apart(request.output_file, request.file)
    is_list = request.file is not None
    with (
        open_tasks(chosen, request) as (session, tasks),
        recording(session, chosen) as history,
    ):
        policy = BULK if is_list else INTERACTIVE
        connections = max(request.jobs, CONNECTIONS)
        platforms = platform_client(
            session, chosen, policy=policy, rate=rate, connections=connections
        )
        summary = Summary(datetime.now(UTC)) if request.summary else None
        not_found = dict[str, None]()
        note = _noting(request, not_found, history)
        limit = check_limit(request.max_failures, fail_fast=request.fail_fast)
        balances = BalanceRun(
            platforms, request.jobs, is_list=is_list, summary=summary, limit=limit, note=note
        )
        balances.tally = Tally(views.teller())
        code = Action(tasks, balances, request, shape).to_the_end()
        with closing(NamedPeople(session, chosen)) as people:
            for customer in filter(people.has, not_found):
                note_person(customer)
        return code


def _noting(
    request: BalanceRequest, not_found: dict[str, None], history: "Recorder | None"
) -> Callable[[Record], None]:
    """What takes note of each look-up: in the history, and of customers who were not found."""

    def note(record: Record) -> None:
        is_unknown = record.error is not None and record.error.code is ErrorCode.NOT_FOUND
        if is_unknown and request.customers:  # not of a list, which may be long
            not_found[record.customer] = None
        if history:
            history.add(record)

    return note


def _format(request: BalanceRequest) -> Format:
    """The chosen format; without one, the format that matches the output file's name."""
    if request.output_file is None:
        return request.output or (Format.TABLE if request.query is None else Format.JSON)
    output = request.output or next(
        (each for each in Format if request.output_file.suffix == f".{each}"), Format.TABLE
    )
    if output.is_for_people:
        why = (
            "a table is for reading; --output-file needs another format."
            if request.output
            else f"the name {request.output_file.name!r} does not show the format."
        )
        usage_error(why, "Add -o jsonl, -o json or -o csv.")
    return output


def _other_format(path: Path, output: Format) -> ForeignError | None:
    """Say that a file is in another format than this run writes, if it is."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        start = file.readline(20)
    for each, sign in (
        (Format.JSON, b"["),
        (Format.JSONL, b"{"),
        (Format.CSV, b"schema_version,"),
    ):
        if each is not output and start.startswith(sign):
            return ForeignError(f"holds {each}, and this run writes {output}", f"Add -o {each}.")
    return None


class Action:
    """Prints or writes the records of a run, and reports how it ended."""

    def __init__(
        self, tasks: LookupTasks, run: BalanceRun, request: BalanceRequest, shape: Shape
    ) -> None:
        self._tasks = tasks
        self._run = run
        self._request = request
        self._shape = shape
        self._output = shape.output
        self._is_list = request.file is not None
        self._view: View[Any] = views.RAW if request.raw else views.BALANCES
        if tasks.people:
            self._view = views.by_person(self._view, tasks.people)
        self._unfinished: Path | None = None
        self._hidden = 0
        self._are_all_failed = False
        self._told: list[Record] = []
        self._to_copy: list[Any] = []
        self._kept = 0
        self._begun = time.monotonic()

    def to_the_end(self) -> int:
        """Make the run, report failures, and return the exit code."""
        run = self._run
        try:
            with (
                suppress(NothingDoneError),
                run.stop.on_signals(second_kills=True),
                ExitStack() as shown,
            ):
                if self._tasks.is_typed:
                    shown.enter_context(LINE.hidden())
                if self._request.output_file is None:
                    self._print()
                else:
                    self._write(self._request.output_file)
        finally:
            if run.ended_by:
                run.tally.report(run.ended_by)
            views.report_failures(run.tally, several=self._tasks.total != 1, told=self._told)
            if run.summary:
                views.report_first_warnings(run.tally)
        code = run.tally.exit_code if run.mistake else self._exit_code()
        if self._hidden:
            what = "rows" if self._shape.arrangement.sort else "look-ups"
            messages.note(
                f"The first {MOST_SHOWN} of {self._hidden + MOST_SHOWN} {what}"
                f" {'failed' if self._are_all_failed else 'are shown'};"
                " `| less`, -o jsonl, json or csv shows all."
            )
        if self._unfinished:
            messages.note(f"The records are in {str(self._unfinished)!r}. Continue with --resume.")
        if run.mistake:
            raise run.mistake
        if self._is_list and run.is_complete:
            self._report_end()
        return code

    def _report_end(self) -> None:
        tally, failed = self._run.tally, self._run.tally.failed.total()
        outcomes = {"answered": tally.done - failed, "failed": failed}
        what = f"look-ups ({self._kept:,} of an earlier run)" if self._kept else "look-ups"
        seconds = time.monotonic() - self._begun
        report_end(what, outcomes, seconds, self._request.output_file)

    def _print(self) -> None:
        work = Resumed(enumerate(self._tasks.make()))
        with closing(self._with_progress(self._run.records(work))) as made:
            records: Iterator[Record] = self._copying(made) if self._request.copy else made
            if self._run.summary:
                for _ in made:
                    pass
                self._print_summary(self._run.summary, self._output)
            elif self._output is Format.TABLE and is_terminal() and not self._shape.is_extract:
                self._print_on_terminal(records)
            else:
                self._print_elsewhere(records)
        copied, view = self._shape.arrangement.of(self._view, self._to_copy)
        copy_records([*copied], view)

    def _print_summary(self, summary: Summary, output: Format) -> None:
        records = summary.records()
        if self._shape.query:
            self._print_query(records)
        else:
            self._print_all(records, SUMMARY, output)
        if self._request.copy:
            self._view, self._to_copy = SUMMARY, [*records]

    def _print_query(self, records: Iterable[Any]) -> None:
        """Print what the query makes of the records, if they are all there."""
        found = list(records)
        is_cut = self._run.ended_by is not None and self._run.tally.done != self._tasks.total
        if self._shape.query and not (is_cut or self._run.stop.signal or self._run.mistake):
            write_bytes(self._shape.query(found))

    def _print_all(self, records: Iterable[Any], view: "View[Any]", output: Format) -> None:
        """Print records in the chosen order and columns."""
        records, view = self._shape.arrangement.of(view, records)
        if output.is_for_people and not self._shape.field:
            print_records(records, output, view, self._request.layout)
            return
        # A run can end before its first record, and then there is no output.
        made = iter(records)
        first = list(islice(made, 1))
        write_records(chain(first, made), self._shape.layout(view), write_bytes)

    def _copying(self, records: Iterator[Record]) -> Iterator[Record]:
        """Keep the records that --copy needs, but not more than can fit."""
        for record in records:
            if len(self._to_copy) <= MOST_COPIED:
                self._to_copy.append(record)
            yield record

    def _print_on_terminal(self, records: Iterator[Record]) -> None:
        """Print a table with its warnings and errors, and of a list only the beginning."""
        most = MOST_SHOWN if self._is_list else None
        is_sorted = bool(self._shape.arrangement.sort)  # the first rows are known when all are
        shown = list(records if is_sorted else islice(records, most))
        rows, view = self._shape.arrangement.of(self._view, shown)
        if is_sorted:
            found = list(rows)
            rows = found[:most]
            self._hidden = len(found) - len(rows)
        else:
            self._hidden = sum(1 for _ in records)
        ending = [] if self._hidden else views.ending(shown, self._tasks.people)
        print_table(view.table(rows, ending), table_layout=self._request.layout)
        failed = [record for record in shown if record.error]
        self._are_all_failed = len(failed) == len(shown)
        is_all_there = not (self._are_all_failed or (is_sorted and self._hidden))
        self._told = failed if is_all_there else []

    def _print_elsewhere(self, records: Iterator[Record]) -> None:
        """Print all records; warnings that are not in the document, as many as a person reads."""
        warned: list[Record] = []
        left = 0

        def watched() -> Iterator[Record]:
            nonlocal left
            for record in records:
                if record.warnings and len(warned) < MOST_SHOWN:
                    warned.append(record)
                elif record.warnings:
                    left += 1
                yield record

        if self._shape.query:
            self._print_query(watched())
        else:
            self._print_all(watched(), self._view, self._output)
        if not self._shape.has_warnings(self._request.layout):
            views.report_warnings(warned, left)

    def _write(self, path: Path) -> None:
        is_lines = self._output is Format.JSONL
        try:
            with open_output(path, is_lines=is_lines, resume=self._request.resume) as file:
                if file.is_finished:
                    self._check_finished(path)
                    file.working.unlink()
                else:
                    self._write_lines(file)
                    if not is_lines:
                        self._finish(file)
        except ForeignError as error:
            self._run.tally = Tally()  # its records must not be reported
            why = _other_format(path, self._output) or error
            setup_error(
                f"the output file {str(path)!r} {why.why}.", f"It was not changed. {why.hint}"
            )
        if self._run.summary:
            self._print_summary(self._run.summary, Format.TABLE)

    def _write_lines(self, file: OutputFile) -> None:
        """Write the records that are not in the file yet, and close its gaps."""
        with file.read() as there:
            work = resume(read_back(there), self._tasks.make(), self._run.add)
        self._kept = self._run.tally.done + len(work.kept)
        with closing(self._with_progress(self._run.records(work), len(work.kept))) as records:
            texts = map(json_line, records)
            # The file stays unchanged until these records can replace its end in one write.
            first = b"".join(islice(texts, work.behind_gap or 1))
            file.keep(work.ends)
            for text in chain([first], texts):
                file.write(text)

    def _finish(self, file: OutputFile) -> None:
        """Make the finished file, if all records are there."""
        if not self._run.is_complete:
            self._unfinished = file.working
            return
        with file.read() as there:
            records = (decode_record(each, raw=self._request.raw) for each in read_back(there))
            file.make(partial(write_records, records, layout(self._output, self._view)))

    def _check_finished(self, path: Path) -> None:
        is_csv = self._output is Format.CSV
        if is_csv and self._run.summary:
            setup_error(
                f"the output file {str(path)!r} is finished, and CSV does not keep all that"
                " --summary counts.",
                "Leave --summary out, or name a file that ends with .jsonl or .json.",
            )
        with path.open("rb") as there:
            if is_csv:
                check_csv(there, self._view.csv_header, self._tasks.make(), self._run.add)
            else:
                check_json(there, self._tasks.make(), self._run.add)
        self._kept = self._run.tally.done

    def _with_progress(self, records: Generator[Record], kept: int = 0) -> Generator[Record]:
        is_whole = self._shape.is_whole or self._run.summary is not None
        is_shown = self._request.output_file is None and not is_whole and is_terminal()
        if is_shown or self._tasks.is_typed:
            return records  # a progress bar would be mixed with them, or with typed lines
        total = self._tasks.total
        left = None if total is None else total - self._run.tally.done - kept
        uses_stdout = self._request.output_file is None
        return progress(
            records, left, lambda record: record.error is not None, uses_stdout=uses_stdout
        )

    def _exit_code(self) -> int:
        tally, stop, ended_by = self._run.tally, self._run.stop, self._run.ended_by
        of = "" if self._tasks.total is None else f" of {self._tasks.total}"
        done = f"{tally.done}{of} look-ups were done"
        if stop.signal:
            if self._is_list or tally.done:
                messages.note(f"{done}.")
            return exit_code_of_signal(stop.signal)
        if ended_by and ended_by.error:
            if tally.done != self._tasks.total:
                messages.note(f"The run was ended{self._why_ended(ended_by)}; {done}.")
            return exit_code_of(ended_by.error.code)
        return tally.exit_code

    def _why_ended(self, ended_by: Record) -> str:
        if not self._run.limit.ended_by:
            return f", because all others at {ended_by.profile} would fail, too"
        is_resumable = self._request.output_file is not None and not self._unfinished
        by = f" by {self._run.limit.option}"
        return f"{by}, and --resume continues it" if is_resumable else by
