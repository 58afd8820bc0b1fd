"""Tests for a provider: the contract, a fake platform, and the cases that an author writes."""

from loyalty_cli.sandbox.server import Received, Reply
from loyalty_cli.testing.cases import (
    Cases,
    DebitCases,
    Fails,
    Reads,
    Step,
    WayCases,
    no_answer,
    warned,
)
from loyalty_cli.testing.contract import Fault, ProviderContract, faults, promises
from loyalty_cli.testing.fake_platform import FakePlatform, Told
from loyalty_cli.testing.json_tree import at, with_raw

__all__ = [
    "Cases",
    "DebitCases",
    "Fails",
    "FakePlatform",
    "Fault",
    "ProviderContract",
    "Reads",
    "Received",
    "Reply",
    "Step",
    "Told",
    "WayCases",
    "at",
    "faults",
    "no_answer",
    "promises",
    "warned",
    "with_raw",
]
