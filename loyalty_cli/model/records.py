"""The records: what `-o json` promises. Every key is always there."""

from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from loyalty_cli.model.amount import Amount
from loyalty_cli.model.errors import ErrorCode, LoyaltyError
from loyalty_cli.model.named_commands import pasteable

SCHEMA_VERSION = 2

Kind = Literal["points", "money", "credit", "percent", "codes", "other"]
Basis = Literal["stated", "computed", "scale_unknown"]


class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A typed, immutable record; its fields are its JSON keys, in order."""


class Value(Record, frozen=True, kw_only=True):
    """The worth of an amount in money, in whole units of `currency`, as the platform states it."""

    currency: str | None = None
    available: Amount | None = None
    pending: Amount | None = None
    total: Amount | None = None


class NextExpiry(Record, frozen=True, kw_only=True):
    """The next expiry; `at` is the platform's text, with an offset only if it sent one."""

    amount: Amount | None = None
    value: Amount | None = None
    at: str | None = None


class Balance(Record, frozen=True, kw_only=True):
    """One line of a customer's balance; null means "the platform does not say", never zero.

    `basis` is how sure `available` is: `stated` by the platform, `computed` from its other numbers,
    or `scale_unknown` if it may be in minor units. `includes_pending` is whether `pending` is part
    of `total`, and `sum_of` names the lines whose sum this line is.
    """

    name: str
    kind: Kind
    unit: str | None = None
    basis: Basis = "stated"
    includes_pending: bool | None = None
    sum_of: tuple[str, ...] | None = None
    available: Amount | None = None
    pending: Amount | None = None
    total: Amount | None = None
    earned: Amount | None = None
    redeemed: Amount | None = None
    expired: Amount | None = None
    cancelled: Amount | None = None
    count: Amount | None = None
    value: Value | None = None
    next_expiry: NextExpiry | None = None


class WarningCode(StrEnum):
    """Every value `code` of a warning can have."""

    CURRENCY_UNKNOWN = "currency_unknown"
    MAY_BE_LESS = "may_be_less"
    MEANING_UNKNOWN = "meaning_unknown"
    NOT_STATED = "not_stated"
    OPTION_IGNORED = "option_ignored"
    PLATFORM = "platform"
    SCALE_UNKNOWN = "scale_unknown"
    TYPE_UNKNOWN = "type_unknown"
    UNREADABLE = "unreadable"


class WarningRecord(Record, frozen=True):
    """Something about a balance that the user must know; `code` is from a closed list."""

    code: WarningCode
    message: str


class Failure(Record, frozen=True, kw_only=True):
    """Why a look-up failed; `code` is from a closed list, `provider_code` from the platform."""

    code: ErrorCode
    message: str
    hint: str | None = None
    http_status: int | None = None
    provider_code: str | None = None

    @classmethod
    def of(cls, error: LoyaltyError) -> "Failure":
        """Make the record of an error."""
        fields = {name: getattr(error, name) for name in cls.__struct_fields__}
        hint = error.hint and pasteable(error.hint)
        return cls(**{**fields, "message": pasteable(error.message), "hint": hint})

    def as_error(self) -> LoyaltyError:
        """The error that this is the record of."""
        return LoyaltyError(**{name: getattr(self, name) for name in self.__struct_fields__})


class MessageRecord(Record, frozen=True, kw_only=True):
    """A message on stderr with `--errors json`; every line there is one.

    `profile`, `customer` and `reference` say which look-up or debit it is about, if it is about one
    of them.
    """

    schema_version: int = SCHEMA_VERSION
    level: Literal["error", "warning", "trace"]
    code: str
    message: str
    hint: str | None = None
    details: tuple[str, ...] = ()
    http_status: int | None = None
    provider_code: str | None = None
    profile: str | None = None
    customer: str | None = None
    reference: str | None = None


class LookedUp(Record, frozen=True, kw_only=True):
    """The customer and the profile of a look-up, and its time.

    `asked` is `by`, the way the customer was named, and the query options as they were sent.
    `platform_customer` is the customer's id at the platform, if the answer names the customer.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    customer: str
    sandbox: bool
    asked: dict[str, str]
    platform_customer: str | None = None
    retrieved_at: str


class Lookup(LookedUp, frozen=True, kw_only=True):
    """A customer's balance at one profile, or the error."""

    balances: tuple[Balance, ...] = ()
    details: dict[str, Any] | None = None
    warnings: tuple[WarningRecord, ...] = ()
    error: Failure | None = None


class RawLookup(LookedUp, frozen=True, kw_only=True):
    """A look-up with the platform's body in place of `balances` and `details`."""

    raw: Any = None
    warnings: tuple[WarningRecord, ...] = ()
    error: Failure | None = None


