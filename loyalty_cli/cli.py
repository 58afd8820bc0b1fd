"""The commands, and `main`, which turns an error into a message and an exit code."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

import typer
from typer.exceptions import TyperException

from loyalty_cli import __version__
from loyalty_cli.commands.commands import Command, CommandGroup, Commands
from loyalty_cli.commands.help_groups import BALANCES, DEBITS, MORE, SET_UP, VERSION
from loyalty_cli.commands.shared_options import (
    ColorOption,
    ConfigOption,
    ErrorsOption,
    NoProgressOption,
    QuietOption,
    SandboxOption,
    VerboseOption,
)
from loyalty_cli.model.errors import ErrorCode, LoyaltyError, MessageCode, usage_error
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of
from loyalty_cli.model.named_commands import begin_run
from loyalty_cli.output import messages, stderr
from loyalty_cli.output.color import Color
from loyalty_cli.output.format import ErrorFormat
from loyalty_cli.output.stdout import ReaderGoneError, flush, require_stdout, write_text
from loyalty_cli.output.waiting import LINE

WITH_VALUE = ("--color", "--config", "--errors")
GLOBALS = ("--sandbox", "--verbose", "-v", "-vv", "--quiet", "-q", "--no-progress", *WITH_VALUE)


class _Program(CommandGroup):
    """Accepts the global options after the command, too.

    This also works while TAB completes a command line.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move those options to the front, where Typer expects them."""
        return super().parse_args(ctx, _globals_first(args, whole=not ctx.resilient_parsing))


class _Entry(NamedTuple):
    """Where a command is: the group in which --help shows it, its module, and its name there."""

    group: str
    module: str
    name: str
    kind: str = ""


COMMANDS = {
    "balance": _Entry(BALANCES, "balance.options", "balance"),
    "history": _Entry(BALANCES, "history.options", "app"),
    "diff": _Entry(BALANCES, "diff", "diff"),
    "people": _Entry(BALANCES, "people.options", "app"),
    "debit": _Entry(DEBITS, "debit.options", "debit", "Debit"),
    "journal": _Entry(DEBITS, "journal.options", "app"),
    "init": _Entry(SET_UP, "init.options", "init"),
    "config": _Entry(SET_UP, "config", "app"),
    "profiles": _Entry(SET_UP, "profiles", "profiles"),
    "login": _Entry(SET_UP, "login", "login"),
    "logout": _Entry(SET_UP, "logout", "logout"),
    "doctor": _Entry(SET_UP, "doctor.options", "doctor"),
    "providers": _Entry(SET_UP, "providers", "app"),
    "sandbox": _Entry(MORE, "sandbox", "app"),
    "schema": _Entry(MORE, "schema", "schema"),
    "completion": _Entry(MORE, "completion.options", "completion"),
    "help": _Entry(MORE, "help.options", "help_"),
}
"""The commands, in their order in --help; a run imports only its own."""


def _version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        write_text(f"loyalty {__version__}\n")
        raise typer.Exit


def _globals(
    context: typer.Context,
    config: ConfigOption = None,
    sandbox: SandboxOption = False,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
    _no_progress: NoProgressOption = False,
    _color: ColorOption = Color.AUTO,
    _errors: ErrorsOption = ErrorFormat.TEXT,
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Show the version.",
            rich_help_panel=VERSION,
        ),
    ] = False,
) -> None:
    from loyalty_cli.commands.globals import Globals

    if verbose and quiet:
        usage_error("--verbose and --quiet exclude each other.", "Leave one out.")
    is_sandbox_typed, is_config_typed = _is_typed(context, "sandbox"), _is_typed(context, "config")
    if sandbox and is_config_typed:
        _refuse_config(is_sandbox_typed=is_sandbox_typed)
    begin_run(sandbox=sandbox, config=str(config) if is_config_typed else None)
    context.obj = Globals(config, sandbox, verbose, is_sandbox_typed=is_sandbox_typed)


def _refuse_config(*, is_sandbox_typed: bool) -> NoReturn:
    """Refuse a profile file for the sandbox: its numbers would be taken for those of the file."""
    if is_sandbox_typed:
        usage_error(
            "--sandbox and --config exclude each other: the sandbox has profiles of its own.",
            "Leave one out.",
        )
    usage_error(
        "LOYALTY_SANDBOX is set, so the file that --config names would not be read.",
        "Unset it, or leave --config out.",
    )


def _is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option is on the command line, and not only in the environment."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@cache  # a test process runs many commands
def program(only: str = "") -> Any:
    """The program with all its commands, or with only one: to make them all takes a while."""
    app = Commands(
        name="loyalty",
        cls=_Program,
        help="Customers' balances and debits at several loyalty platforms, in one form for all.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_globals)
    for name in [only] if only else COMMANDS:
        entry = COMMANDS[name]
        module = import_module(f"loyalty_cli.commands.{entry.module}")
        found = getattr(module, entry.name)
        if isinstance(found, Commands):
            app.add_typer(found, name=name, rich_help_panel=entry.group)
        else:
            kind = getattr(module, entry.kind) if entry.kind else Command
            app.command(name, cls=kind, rich_help_panel=entry.group)(found)
    return typer.main.get_command(app)


def _first_command(arguments: list[str]) -> str:
    """The command that a command line begins with; empty for none, and for `help` of them all."""
    words = iter(_globals_first(arguments, whole=True))
    for word in words:
        if word in WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word if word in COMMANDS and word != "help" else ""
    return ""


def main() -> None:
    """Run the program, and end the process with the exit code."""
    code = run(sys.argv[1:])
    if code == ExitCode.INTERRUPTED:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # people press it more than once
        messages.interrupted()
    LINE.erase_for_good()
    # All output is written. A normal end of the interpreter would take a tenth of the run, and
    # would wait for threads that wait for a platform.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line, and return the exit code."""
    begin_run(sandbox=False)  # until the options are read
    stderr.set_format(arguments)
    if not stderr.is_json():
        return _run(arguments)
    with stderr.lines_of_others(_warn):
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    _show_failed_packages()
    shell = os.environ.get("_LOYALTY_COMPLETE")
    arguments = arguments if arguments or shell else ["--help"]
    if shell:
        return _complete(shell, arguments)
    command = program(_first_command(arguments))
    try:
        if "--help" in arguments or "-h" in arguments:
            require_stdout()
        code = _typer(command, arguments)
        if code != ExitCode.OUTCOME_UNKNOWN:  # 8 matters more than an output error
            flush()  # a help page may still be in the buffer
    except LoyaltyError as error:
        messages.failure(error)
        return exit_code_of(error.code)
    except TyperException as error:
        return _usage(error, command, arguments)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except ReaderGoneError:
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        hint = "Fix this, then run it again."
        messages.error(f"the system reported: {error}.", hint, code=ErrorCode.SETUP)
        return ExitCode.SETUP
    except Exception as error:  # noqa: BLE001 - the last resort; it reports a defect
        return _defect(error)
    return code


