"""Several cases of one promise: all that fall short are told, each by its name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from loyalty_cli.testing.json_tree import difference

MOST_TOLD = 5

Case = Callable[[str], AbstractContextManager[None]]


@contextmanager
def each_case() -> Iterator[Case]:
    """Try cases one by one; raise one AssertionError for all that fall short, at the end."""
    short: list[str] = []

    @contextmanager
    def case(name: str) -> Iterator[None]:
        try:
            yield
        except AssertionError as error:
            short.append(f"{name}: {error}")
        except Exception as error:
            error.add_note("\n".join([f"in the case {name}", *short]))
            raise

    yield case
    if short:
        more = [f"and {len(short) - MOST_TOLD} more"] if len(short) > MOST_TOLD else []
        raise AssertionError("\n".join([*short[:MOST_TOLD], *more]))


def same(got: Any, expected: Any, what: str) -> None:
    """Raise AssertionError, which says where the two differ, unless they are equal."""
    if found := difference(got, expected, what):
        raise AssertionError(found)


def true(is_so: bool, otherwise: str) -> None:
    """Raise AssertionError with this text unless it is so."""
    if not is_so:
        raise AssertionError(otherwise)
