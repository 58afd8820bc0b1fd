"""Balances and debits in Python code: `from loyalty_cli import Loyalty`.

Nothing is printed. Warnings go to the logger `loyalty_cli`.
"""

import logging
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from loyalty_cli.balances.customer_list import ListedCustomer
from loyalty_cli.balances.lookup import BalanceReader, LookupTask, check_options
from loyalty_cli.balances.resume import Resumed
from loyalty_cli.balances.run import BalanceRun
from loyalty_cli.config.folders import default_path
from loyalty_cli.config.load import Config, load
from loyalty_cli.config.profile import Profile, check_rate
from loyalty_cli.credentials.access_tokens import AccessTokens
from loyalty_cli.credentials.keyring_store import KeyringStore
from loyalty_cli.credentials.sources import Credentials, CredentialSource
from loyalty_cli.debits.accounts import accounts_that_debit, adopt_debits, check_accounts
from loyalty_cli.debits.checks import order_of
from loyalty_cli.debits.debit_list import Row, check_amount, check_reference, check_unit
from loyalty_cli.debits.fingerprint import UsedKeys
from loyalty_cli.debits.journal.health import refuse_gap
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.debits.journal.store import Journal
from loyalty_cli.debits.journal_checks import check_on_record, planned_entries
from loyalty_cli.debits.mistakes import Mistakes
from loyalty_cli.debits.order_store import OrderStore
from loyalty_cli.debits.records import result_record
from loyalty_cli.debits.result import DebitResult
from loyalty_cli.debits.run import DebitStop, run_all
from loyalty_cli.debits.send_once import DebitSender
from loyalty_cli.lists.parallel import JOBS
from loyalty_cli.model.customer_id import check_customer
from loyalty_cli.model.errors import setup_error, usage_error
from loyalty_cli.model.records import DebitRecord, Lookup
from loyalty_cli.model.tally import Record
from loyalty_cli.network.http_client import CONNECTIONS, HttpClient
from loyalty_cli.network.platform_client import PlatformClient
from loyalty_cli.network.rate_limit import RateLimits
from loyalty_cli.network.retry import BULK, INTERACTIVE, RetryPolicy

Value = TypeVar("Value")

_LOG = logging.getLogger("loyalty_cli")