class Expiring(Record, frozen=True, kw_only=True):
    """The credit that expires within `days`, until `until`, as far as the platform reports it.

    `unclear` counts customers with an expiry that has no amount or no readable date: it is not in
    `amount`, and may be within `days`, too.
    """

    days: int
    until: str
    amount: Amount | None = None
    customers: int
    unclear: int


class Bin(Record, frozen=True, kw_only=True):
    """How many customers have an amount in a range; null means no lower limit."""

    at_least: Amount | None = None
    below: Amount
    customers: int


class SummaryRecord(Record, frozen=True, kw_only=True):
    """The sums of all look-ups at one profile, in one unit.

    `customers` counts the look-ups in any unit, `failed` those that failed, and `found` those with
    an available amount in this unit. `kinds` are the kinds of its balance lines, empty if nothing
    was found, and `basis` is that of the least sure of them. `total` is null if such amounts cannot
    be added, and `expiring` if the platform never reports an expiry.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    sandbox: bool
    unit: str | None = None
    kinds: tuple[Kind, ...] = ()
    basis: Basis | None = None
    customers: int
    found: int = 0
    failed: int
    total: Amount | None = None
    median: Amount | None = None
    largest: Amount | None = None
    expiring: Expiring | None = None
    histogram: tuple[Bin, ...] = ()


What = Literal["changed", "appeared", "vanished", "failed"]
InFile = Literal["answered", "failed", "absent"]


class DiffRecord(Record, frozen=True, kw_only=True):
    """What is different about one balance line in two exports, an older and a newer one.

    null means "not known", never zero: `before` is null if the older export does not have the
    amount, `after` if the newer one does not, and `change` if either is. A look-up that was not
    answered in one of the exports has the `error`, and a record without a line if the other one
    has none.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    customer: str
    by: str
    sandbox: bool
    name: str | None = None
    kind: Kind | None = None
    unit: str | None = None
    basis: Basis | None = None
    sum_of: tuple[str, ...] | None = None
    amount: Literal["available", "total"] = "available"
    what: What
    in_old: InFile
    in_new: InFile
    before: Amount | None = None
    after: Amount | None = None
    change: Amount | None = None
    error: Failure | None = None


class DiffTotalRecord(Record, frozen=True, kw_only=True):
    """The sums of all differences at one profile, in one unit.

    `before`, `after` and `change` are sums over the lines that have an amount in both exports, and
    are null if such amounts cannot be added. `failed` counts the look-ups that failed in one of the
    exports or both, in any unit.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    sandbox: bool
    unit: str | None = None
    kinds: tuple[Kind, ...] = ()
    basis: Basis | None = None
    compared: int = 0
    changed: int = 0
    before: Amount | None = None
    after: Amount | None = None
    change: Amount | None = None
    appeared: int = 0
    appeared_sum: Amount | None = None
    vanished: int = 0
    vanished_sum: Amount | None = None
    failed: int


class CredentialRecord(Record, frozen=True, kw_only=True):
    """The source of one credential: null if no source has it; never its value."""

    field: str
    source: str | None = None
    error: Failure | None = None


class KeyCheckRecord(Record, frozen=True, kw_only=True):
    """Whether the platform takes the credentials of a profile; `error` is why it is not certain.

    It was `not_asked` if a credential is missing or cannot be read.
    """

    result: Literal["accepted", "refused", "unclear", "not_asked"]
    error: Failure | None = None


class ProfileRecord(Record, frozen=True, kw_only=True):
    """One profile of the profile file; `check` is null if the platform was not to be asked."""

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    base_url: str
    auth: str
    default: bool
    sandbox: bool
    credentials: tuple[CredentialRecord, ...]
    check: KeyCheckRecord | None = None


class AuthRecord(Record, frozen=True, kw_only=True):
    """One way to sign in, and the credentials it needs."""

    name: str
    credentials: tuple[str, ...]


class ParameterRecord(Record, frozen=True, kw_only=True):
    """A profile key or a query option of one provider."""

    name: str
    help: str
    required: bool


class WayRecord(Record, frozen=True, kw_only=True):
    """A way to name a customer."""

    name: str
    help: str


class LimitRecord(Record, frozen=True, kw_only=True):
    """A published limit: at most `requests` within any `seconds`."""

    requests: int
    seconds: float


class ProviderRecord(Record, frozen=True, kw_only=True):
    """One provider: its sign-in, ways, settings and options, and where its numbers come from.

    `read_limits` are the limits that the platform publishes for look-ups; empty if there are none.
    """

    schema_version: int = SCHEMA_VERSION
    provider: str
    title: str
    base_url: str | None
    auth: tuple[AuthRecord, ...]
    ways: tuple[WayRecord, ...]
    settings: tuple[ParameterRecord, ...]
    options: tuple[ParameterRecord, ...]
    read_limits: tuple[LimitRecord, ...]
    debits: bool
    numbers: dict[str, str]
    pages: tuple[str, ...]


class ShortfallRecord(Record, frozen=True, kw_only=True):
    """A check that a described provider does not pass: `broken`, or only a `warning`.

    `example` is the example in the file that it is about, by its line.
    """

    schema_version: int = SCHEMA_VERSION
    provider: str
    example: str | None
    check: str
    status: Literal["warning", "broken"]
    message: str


CheckStatus = Literal["ok", "warning", "broken"]


class CheckRecord(Record, frozen=True, kw_only=True):
    """What one check of `loyalty doctor` found, and what to do; `broken` stops look-ups."""

    check: str
    status: CheckStatus
    message: str
    hint: str | None


State = Literal["planned", "sending", "confirmed", "refused", "unknown", "not_applied", "dropped"]


class DebitRecord(Record, frozen=True, kw_only=True):
    """The state of a debit; `replayed` if an earlier run recorded it, and this run sent nothing.

    `planned_by` is null where the journal was not asked for it.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    customer: str
    unit: str
    amount: int
    reference: str
    state: State
    attempt: int
    replayed: bool = False
    balance_after: Amount | None = None
    provider_reference: str | None = None
    at: str
    sandbox: bool
    error: Failure | None = None
    planned_at: str
    planned_by: str | None = None


