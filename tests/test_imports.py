"""Who may import whom: the folders have an order, and imports only go down."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import loyalty_cli

PACKAGE = Path(loyalty_cli.__file__).parent
ORDER = (
    ("cli", "library"),
    ("commands",),
    ("testing",),
    ("balances", "debits", "people", "history"),
    ("network", "sandbox"),
    ("output", "credentials", "database"),
    ("config",),
    ("providers", "lists"),
    ("model",),
)
RANKS = {folder: rank for rank, folders in enumerate(ORDER) for folder in folders}
NEVER_PRINT = ("debits", "people", "network", "credentials", "database", "config", "providers")


def folder_of(module: str) -> str:
    """The folder of a module, or its own name: what follows the package's name."""
    return module.split(".")[1]


def modules() -> dict[str, Path]:
    """Every module of the package except the start, with its file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        if name not in ("loyalty_cli", "loyalty_cli.__main__"):
            found[name] = path
    return found


MODULES = modules()


def imports(module: str) -> Iterator[str]:
    """The modules of the package that one names in its imports, wherever they stand in it."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                if inner in MODULES or node.module in MODULES:
                    yield inner if inner in MODULES else node.module


GRAPH = {module: set(imports(module)) for module in MODULES}


def test_every_module_has_a_place_in_the_order() -> None:
    assert {folder_of(module) for module in MODULES} == set(RANKS)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_its_own_folder_and_lower_ones(module: str) -> None:
    mine = folder_of(module)
    others = {other: folder_of(other) for other in GRAPH[module] if folder_of(other) != mine}

    assert [other for other, its in others.items() if RANKS[its] <= RANKS[mine]] == []
    if mine in NEVER_PRINT:
        assert "output" not in others.values()
    if mine == "output":
        assert set(others.values()) <= {"model"}


def test_no_import_runs_in_a_circle() -> None:
    done: set[str] = set()

    def walk(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " > ".join([*above[above.index(module) :], module])
        if module not in done:
            for other in GRAPH[module]:
                walk(other, (*above, module))
            done.add(module)

    for module in MODULES:
        walk(module, ())
