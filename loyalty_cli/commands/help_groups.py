"""The groups in which --help shows options and commands, in their order there.

An option names its group: `typer.Option(..., rich_help_panel=OUTPUT)`; so does a command.
"""

BALANCES = "Balances"
DEBITS = "Debits"
SET_UP = "Set up"
MORE = "More"
COMMANDS = (BALANCES, DEBITS, SET_UP, MORE)

LOOK_UP = "What to look up"
DEBIT = "The debit"
SELECTION = "Which of them"
DECISION = "Your decision"
PROFILE = "The profile"
CREDENTIALS = "Credentials"
SERVER = "The server"
LISTS = "Lists"
DEBIT_FILES = "Files of debits"
CHECKS = "Checks"
WAITING = "Waiting"
OUTPUT = "Output"
EVERY_COMMAND = "Every command"
VERSION = "Version"
OPTIONS = (
    LOOK_UP,
    DEBIT,
    SELECTION,
    DECISION,
    PROFILE,
    CREDENTIALS,
    SERVER,
    LISTS,
    DEBIT_FILES,
    CHECKS,
    WAITING,
    OUTPUT,
    EVERY_COMMAND,
    VERSION,
)