class Loyalty:
    """The profiles of a profile file; safe to use from several threads.

    `config` is the profile file; without it, LOYALTY_CONFIG or the user's own. With `sandbox`, the
    embedded sandbox is asked in place of the platforms. `rate` limits all requests together, in
    requests a second, and `jobs` is how many customers are looked up at a time. Raises
    LoyaltyError, as all methods do, with `code`, `message` and `hint`.
    """

    def __init__(
        self,
        config: str | Path | None = None,
        *,
        sandbox: bool = False,
        rate: float | None = None,
        jobs: int = JOBS,
    ) -> None:
        self._jobs = jobs
        self._is_sandbox = sandbox
        self._rate_limits = RateLimits(
            None if rate is None else _checked("rate", check_rate, str(rate))
        )
        self._keyring = KeyringStore()
        self._tokens = AccessTokens(self._keyring)
        with ExitStack() as stack:
            self._config, self._credentials = stack.enter_context(self._opened(config))
            self._one_by_one = self._client(stack, INTERACTIVE)
            self._lists = self._client(stack, BULK)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, and end the embedded sandbox."""
        self._open.close()

    @property
    def profiles(self) -> dict[str, str]:
        """The name of each profile with the name of its provider, in the order of the file."""
        return {name: each.provider.name for name, each in self._config.profiles.items()}

    def balance(
        self,
        customer: str,
        profile: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        by: str | None = None,
    ) -> Lookup:
        """Look up one customer: the record that `loyalty balance -o json` prints."""
        task = self._task(customer, self._profile(profile), options or {}, by)
        return _answered(BalanceReader(self._one_by_one).look_up(task))

    def balances(
        self,
        customers: Iterable[str],
        profile: str | None = None,
        options: Mapping[str, str] | None = None,
        *,
        by: str | None = None,
    ) -> Iterator[Lookup]:
        """Look up many customers, several at a time; yield the record of each, in their order.

        Customers are taken as they are needed. A look-up that fails has its `error` in the record.
        If all further ones would fail, too, such as with a rejected key, that record is the last,
        and LoyaltyError is raised after it.
        """
        if isinstance(customers, str):
            usage_error("balances() takes a list of customers, not one text.", "Use balance().")
        chosen = self._profile(profile)
        tasks = (self._task(customer, chosen, options or {}, by) for customer in customers)
        return self._run(tasks)

    def debit(
        self,
        customer: str,
        amount: int | str,
        reference: str,
        profile: str | None = None,
        *,
        unit: str | None = None,
    ) -> DebitRecord:
        """Debit a customer, once for each reference: the record that `loyalty debit` prints.

        If the debit is on record already, nothing is sent, and `replayed` is true. The journal
        must exist. Raises LoyaltyError unless the debit is confirmed: with the code
        `outcome_unknown` it may have been made, and must not be repeated under another reference.
        """
        row = Row(
            line=1,
            customer=check_customer(customer),
            amount=_checked("amount", check_amount, str(amount)),
            reference=_checked("reference", check_reference, reference),
            unit=None if unit is None else _checked("unit", check_unit, unit),
        )
        order = order_of(row, self._profile(profile), unit=None)
        with closing(OrderStore()) as orders, self._journal() as journal:
            orders.add(row.line, row.reference, order)
            result = self._debited(orders, journal)
        if result.error:
            raise result.error
        return result_record(result)

    def _debited(self, orders: OrderStore, journal: Journal) -> DebitResult:
        """Make the only debit of a store, after all checks that a command makes."""
        profiles = self._config.profiles.values()
        check_accounts(orders.profiles, profiles)
        adopt_debits(journal, orders.profiles)
        check_on_record(journal, orders, accounts_that_debit(profiles), Mistakes(None))
        keys = UsedKeys(journal, self._one_by_one, orders.profiles)
        for warning in keys.warnings():
            _LOG.warning(warning)
        journal.plan_all(order.planned for order in orders)
        stop = DebitStop()
        sender = DebitSender(journal, self._one_by_one)
        made = run_all(sender, orders, planned_entries(journal, orders), stop, jobs=1)
        results = list(keys.noted(made))
        if stop.journal_failed:
            raise stop.journal_failed
        (result,) = results
        return result

    @contextmanager
    def _journal(self) -> Iterator[Journal]:
        with closing(open_journal(self._config.journal_place, create=self._is_sandbox)) as journal:
            journal.database.check_unchanged()
            for warning in journal.database.warnings:
                _LOG.warning(warning)
            refuse_gap(journal.database)
            yield journal

    def _run(self, tasks: Iterator[LookupTask]) -> Generator[Lookup]:
        run = BalanceRun(self._lists, self._jobs, is_list=True, summary=None)
        with closing(run.records(Resumed(enumerate(tasks)))) as records:
            yield from map(_read, records)
        if run.mistake:
            raise run.mistake
        if run.ended_by:
            _answered(run.ended_by)

    def _task(
        self, customer: str, profile: Profile, options: Mapping[str, str], by: str | None
    ) -> LookupTask:
        listed = ListedCustomer(check_customer(customer))
        way = by or profile.by
        listed.check_way(profile, way)
        return LookupTask(profile, listed.customer, check_options(profile, options), way)

    def _profile(self, name: str | None) -> Profile:
        chosen = name or os.environ.get("LOYALTY_PROFILE") or self._config.default_profile
        if chosen is None:
            setup_error(
                f"no profile was named, and {self._config.origin} has no default_profile.",
                f"Available: {', '.join(self._config.profiles)}.",
            )
        return self._config.profile(chosen)

    @contextmanager
    def _opened(self, config: str | Path | None) -> Iterator[tuple[Config, CredentialSource]]:
        """The profiles and their credentials, of a profile file or of the sandbox."""
        if self._is_sandbox:
            from loyalty_cli.sandbox.embedded import embedded_sandbox

            with embedded_sandbox() as sandbox:
                yield sandbox
            return
        named = config or os.environ.get("LOYALTY_CONFIG")
        loaded = load(Path(named) if named else default_path())
        for warning in loaded.warnings:
            _LOG.warning(warning)
        yield loaded, Credentials(os.environ, self._keyring, _LOG.warning)

    def _client(self, stack: ExitStack, policy: RetryPolicy) -> PlatformClient:
        connections = max(self._jobs, CONNECTIONS)
        http = HttpClient(None, self._rate_limits, policy, connections)
        stack.callback(http.close)
        return PlatformClient(http, self._credentials, self._tokens)


def _read(record: Record) -> Lookup:
    assert isinstance(record, Lookup)  # no task here asks for the raw answer
    return record


def _answered(record: Record) -> Lookup:
    """The record of an answer; raise the error of a look-up that failed."""
    if record.error:
        raise record.error.as_error()
    return _read(record)


def _checked(name: str, check: Callable[[str], Value], text: str) -> Value:
    try:
        return check(text)
    except ValueError as error:
        usage_error(f"{name} {text[:80]!r} {error}.")