class DebitBetween(Record, frozen=True, kw_only=True):
    """A debit of ours that may have changed a balance; `at` is when it was sent, in UTC."""

    reference: str
    amount: int
    unit: str
    state: State
    at: str


class HistoryRecord(Record, frozen=True, kw_only=True):
    """A change of one balance line, or what it was when it was first seen.

    It changed between `before_seen` and `at`. null means "not known", never zero. `debits` are
    those of ours in that time, and null if there is no journal that can be read. `not_ours` is the
    part of a fall that they do not explain.
    """

    schema_version: int = SCHEMA_VERSION
    profile: str
    provider: str
    customer: str
    by: str
    sandbox: bool
    name: str | None = None
    kind: Kind | None = None
    unit: str | None = None
    basis: Basis | None = None
    sum_of: tuple[str, ...] | None = None
    amount: Literal["available", "total"] = "available"
    what: Literal["first", "changed", "appeared", "vanished"]
    before: Amount | None = None
    after: Amount | None = None
    change: Amount | None = None
    before_seen: str | None = None
    at: str
    seen_by: str
    last_seen: str
    debits: tuple[DebitBetween, ...] | None = None
    not_ours: Amount | None = None


class JournalSummaryRecord(Record, frozen=True, kw_only=True):
    """How many debits of a profile are in one state, and their sum in one unit."""

    schema_version: int = SCHEMA_VERSION
    state: State
    unit: str
    debits: int
    total: int
    sandbox: bool
    profile: str
    provider: str


class EventRecord(Record, frozen=True, kw_only=True):
    """A change of a debit's state, or a note: by whom, when, and why."""

    at: str
    actor: str
    attempt: int
    before: State | None
    after: State
    why: str


class BaselineRecord(Record, frozen=True, kw_only=True):
    """The balance just before a debit was sent; null where the platform did not say."""

    available: Amount | None = None
    earned: Amount | None = None
    redeemed: Amount | None = None
    expired: Amount | None = None
    cancelled: Amount | None = None


class NextCommand(Record, frozen=True, kw_only=True):
    """A command that can be next for a debit, and what it is for."""

    purpose: str
    command: str


class DebitHistory(Record, frozen=True, kw_only=True):
    """A debit with everything that happened to it, and the commands that can be next.

    `baseline` is that of the last attempt, and null if there was none.
    """

    schema_version: int = SCHEMA_VERSION
    debit: DebitRecord
    baseline: BaselineRecord | None = None
    events: tuple[EventRecord, ...]
    next: tuple[NextCommand, ...] = ()


class JournalRecord(Record, frozen=True, kw_only=True):
    """The content of a journal, and whether it is intact.

    `intact` is null for a server, which checks that itself. `debits` counts debits by their state;
    it is null if damage prevents reading them. `newest` is the time of the last change. Debits
    since `unreviewed_since` may be missing, because an older journal was restored.
    """

    schema_version: int = SCHEMA_VERSION
    journal: str
    intact: bool | None
    faults: tuple[str, ...] = ()
    debits: dict[str, int] | None
    newest: str | None
    unreviewed_since: str | None


class PersonRecord(Record, frozen=True, kw_only=True):
    """A person: the key of the list, the name if there is one, and identifiers by profile."""

    schema_version: int = SCHEMA_VERSION
    person: str
    name: str | None
    identifiers: dict[str, str]
    sandbox: bool
