"""What the keys of the records mean, for the JSON Schema; docs/output.md has the same texts."""

from collections.abc import Mapping

from loyalty_cli.model.records import WarningCode

_LOOKED_UP = {
    "schema_version": "the version of this form: 2",
    "profile": "the profile that was asked",
    "provider": "the provider of that profile",
    "customer": (
        "the customer, as the command line or the list has it; of a person, the identifier on file,"
        " or the key if there is none"
    ),
    "sandbox": "true with `--sandbox`: the embedded sandbox answered, with made-up numbers",
    "asked": (
        "how the customer was asked for: `by` is the way to name the customer, and every query"
        " option has the value that was sent, whether it is from `-O` or from the profile"
    ),
    "platform_customer": ("the customer's own id at the platform, if the answer has it"),
    "retrieved_at": "when the answer arrived or the look-up failed, in UTC",
    "warnings": (
        "what must be known about these numbers: each has a `code` from a closed list and a"
        " `message` for people"
    ),
    "error": "null, or why the look-up failed",
}

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Lookup": {
        **_LOOKED_UP,
        "balances": (
            "the balance lines; empty after an error, and if the platform says that there is"
            " nothing yet, or says nothing (the warning `not_stated`)"
        ),
        "details": "other fields of the answer, unchanged",
    },
    "RawLookup": {**_LOOKED_UP, "raw": "the platform's own JSON, in place of what was read in it"},
    "Balance": {
        "name": "what the platform calls this balance, or else what it is",
        "kind": "`points`, `money`, `credit`, `percent`, `codes` or `other`",
        "unit": "the unit of the amounts, as the platform writes it; not of `count` and `value`",
        "basis": (
            "how sure the amounts are: `stated` by the platform; `available` is `computed` from the"
            " platform's other numbers; or `scale_unknown`: shown as they came, though they may be"
            " in minor units (120000 may be 1200.00)"
        ),
        "includes_pending": "whether `pending` is part of `total`",
        "sum_of": "the names of the lines that this line adds up: never add it to them",
        "available": "what the customer can spend now",
        "pending": "what the customer can spend later",
        "total": "the platform's own sum",
        "earned": "all that was ever earned, as the platform counts it",
        "redeemed": "what of it was spent",
        "expired": "what of it expired",
        "cancelled": "what of it was cancelled",
        "count": "how many rewards the line is made of",
        "value": (
            "what the amounts are worth in money of `currency`, as the platform says: `available`,"
            " `pending` and `total`"
        ),
        "next_expiry": (
            "what expires next: the `amount`, its `value` in money, and when (`at`, in the"
            " platform's own format)"
        ),
    },
    "WarningRecord": {"code": "one of the codes below", "message": "what it is about, for people"},
    "Failure": {
        "code": "one of the codes below",
        "message": "what happened, as on stderr",
        "hint": "what to do now, as on stderr",
        "http_status": "the HTTP status, if there was an answer",
        "provider_code": "the platform's own code, as text",
    },
    "SummaryRecord": {
        "unit": "the unit of the amounts; null if nothing was found at a profile",
        "kinds": "the kinds of the balance lines in it; `[]` if nothing was found",
        "basis": (
            "how sure its amounts are, as in a balance line: `computed` if any of them is; amounts"
            " of `scale_unknown` have a record of their own"
        ),
        "customers": "how many look-ups were made at this profile, in all units",
        "found": "how many answers have an available amount in this unit",
        "failed": "how many look-ups failed at this profile, in all units",
        "total": (
            "the sum of the available amounts, without the lines that have `sum_of`; null if"
            " nothing was found, or if the amounts cannot be added, such as percentages"
        ),
        "median": "the median of the available amounts; null if nothing was found",
        "largest": "the largest of them; null if nothing was found",
        "expiring": (
            "`amount` is what expires next, until `until`, and `customers` is how many have such an"
            " amount; `unclear` is how many have an expiry with no readable date or no amount; null"
            " if the platform never says what expires"
        ),
        "histogram": (
            "how many customers have `at_least` this amount and less than `below`; the first"
            " `at_least` is null if there are negative amounts"
        ),
    },
    "DiffRecord": {
        "by": "the way in which the customer was named",
        "name": "the balance line; null if there is no line to tell of",
        "kind": "the kind of the line",
        "unit": "the unit of `before`, `after` and `change`",
        "basis": "how sure they are, as in a balance line: the less sure one of both amounts",
        "sum_of": "the names of the lines that this line adds up: never add it to them",
        "amount": (
            "which amount of the line is compared: `available`, or `total` if only that is stated"
        ),
        "what": (
            "`changed`; `appeared` or `vanished` (only one of the exports has the line, or the"
            " customer); or `failed` (one of the look-ups failed, so nothing can be said)"
        ),
        "in_old": "the look-up in the older export: `answered`, `failed` or `absent`",
        "in_new": "the look-up in the newer export: the same",
        "before": "the amount in the older export; null if it is not known, which is not zero",
        "after": "the amount in the newer export; null if it is not known",
        "change": "`after` less `before`; null if either is null",
        "error": "why the look-up failed, if one of both did",
    },
    "DiffTotalRecord": {
        "unit": "the unit of the sums; null if there is no line at a profile",
        "kinds": "the kinds of the lines in it",
        "basis": "how sure the sums are, as in a summary",
        "compared": "how many lines have an amount in both exports",
        "changed": "how many of them changed, `--min-change` or not",
        "before": (
            "the sum of the older amounts of these lines, without the lines that have `sum_of`;"
            " null if there are none, or if the amounts cannot be added, such as percentages"
        ),
        "after": "the sum of their newer amounts",
        "change": "`after` less `before`",
        "appeared": "how many lines only the newer export has",
        "appeared_sum": "the sum of their amounts; null if there are none",
        "vanished": "how many lines only the older export has",
        "vanished_sum": "the sum of their amounts; null if there are none",
        "failed": (
            "how many look-ups at this profile failed in one of the exports or in both; their lines"
            " are in no sum"
        ),
    },
    "HistoryRecord": {
        "by": "the way in which the customer was named",
        "name": "the balance line; null if the customer had none when first seen",
        "kind": "the kind of the line",
        "unit": "the unit of `before`, `after` and `change`",
        "basis": "how sure they are, as in a balance line: the less sure one of both amounts",
        "sum_of": "the names of the lines that this line adds up: never add it to them",
        "amount": (
            "which amount of the line is told: `available`, or `total` if only that is stated"
        ),
        "what": "`first` (as it was first seen), `changed`, `appeared` or `vanished`",
        "before": "the amount before; null if it is not known, which is not zero",
        "after": "the amount since then; null if it is not known",
        "change": "`after` less `before`; null if either is null",
        "before_seen": "when the balance was last seen as it was before, in UTC; null if never",
        "at": "when it was first seen as it is in `after`, in UTC",
        "seen_by": "who saw that: the user and the host, and the file if it was imported",
        "last_seen": "when it was last seen like that, in UTC",
        "debits": (
            "the debits of ours between `before_seen` and `at`, in the unit of the line: `[]` if"
            " there was none, and null if there is no journal that can be read"
        ),
        "not_ours": (
            "how much of a fall these debits do not explain, all of them counted as made; null if"
            " nothing fell, or that is not known"
        ),
    },
    "DebitBetween": {
        "state": "`confirmed`, or `sending` or `unknown`: then it may not have been made",
        "at": "when it was sent, in UTC",
    },
    "DebitRecord": {
        "state": (
            "`planned` (nothing was sent), `sending`, `confirmed`, `refused`, `unknown`,"
            " `not_applied` or `dropped`"
        ),
        "attempt": (
            "how many attempts were made under this reference; more than one only after"
            " `not_applied`"
        ),
        "replayed": (
            "true if the debit was already on record in this state, and this run sent nothing"
        ),
        "balance_after": "what is left, if the platform says so",
        "provider_reference": "the platform's own name for the debit, if there is one",
        "at": "when the debit reached this state, in UTC",
        "planned_at": "when it was written into the journal, in UTC",
        "planned_by": (
            "who did that: the user, the host and the process; null in the output of other commands"
            " than `loyalty journal list` and `show`"
        ),
    },
    "DebitHistory": {
        "debit": "the debit, as above",
        "baseline": (
            "the balance just before the last attempt: `available`, `earned`, `redeemed`, `expired`"
            " and `cancelled`, as in a balance line; null if nothing was sent"
        ),
        "events": (
            "what happened, the oldest first: `at`, `actor` (the user, the host and the process),"
            " `attempt`, `before`, `after` and `why`"
        ),
        "next": (
            "the commands that can be next, each with its `purpose` and the `command` for a shell;"
            " `[]` if nothing is left to do"
        ),
    },
    "JournalSummaryRecord": {
        "state": "the state of the debits, as in a debit",
        "unit": "the unit of the sum",
        "debits": "how many debits of the profile are in that state, in that unit",
        "total": "the sum of their amounts",
        "sandbox": "true if these are debits of the sandbox",
        "profile": "the profile of the debits",
        "provider": "its provider",
    },
    "MessageRecord": {
        "level": "`error`, `warning`, or `trace`: a line of `--verbose`",
        "code": (
            "the code of an error or a warning, as in the tables above; or "
            "`defect`, `interrupted` or `other`"
        ),
        "message": "what happened, without the names below",
        "hint": "what to do now, or null",
        "details": (
            "the lines of a list or a file to correct, or of a request with `-vv`, one text each"
        ),
        "http_status": "the HTTP status, if there was an answer",
        "provider_code": "the platform's own code, as text",
        "profile": "the profile of the look-up or debit it is about, or null",
        "customer": "the customer of it",
        "reference": "the reference of the debit it is about, or null",
    },
    "PersonRecord": {
        "person": "the key of the person, as it was imported: an e-mail address, a number",
        "name": "the name; null if there is none",
        "identifiers": "the identifier at each profile where there is one",
        "sandbox": "true if these are the sandbox's own people",
    },
}

WARNINGS: Mapping[WarningCode, str] = {
    WarningCode.CURRENCY_UNKNOWN: "the platform does not say in which currency an amount is",
    WarningCode.MAY_BE_LESS: (
        "less may be available: the platform does not say whether expired or cancelled credit is"
        " still in its numbers"
    ),
    WarningCode.MEANING_UNKNOWN: (
        "the platform's documentation leaves open what a number means, as the message says"
    ),
    WarningCode.NOT_STATED: (
        "the answer has no balance in it, or not all of it: that is not a balance of zero"
    ),
    WarningCode.OPTION_IGNORED: "the platform ignores a query option that was given",
    WarningCode.PLATFORM: "a warning in the platform's own answer, in its words",
    WarningCode.SCALE_UNKNOWN: "an amount may be in whole or in minor units, such as cents",
    WarningCode.TYPE_UNKNOWN: "the platform's documentation does not have this type of balance",
    WarningCode.UNREADABLE: "a part of the answer cannot be read; it is in `details`",
}
