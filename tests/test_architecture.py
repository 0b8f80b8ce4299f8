"""Who may import whom (docs/design.md §3), read from the imports."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "proxy" / "ollama_facade"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset(("errors", "clock")),
    frozenset(("golang",)),
    frozenset(("names",)),
    frozenset(("contract", "config")),
    frozenset(("translate",)),
    frozenset(("backend", "catalog")),
    frozenset(("operations",)),
    frozenset(("server",)),
    frozenset(("cli", "embedded", "__main__")),
)
"""From the lowest to the highest; those of one line do not know each other, but for the last."""

HOMES = {
    "openai": {"backend"},
    "httpx": {"backend"},
    "httpx2": {"backend"},
    "aiohttp": {"backend"},
    "connexion": {"server"},
    "starlette": {"server"},
    "swagger_ui_bundle": {"server"},
    "uvicorn": {"server.protocol", "cli.serve"},
    "httptools": {"server.protocol"},
    "xllamacpp": {"embedded"},
    "prometheus_client": {"server.metrics"},
    "pydantic_settings": {"config"},
    "time": {"clock"},
    "datetime.datetime.now": {"clock"},
    "datetime.datetime.utcnow": {"clock"},
    "os.environ": {"config", "embedded", "cli.workers"},
    "os.environb": set(),
    "os.getenv": set(),
    "os.putenv": set(),
}
"""Where a package, or a name in one, may be used."""

PURE = frozenset(
    (
        "__future__",
        "array",
        "base64",
        "binascii",
        "collections",
        "dataclasses",
        "decimal",
        "enum",
        "functools",
        "hashlib",
        "importlib",
        "itertools",
        "json",
        "math",
        "orjson",
        "ollama_facade",
        "re",
        "secrets",
        "string",
        "struct",
        "types",
        "typing",
        "unicodedata",
        "zlib",
    )
)
"""What the core may import: nothing that reads, writes, waits, or knows the time."""


def module_name(path: Path) -> str:
    """`ollama_facade.server.app` for server/app.py, `ollama_facade.server` for its `__init__`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


TREES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def package(module: str) -> str:
    """`http` for ollama_facade.server.app; `""` for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def layer(module: str) -> int:
    name = package(module)
    return next(number for number, packages in enumerate(LAYERS) if name in packages)


def imports(tree: ast.AST) -> Iterator[str]:
    """Everything that a module imports, with dots: `ollama_facade.errors.OllamaError`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports here are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def used_names(tree: ast.AST) -> Iterator[str]:
    """What is imported, and every `a.b.c` with `a` spelt out as what was imported under it."""
    meant = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                meant[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                meant[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    yield from imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in meant:
                yield f"{meant[head]}.{rest}"


def inner_imports(module: str) -> set[str]:
    """The modules of this package that a module imports."""
    found = set()
    for name in imports(TREES[module]):
        while name not in TREES and "." in name:
            name = name.rpartition(".")[0]
        if name in TREES and name not in ("ollama_facade", module):
            found.add(name)
    return found


def within(name: str, thing: str) -> bool:
    return name == thing or name.startswith(f"{thing}.")


@pytest.mark.parametrize("module", [name for name in TREES if name != "ollama_facade"])
def test_a_module_imports_only_lower_layers(module: str) -> None:
    shared = layer(module) in (0, len(LAYERS) - 1)
    for imported in inner_imports(module):
        lower = layer(imported) < layer(module)
        neighbour = package(imported) == package(module) or (
            shared and layer(imported) == layer(module)
        )
        assert lower or neighbour, f"{module} imports {imported}"


@pytest.mark.parametrize("thing", sorted(HOMES))
def test_a_library_is_used_only_where_it_belongs(thing: str) -> None:
    for module, tree in TREES.items():
        if not any(within(module, f"ollama_facade.{home}") for home in HOMES[thing]):
            strays = [name for name in used_names(tree) if within(name, thing)]
            assert not strays, f"{module} uses {strays}"


@pytest.mark.parametrize("module", [name for name in TREES if package(name) == "translate"])
def test_the_core_is_pure(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(TREES[module])}
    assert roots <= PURE


def test_no_module_needs_itself() -> None:
    graph = {module: inner_imports(module) for module in TREES}
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    assert inner_imports("ollama_facade") == set()


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("import os\nos.environ['A']", "os.environ"),
        ("from os import environ", "os.environ"),
        ("import os as system\nsystem.environ.get('A')", "os.environ"),
        ("def f():\n    import uvicorn.config", "uvicorn"),
        ("from datetime import datetime as d\nd.now()", "datetime.datetime.now"),
    ],
)
def test_a_stray_is_seen_however_it_is_written(source: str, used: str) -> None:
    assert any(within(name, used) for name in used_names(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["import httpx_like", "scope = {}\nscope.environ", "x.os.environ"]
)
def test_what_only_looks_like_a_stray_is_none(source: str) -> None:
    names = list(used_names(ast.parse(source)))
    assert not any(within(name, thing) for name in names for thing in HOMES)


@pytest.mark.parametrize(
    "module", [name for name in TREES if name != "ollama_facade.contract.wire"]
)
def test_a_module_has_at_most_250_lines(module: str) -> None:
    """`ollama_facade.contract.wire` is generated and as long as the contract."""
    path = PACKAGE.parent / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 250
