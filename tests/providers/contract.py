"""The built-in providers' cases, and each of their platforms, asked through the program."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from loyalty_cli.sandbox.server import Handle, Received, Reply, Server
from loyalty_cli.testing import (
    Cases,
    DebitCases,
    Fails,
    Reads,
    Told,
    at,
    no_answer,
    warned,
    with_raw,
)
from loyalty_cli.testing.json_tree import about, changed
from loyalty_cli.testing.look_ups import HTML
from tests.conftest import Outcome, Run

__all__ = [
    "CUSTOMER",
    "HTML",
    "Cases",
    "CasesPlatform",
    "DebitCases",
    "Fails",
    "Reads",
    "about",
    "at",
    "cases_of",
    "changed",
    "digits",
    "no_answer",
    "warned",
    "with_raw",
]

CUSTOMER = "C-1001"
PROFILE = "main"


def digits(outcome: Outcome) -> Any:
    """The only record, each of its numbers as the text it was printed as."""
    (record,) = json.loads(outcome.out, parse_int=str, parse_float=str)
    return record


class CasesPlatform:
    """One provider, asked through the program; a server on loopback stands for its platform."""

    def __init__(
        self,
        cases: Cases,
        loyalty: Run,
        profile_file: Callable[[str], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.cases = cases
        self.provider = cases.loaded
        self.received: list[Received] = []
        self.script: Handle | None = None
        self.url = ""
        self._loyalty = loyalty
        self._write = profile_file
        self.asked = cases.customer
        self._replies: list[Reply] = [Reply(body=cases.answer)]
        for name, secret in cases.credentials.items():
            monkeypatch.setenv(f"LOYALTY_{PROFILE}_{name}".upper(), secret)

    @contextmanager
    def answering(self) -> Iterator["CasesPlatform"]:
        """Serve until the block ends."""
        with Server(self._handle) as server:
            self.url = server.url
            self.profile()
            yield self

    def profile(self, **keys: Any) -> None:
        """Write the profile; `keys` come on top of those that every one of them needs."""
        entry = {
            "provider": self.cases.name,
            "base_url": self.url,
            **self.cases.settings,
            **keys,
        }
        self._write(json.dumps({"default_profile": PROFILE, "profiles": {PROFILE: entry}}))

    def replies(self, *replies: Any) -> "CasesPlatform":
        """Answer with these from now on, in this order; the last one stays."""
        self._replies = [
            reply if isinstance(reply, Reply) else Reply(body=reply) for reply in replies
        ]
        return self

    def run(self, *arguments: str, customer: str | None = None) -> Outcome:
        """Look a customer up in JSON, or as `arguments` have it."""
        self.received.clear()
        self.asked = customer or self.cases.customer
        return self._loyalty("balance", self.asked, "-o", "json", *arguments)

    def reads(self, *arguments: str) -> Any:
        """The record of a look-up that must go well."""
        done = self.run(*arguments)
        assert (done.code, done.err) == (0, "")
        return done.record

    def tells(self, *arguments: str) -> Told:
        """What a look-up that must fail told its user."""
        done = self.run(*arguments)
        error = done.record["error"]
        assert 1 <= len(done.err.splitlines()) <= 2
        assert done.err.startswith("Error: ")
        assert "Traceback" not in done.err
        return Told(done.code, error["code"], error["message"], error["provider_code"])

    def _handle(self, received: Received) -> Reply:
        self.received.append(received)
        reply = self._reply_to(received)
        return replace(reply, body=about(reply.body, self.asked))

    def _reply_to(self, received: Received) -> Reply:
        if self.script is not None:
            return self.script(received)
        if received.method == "POST" and self.cases.token is not None:
            return Reply(body=self.cases.token)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


def cases_of(name: str) -> Cases | None:
    """The cases of a provider; None where there are none."""
    try:
        module = import_module(f"tests.providers.test_{name}")
    except ModuleNotFoundError:
        return None
    found = getattr(module, "CASES", None)
    return found if isinstance(found, Cases) else None
