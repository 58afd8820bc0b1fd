"""The requests of one look-up: a provider's steps, carried out within one deadline."""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, TypeVar

from msgspec.structs import replace

from loyalty_cli.config.profile import Profile
from loyalty_cli.credentials.redaction import remember
from loyalty_cli.model.errors import LoyaltyError, usage_error
from loyalty_cli.network.answers import (
    body_of,
    several_customers,
    too_many_requests,
    undocumented,
    unknown_customer,
    wrong_customer,
)
from loyalty_cli.network.deadline import Deadline
from loyalty_cli.network.failures import bad_response, timed_out
from loyalty_cli.network.http_client import UnsafePathError, base_url_of, check_path
from loyalty_cli.providers.contract import (
    Answer,
    NoCustomerError,
    Question,
    Request,
    SeveralCustomersError,
    UnknownCustomerError,
    WrongCustomerError,
)

MOST_REQUESTS = 10
"""How many requests one look-up may take, without those for a token."""

Made = TypeVar("Made")
Send = Callable[[Request], Answer]
Ask = Callable[[str], str]
"""Asks the person at the terminal; raises LoyaltyError if there is none."""


def nobody(question: str) -> str:
    """Raise the error for a question without a terminal to ask it on."""
    usage_error(f"{question} must be typed, and there is no terminal.", "Run it in a terminal.")


class Conversation:
    """Requests to one platform about one customer, and the answers so far."""

    def __init__(
        self,
        profile: Profile,
        customer: str,
        send: Send,
        deadline: Deadline,
        without_secrets: Callable[[Any, list[Answer]], Any],
    ) -> None:
        self.answers: list[Answer] = []
        self._profile = profile
        self._customer = customer
        self._send = send
        self._deadline = deadline
        self._without_secrets = without_secrets

    @property
    def age(self) -> str | None:
        """The Age header (seconds) of an answer from a cache; None if there is none."""
        ages = [answer.headers["age"] for answer in self.answers if "age" in answer.headers]
        return max(ages, key=lambda age: age != "0", default=None)

    def run(self, steps: Generator[Request | Question, Any, Made], ask: Ask = nobody) -> Made:
        """Carry out the steps, and return what they make; raise LoyaltyError if one fails."""
        given: Answer | str | None = None
        try:
            while True:
                try:
                    step = steps.send(given)
                except StopIteration as done:
                    made: Made = done.value
                    return made
                except ValueError as error:
                    if not self.answers:
                        raise
                    raise self._fault(error) from None
                given = self._typed(ask, step) if isinstance(step, Question) else self._ask(step)
        finally:
            with suppress(Exception):  # what ended the steps matters more than how they clean up
                steps.close()

    def shown(self, made: Made) -> Made:
        """What was made of the answers, without secrets; raise LoyaltyError if it took too long."""
        if self._deadline.left() <= 0:  # reading an answer can take long, too
            where = f"{self._profile.provider.title} at {self._profile.host}"
            raise timed_out(where, self._profile.timeout)
        shown: Made = self._without_secrets(made, self.answers)
        return shown

    def _typed(self, ask: Ask, question: Question) -> str:
        """What a person types; the time for that does not count."""
        left = self._deadline.left()
        answer = ask(question.text)
        self._deadline.extend(left - self._deadline.left())
        remember(answer)  # a one-time code is a secret, too
        return answer

    def _ask(self, request: Request) -> Answer:
        if len(self.answers) == MOST_REQUESTS:
            raise too_many_requests(self._profile, MOST_REQUESTS)
        self._check_path(request)
        answer = self._send(request)
        self.answers.append(answer)
        asked = self._profile
        if request.base_url is not None:
            asked = replace(asked, base_url=base_url_of(asked, request))
        body_of(answer, asked, self._customer, request.path)
        return answer

    def _check_path(self, request: Request) -> None:
        """Raise LoyaltyError, before a token is asked for, if a path is not a safe one.

        After an answer, what is wrong in the path comes from there.
        """
        try:
            check_path(self._profile, request)
        except UnsafePathError as error:
            if not self.answers:
                raise
            raise bad_response(error.message, self.answers[-1].status) from None

    def _fault(self, error: ValueError) -> LoyaltyError:
        last = self.answers[-1]
        match error:
            case UnknownCustomerError():
                return unknown_customer(last, self._profile, self._customer, str(error))
            case SeveralCustomersError():
                return several_customers(last, self._profile, self._customer, str(error))
            case WrongCustomerError():
                return wrong_customer(last, self._profile, str(error))
            case NoCustomerError():
                return LoyaltyError(**vars(undocumented(last, self._profile, error)))
            case _:
                return undocumented(last, self._profile, error)
