"""Wiring only: the commands, and `main`, which turns an error into a message and an exit code."""

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import _completion_classes
from typer._completion_classes import completion_init
from typer.core import TyperGroup
from typer.exceptions import TyperException

from loyalty_cli import __version__
from loyalty_cli.commands import login, logout, profiles, providers, sandbox, schema
from loyalty_cli.commands.balance import options as balance
from loyalty_cli.commands.debit import options as debit
from loyalty_cli.commands.journal import options as journal
from loyalty_cli.commands.shared_options import ConfigOption, SandboxOption, VerboseOption
from loyalty_cli.model.errors import LoyaltyError, nearest
from loyalty_cli.model.exit_codes import ExitCode, exit_code_of
from loyalty_cli.output import messages
from loyalty_cli.output.stdout import ReaderGoneError, flush, require_stdout, write_text

GLOBALS = ("--sandbox", "--verbose", "-v", "--config")

# Typer shows help texts on TAB through Rich, for markup that ours do not have.
_completion_classes._sanitize_help_text = lambda text: text  # noqa: SLF001
completion_init()


class _Program(TyperGroup):
    """The commands, behind which `--sandbox`, `--config` and `-v` may stand, where people put them.

    That holds while TAB completes a command line, too.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put those options first, where Typer looks for them."""
        return super().parse_args(ctx, _globals_first(args, whole=not ctx.resilient_parsing))


app = typer.Typer(
    name="loyalty",
    cls=_Program,
    help="A customer's balance at any of several loyalty platforms, the same way each time.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(balance.balance)
app.command()(debit.debit)
app.add_typer(journal.app, name="journal")
app.command()(providers.providers)
app.command()(profiles.profiles)
app.command()(login.login)
app.command()(logout.logout)
app.add_typer(sandbox.app, name="sandbox")
app.command()(schema.schema)


def _version(wanted: bool) -> None:
    if wanted:
        write_text(f"loyalty {__version__}\n")
        raise typer.Exit


@app.callback()
def _globals(
    context: typer.Context,
    config: ConfigOption = None,
    sandbox: SandboxOption = False,
    verbose: VerboseOption = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    from loyalty_cli.commands.globals import Globals

    source = context.get_parameter_source("sandbox")
    typed = source is not None and source.name == "COMMANDLINE"
    context.obj = Globals(config, sandbox, verbose, is_sandbox_typed=typed)


# Building it takes a third of a run in a process that has many, as the tests' have.
_command = cache(typer.main.get_command)


def main() -> None:
    """Run the program and end it with the exit code its errors have."""
    code = run(sys.argv[1:])
    if code == ExitCode.INTERRUPTED:
        messages.note("Interrupted.")
    # All that was to be written is written. Taking the interpreter apart would take a tenth of the
    # whole run, and would wait for threads that wait for a platform.
    os._exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line, and give the exit code."""
    command = _command(app)
    arguments = arguments or ["--help"]
    try:
        if "--help" in arguments or "-h" in arguments:
            require_stdout()
        code = _typer(command, arguments)
        if code != ExitCode.OUTCOME_UNKNOWN:  # which goes before whatever cannot be printed
            flush()  # a help page may still be on its way out
    except LoyaltyError as error:
        messages.error(error.message, error.hint)
        for detail in error.details:
            messages.note(f"  {detail}")
        return exit_code_of(error.code)
    except TyperException as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return ExitCode.INTERRUPTED
    except ReaderGoneError:
        return ExitCode.BROKEN_PIPE
    except OSError as error:
        messages.error(f"the system refused: {error.strerror}.", "Fix that, and run it again.")
        return ExitCode.SETUP
    except Exception as error:  # noqa: BLE001 - the last resort, and it says so
        return _defect(error)
    return code


def _typer(command: Any, arguments: list[str]) -> int:
    try:
        code = command.main(arguments, prog_name="loyalty", standalone_mode=False)
    except SystemExit as ended:
        # How TAB completion ends; and how Typer and Rich end, with 1, when nobody reads their help.
        code = ExitCode.BROKEN_PIPE if ended.code == 1 else ended.code
    return int(code or 0)


def _globals_first(arguments: list[str], *, whole: bool) -> list[str]:
    """Move the options that stand before the command to the front of a `whole` or begun line."""
    first: list[str] = []
    rest = list(arguments)
    at = 0
    while at < len(rest) and rest[at] != "--":
        name, equals, _ = rest[at].partition("=")
        if name in GLOBALS:
            width = 2 if name == "--config" and not equals else 1
            if at + width > len(rest):  # the path is missing, and the command's name is not it
                return [*first, rest[at]] if whole else first + rest
            first += rest[at : at + width]
            del rest[at : at + width]
        else:
            at += 1
    return first + rest


def _usage(error: TyperException) -> int:
    message, meant = _meant(" ".join(error.format_message().split()))
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "loyalty"
    message = message.rstrip(".")
    messages.error(f"{message}.", meant or f"`{command} --help` shows what there is.")
    return ExitCode.USAGE


def _meant(message: str) -> tuple[str, str | None]:
    """Part Typer's message from its suggestions, and say which of them was probably meant."""
    from difflib import get_close_matches

    if found := re.fullmatch(r"(No such command .*)\. (Did you mean .*\?)", message):
        return found[1], found[2]
    if found := re.fullmatch(r"(No such option: (.*?))(?: \(Possible options: (.*)\))?", message):
        close = get_close_matches(found[2], [*(found[3] or "").split(", "), *GLOBALS], n=1)
        return found[1], f"Did you mean {close[0]!r}?" if close else None
    if found := re.search(r"'([^']*)' is not one of (.*)", message):
        return message, nearest(found[1], re.findall(r"'([^']*)'", found[2]))
    return message, None


def _defect(error: Exception) -> int:
    # The exception's text stays out unless it is asked for: there is no knowing what it holds.
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(where.filename).name}, line {where.lineno}"
    messages.error(
        f"loyalty {__version__} has a defect: {type(error).__name__} in {place}.",
        "Please report it, with the command you ran and without your credentials.",
    )
    if os.environ.get("LOYALTY_DEBUG") == "1":
        from loyalty_cli.credentials.redaction import mask_all_known

        for line in mask_all_known("".join(traceback.format_exception(error))).splitlines():
            messages.trace(line)
    return ExitCode.DEFECT
