"""The contract of providers as a class of tests, for pytest and without it."""

import traceback
from pathlib import Path
from unittest import SkipTest

from msgspec import Struct
from msgspec.structs import replace

from loyalty_cli.providers.contract import Provider
from loyalty_cli.testing.cases import Cases
from loyalty_cli.testing.debits import DebitPromises
from loyalty_cli.testing.look_ups import LookUpPromises

PREFIX = "test_"


class ProviderContract(LookUpPromises, DebitPromises):
    """The promises of every provider: a subclass with `cases` tests one.

    Each method is a promise. It tries all its cases, and its AssertionError names those that fall
    short. It needs neither pytest nor a profile file, keyring or network.
    """


class Fault(Struct, frozen=True):
    """A promise that a provider does not keep, and how."""

    promise: str
    text: str


def promises() -> list[str]:
    """The names of the methods of the contract."""
    return [name for name in dir(ProviderContract) if name.startswith(PREFIX)]


def faults(provider: Provider | str, cases: Cases) -> list[Fault]:
    """Try every promise of a provider, and return those that it does not keep."""

    class Contract(ProviderContract):
        pass

    Contract.cases = replace(cases, provider=provider)
    found = []
    for name in promises():
        try:
            getattr(Contract(), name)()
        except SkipTest:
            continue
        except AssertionError as error:
            found.append(Fault(_sentence(name), str(error)))
        except Exception as error:  # noqa: BLE001 - a provider can raise anything
            found.append(Fault(_sentence(name), _defect(error)))
    return found


def _sentence(name: str) -> str:
    """A promise in words: in the name of its method, two underscores are a comma."""
    words = name.removeprefix(PREFIX).replace("__", ", ").replace("_", " ")
    return words.replace("json", "JSON").replace("look up", "look-up")


def _defect(error: Exception) -> str:
    """An exception that is no promise's, with the place it is from."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    where = f"{Path(place.filename).name}, line {place.lineno}"
    return f"{type(error).__name__} in {where}: {error}{notes}"
