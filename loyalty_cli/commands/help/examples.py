"""The examples at the end of each --help; a test runs all of them."""

from typing import NamedTuple


class Example(NamedTuple):
    """A command line, and what it does."""

    what: str
    command: str


EXAMPLES: dict[str, tuple[Example, ...]] = {
    "loyalty": (
        Example(
            "Try it without an account, in the sandbox",
            "loyalty --sandbox balance C-1001 --all-profiles",
        ),
        Example("The balance of a customer", "loyalty balance C-1001"),
        Example("What a command can do", "loyalty balance --help"),
    ),
    "loyalty balance": (
        Example("A customer, at the default profile", "loyalty balance C-1001"),
        Example(
            "At every profile, as a table for a ticket",
            "loyalty balance C-1001 --all-profiles -o markdown",
        ),
        Example(
            "A person, by the right identifier at each profile",
            "loyalty balance -P ada@example.com",
        ),
        Example("One number, for a script", "loyalty balance C-1001 --field available"),
        Example(
            "A list; after a stop, the rest of it",
            "loyalty balance --from customers.csv --output-file balances.jsonl --resume",
        ),
    ),
    "loyalty debit": (
        Example(
            "See what would be sent, and what would be left",
            "loyalty debit C-1001 500 --reference invoice-17 --dry-run",
        ),
        Example(
            "Debit; a repetition with this reference sends nothing",
            "loyalty debit C-1001 500 --reference invoice-17 --yes",
        ),
        Example(
            "A whole file, if its amounts add up to 350",
            "loyalty debit --from debits.csv --expect-total 350 --yes -o jsonl",
        ),
    ),
    "loyalty diff": (
        Example(
            "What changed between two exports", "loyalty diff balances-20.jsonl balances-21.jsonl"
        ),
        Example(
            "Only larger changes, for a script",
            "loyalty diff balances-20.jsonl balances-21.jsonl --min-change 500 -o jsonl",
        ),
    ),
    "loyalty history": (
        Example("When a balance changed, and by how much", "loyalty history C-1001"),
        Example("The last week, at one profile", "loyalty history C-1001 -p gameball --days 7"),
        Example("A person, at every profile", "loyalty history -P ada@example.com"),
    ),
    "loyalty history import": (
        Example(
            "Exports of earlier nights",
            "loyalty history import balances-20.jsonl balances-21.jsonl",
        ),
        Example("From stdin", "loyalty history import - <balances-20.jsonl"),
    ),
    "loyalty history prune": (
        Example("Balances that nobody saw for a year", "loyalty history prune --before 365d"),
        Example("Those before a date", "loyalty history prune --before 2026-01-01"),
    ),
    "loyalty journal": (
        Example("What is still unknown", "loyalty journal list --state unknown"),
        Example("Find out what happened to it", "loyalty journal reconcile"),
        Example("Keep a copy", "loyalty journal backup journal-copy.db"),
    ),
    "loyalty journal list": (
        Example(
            "The debits of a customer, the newest first",
            "loyalty journal list --customer C-1001 --newest",
        ),
        Example("What is still unknown", "loyalty journal list --state unknown"),
        Example("How many, and how much", "loyalty journal list --summary"),
        Example(
            "Those of yesterday, as CSV",
            "loyalty journal list --since yesterday --until today -o csv",
        ),
    ),
    "loyalty journal show": (
        Example("A debit and all that happened to it", "loyalty journal show invoice-17"),
        Example(
            "If several profiles have this reference",
            "loyalty journal show invoice-17 -p saasquatch",
        ),
    ),
    "loyalty journal reconcile": (
        Example("Settle what can be settled", "loyalty journal reconcile"),
        Example("And wait for the rest", "loyalty journal reconcile --wait"),
        Example("In a job, with a record for each debit", "loyalty journal reconcile -o jsonl"),
    ),
    "loyalty journal resolve": (
        Example(
            "You saw the debit at the platform",
            "loyalty journal resolve invoice-17 --confirmed --why 'seen in the portal'",
        ),
        Example(
            "It is not there, and may be tried again",
            "loyalty journal resolve invoice-18 --not-applied --why 'not in the portal'",
        ),
    ),
    "loyalty journal drop": (
        Example(
            "The order was cancelled before the debit was made",
            "loyalty journal drop invoice-17 --why 'order cancelled'",
        ),
        Example(
            "If several profiles have this reference",
            "loyalty journal drop invoice-18 -p saasquatch --why 'order cancelled'",
        ),
    ),
    "loyalty journal init": (
        Example("Once, before the first debit", "loyalty journal init"),
        Example("See what it holds", "loyalty journal check"),
    ),
    "loyalty journal backup": (
        Example("Into a new file", "loyalty journal backup journal-copy.db"),
        Example("Put it back", "loyalty journal restore journal-copy.db"),
    ),
    "loyalty journal check": (
        Example("Damage, and how many debits are in which state", "loyalty journal check"),
        Example("For a script", "loyalty journal check -o json"),
    ),
    "loyalty journal restore": (
        Example(
            "A backup that lacks the latest debits",
            "loyalty journal restore journal-copy.db --older",
        ),
        Example(
            "After you compared them with the platform",
            "loyalty journal restore --reviewed --why 'compared with the portal'",
        ),
    ),
    "loyalty journal accept-failover": (
        Example(
            "The database's second server has taken over",
            "loyalty journal accept-failover --why 'no debit was lost'",
        ),
        Example("See that the journal is well there", "loyalty journal check"),
    ),
    "loyalty people": (
        Example("Say who is who", "loyalty people import people.csv"),
        Example("What is on file about a person", "loyalty people show ada@example.com"),
    ),
    "loyalty people import": (
        Example("From a file", "loyalty people import people.csv"),
        Example("From stdin", "loyalty people import - <people.csv"),
    ),
    "loyalty people show": (
        Example("By the key", "loyalty people show ada@example.com"),
        Example("By a name, for a script", "loyalty people show 'Ada Lovelace' -o json"),
    ),
    "loyalty people set": (
        Example("An identifier at a profile", "loyalty people set ada@example.com gameball=C-1002"),
        Example(
            "The name; and no identifier at a profile",
            "loyalty people set ada@example.com name='Ada King' omneo=",
        ),
    ),
    "loyalty people forget": (
        Example("After a question", "loyalty people forget ada@example.com"),
        Example("Without a question, in a script", "loyalty people forget bob@example.com --yes"),
    ),
    "loyalty people export": (
        Example("Into a file that can be imported again", "loyalty people export >people.csv"),
        Example("As JSON Lines", "loyalty people export -o jsonl"),
    ),
    "loyalty doctor": (
        Example("What is wrong, and what to do", "loyalty doctor"),
        Example("Whether the program itself is well", "loyalty --sandbox doctor"),
        Example("A file for a report, without secrets", "loyalty doctor --bundle report.json"),
    ),
    "loyalty init": (
        Example("Be asked for everything", "loyalty init"),
        Example(
            "Say everything, with the credentials in a file",
            "loyalty init --provider gameball --name points --stdin --no-check <credentials",
        ),
        Example(
            "With settings of the platform, and credentials in the environment",
            "loyalty init --provider saasquatch --name referrals --set tenant=acme",
        ),
    ),
    "loyalty config": (
        Example("What is wrong in the profile file", "loyalty config check"),
        Example("Use another profile by default", "loyalty config use gameball"),
        Example("Every key there is, explained", "loyalty config example"),
    ),
    "loyalty config check": (
        Example("What is wrong in the profile file", "loyalty config check"),
        Example("In another one", "loyalty --config config.yaml config check"),
    ),
    "loyalty config use": (
        Example("Use this profile by default", "loyalty config use gameball"),
        Example("In another profile file", "loyalty --config config.yaml config use imprint"),
    ),
    "loyalty config path": (
        Example("Where the profile file is", "loyalty config path"),
        Example("Which profiles it has", "loyalty profiles"),
    ),
    "loyalty config example": (
        Example("Every key there is, explained", "loyalty config example"),
        Example("Begin with all of it", "loyalty config example >all.yaml"),
    ),
    "loyalty profiles": (
        Example("The profiles, and where each credential comes from", "loyalty profiles"),
        Example("Whether each platform takes them", "loyalty profiles --check"),
        Example("For a script", "loyalty profiles -o json"),
    ),
    "loyalty providers": (
        Example("What each platform can do", "loyalty providers"),
        Example("What a profile of one needs", "loyalty providers gameball"),
    ),
    "loyalty providers check": (
        Example("A description of a platform of your own", "loyalty providers check acme.yaml"),
        Example("For a script", "loyalty providers check acme.yaml -o json"),
    ),
    "loyalty login": (
        Example("Type the credentials of a profile", "loyalty login gameball"),
        Example("Read them from a file", "loyalty login gameball --stdin <credentials"),
    ),
    "loyalty logout": (
        Example("Remove the credentials of a profile", "loyalty logout gameball"),
        Example("With another profile file", "loyalty --config config.yaml logout gameball"),
    ),
    "loyalty sandbox": (
        Example(
            "Serve the APIs, and keep the profile file", "loyalty sandbox --port 8080 >sandbox.yaml"
        ),
        Example("Forget the debits that were made there", "loyalty sandbox reset"),
    ),
    "loyalty sandbox reset": (
        Example("Begin again", "loyalty sandbox reset"),
        Example("Then nothing is debited any more", "loyalty --sandbox balance C-1001"),
    ),
    "loyalty schema": (
        Example("The JSON Schema, into a file", "loyalty schema >loyalty.schema.json"),
        Example("A document that it describes", "loyalty --sandbox balance C-1001 -o json"),
    ),
    "loyalty completion": (
        Example("For every new bash", "loyalty completion bash --install"),
        Example("The script, for a place of your own", "loyalty completion zsh >_loyalty"),
    ),
    "loyalty help": (
        Example("All commands and topics", "loyalty help"),
        Example("What an exit code means", "loyalty help exit-codes"),
        Example("The options of a command", "loyalty help journal list"),
    ),
}