def _complete(shell: str, arguments: list[str]) -> int:
    """Answer a shell in which TAB is pressed."""
    from loyalty_cli.commands.completion.answer import answer

    def typed(words: Sequence[str]) -> Any:
        return program(_first_command([*words]))

    try:
        write_text(answer(typed, shell, arguments, GLOBALS))
    except (KeyboardInterrupt, ReaderGoneError, LoyaltyError):
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _typer(command: Any, arguments: list[str]) -> int:
    try:
        code = command.main(arguments, prog_name="loyalty", standalone_mode=False)
    except SystemExit as ended:
        # Typer and Rich end like this, with 1 if nobody reads their help.
        code = ExitCode.BROKEN_PIPE if ended.code == 1 else ended.code
    return int(code or 0)


def _globals_first(arguments: list[str], *, whole: bool) -> list[str]:
    """Move the global options to the front; the line is `whole`, or being completed by TAB."""
    first: list[str] = []
    rest = list(arguments)
    at = 0
    while at < len(rest) and rest[at] != "--":
        name, equals, _ = rest[at].partition("=")
        if name in GLOBALS:
            width = 2 if name in WITH_VALUE and not equals else 1
            if at + width > len(rest):  # its value is missing
                return [*first, rest[at]] if whole else first + rest
            first += rest[at : at + width]
            del rest[at : at + width]
        else:
            at += 1
    return first + rest


def _usage(error: TyperException, command: Any, arguments: list[str]) -> int:
    from loyalty_cli.commands.usage_hint import usage_hint

    command.commands = program().commands  # what was meant may be another one
    message, hint = usage_hint(error, command, arguments)
    messages.error(f"{message}.", hint, code=ErrorCode.USAGE)
    return ExitCode.USAGE


def _defect(error: Exception) -> int:
    # The exception's text is shown only on request: it may contain anything.
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    messages.error(
        f"loyalty {__version__} has a defect: {type(error).__name__} in {place}.",
        "Please report it, with the command you ran and without your credentials.",
        code=MessageCode.DEFECT,
    )
    if os.environ.get("LOYALTY_DEBUG") == "1":
        _show("".join(traceback.format_exception(error)))
    return ExitCode.DEFECT


@cache
def _show_failed_packages() -> None:
    """With LOYALTY_DEBUG=1, show the tracebacks of providers from other packages, too."""
    if os.environ.get("LOYALTY_DEBUG") != "1":
        return
    import logging

    class Tracebacks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _show(self.format(record))

    failures = logging.getLogger("loyalty_cli.providers")
    failures.setLevel(logging.DEBUG)
    failures.addHandler(Tracebacks())
    failures.propagate = False


def _warn(line: str) -> None:
    """Pass on a line that Python or another package wrote to stderr."""
    from loyalty_cli.credentials.redaction import mask_all_known

    messages.warning(mask_all_known(line))


def _show(traceback: str) -> None:
    from loyalty_cli.credentials.redaction import mask_all_known

    for line in mask_all_known(traceback).splitlines():
        messages.trace(line)
