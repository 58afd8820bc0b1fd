"""Several cases of one promise: all that fall short are told, each by its name."""

from types import TracebackType
from typing import Any, Self

from loyalty_cli.testing.json_tree import difference

__tracebackhide__ = True  # pytest shows what fell short, and not this module

MOST_TOLD = 5


class EachCase:
    """Tries cases one by one; one AssertionError at its end tells all that fall short.

    `with EachCase() as case:` begins it, and `with case(name):` each case.
    """

    def __init__(self) -> None:
        self.short: list[str] = []

    def __call__(self, name: str) -> "_Case":
        """Begin a case."""
        return _Case(name, self.short)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None and self.short:
            rest = len(self.short) - MOST_TOLD
            more = [f"and {rest} more"] if rest > 0 else []
            raise AssertionError("\n".join([*self.short[:MOST_TOLD], *more]))


class _Case:
    """One case, by its name."""

    def __init__(self, name: str, short: list[str]) -> None:
        self._name = name
        self._short = short

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> bool:
        if isinstance(error, AssertionError):
            self._short.append(f"{self._name}: {error}")
            return True
        if error is not None:
            error.add_note("\n".join([f"in the case {self._name}", *self._short]))
        return False


def same(got: Any, expected: Any, what: str) -> None:
    """Raise AssertionError, which says where the two differ, unless they are equal."""
    if found := difference(got, expected, what):
        raise AssertionError(found)


def true(is_so: bool, otherwise: str) -> None:
    """Raise AssertionError with this text unless it is so."""
    if not is_so:
        raise AssertionError(otherwise)
