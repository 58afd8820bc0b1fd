"""What the help of a command says, on the terminal, in the documentation and in a man page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from loyalty_cli.commands import help_groups
from loyalty_cli.commands.help.examples import EXAMPLES, Example
from loyalty_cli.commands.help_groups import EVERY_COMMAND


class Entry(NamedTuple):
    """An argument, an option or a command, and what it is."""

    name: str
    text: str


Groups = Mapping[str, Sequence[Entry]]
"""Entries under their group's heading."""


class HelpPage(NamedTuple):
    """The help of one command."""

    path: str
    """The command's name, after those of the commands that it belongs to."""
    usage: str
    paragraphs: Sequence[str]
    arguments: Sequence[Entry]
    commands: Groups
    options: Groups
    examples: Sequence[Example]
    everywhere: Sequence[str]
    """The options that every command has, unless `options` explains them."""


def pages(command: Any, name: str, parent: Any = None) -> Iterator[HelpPage]:
    """The page of a command, and those of all its commands."""
    context = context_of(command, name, parent)
    yield page_of(context)
    for each in _commands(command):
        yield from pages(each, each.name, context)


def context_of(command: Any, name: str, parent: Any = None) -> Any:
    """The context of a command that is not run."""
    return command.context_class(command, parent=parent, info_name=name, **command.context_settings)


def page_of(context: Any) -> HelpPage:
    """The page of a context's command."""
    command, root = context.command, context.find_root()
    path = " ".join(_names(context))
    shown = [each for each in command.get_params(context) if not each.hidden]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    if context is not root:
        options = [each for each in options if _option_group(each) != EVERY_COMMAND]
    everywhere = [
        each for each in root.command.get_params(root) if _option_group(each) == EVERY_COMMAND
    ]
    return HelpPage(
        path,
        " ".join((path, *_usage(command, arguments))),
        _paragraphs(command),
        [Entry(each.metavar, _text(each, context)) for each in arguments],
        _grouped(
            ((_command_group(each), _command(each)) for each in _commands(command)),
            help_groups.COMMANDS,
        ),
        _grouped(
            ((_option_group(each), _option(each, context)) for each in options),
            help_groups.OPTIONS,
        ),
        EXAMPLES.get(path, ()),
        [] if context is root else [min(each.opts, key=len) for each in everywhere],
    )


def _names(context: Any) -> list[str]:
    return [*(_names(context.parent) if context.parent else []), context.info_name]


def _commands(command: Any) -> list[Any]:
    return [each for each in getattr(command, "commands", {}).values() if not each.hidden]


def _paragraphs(command: Any) -> list[str]:
    return [" ".join(each.split()) for each in (command.help or "").split("\n\n")]


def _usage(command: Any, arguments: list[Any]) -> list[str]:
    names = [each.metavar if each.required else f"[{each.metavar}]" for each in arguments]
    more = getattr(command, "subcommand_metavar", "").removesuffix(" [ARGS]...")
    return ["[OPTIONS]", *names, *filter(None, [more])]


def _grouped(entries: Iterable[tuple[str, Entry]], order: Sequence[str]) -> Groups:
    """The entries by their groups; a group that is not in the order comes first."""
    groups: dict[str, list[Entry]] = {}
    for group, entry in entries:
        groups.setdefault(group, []).append(entry)
    places = {group: at for at, group in enumerate(order)}
    return dict(sorted(groups.items(), key=lambda each: places.get(each[0], -1)))


def _command_group(command: Any) -> str:
    return command.rich_help_panel or "Commands"


def _option_group(option: Any) -> str:
    return EVERY_COMMAND if option.name == "help" else option.rich_help_panel or "Options"


def _command(command: Any) -> Entry:
    return Entry(command.name, _paragraphs(command)[0])


def _option(option: Any, context: Any) -> Entry:
    names = ", ".join(sorted(option.opts, key=len))
    takes_none = option.is_flag or option.count
    value = "" if takes_none else f" {option.metavar or option.name.upper()}"
    return Entry(names + value, _text(option, context))


def _text(parameter: Any, context: Any) -> str:
    """What an option is, with what its type and its default say."""
    more = []
    if choices := getattr(parameter.type, "choices", ()):
        more.append(", ".join(map(str, choices)))
    least, most = (getattr(parameter.type, name, None) for name in ("min", "max"))
    if least is not None and most is not None:
        more.append(f"{least} to {most}")
    default = parameter.get_default(context, call=False)
    if default not in (None, False, ()):
        more.append(f"default: {default.value if isinstance(default, Enum) else default}")
    if parameter.envvar:
        more.append(f"variable: {parameter.envvar}")
    text = (parameter.help or "").rstrip(".")
    return f"{text} ({'; '.join(more)})." if more else f"{text}."
