"""Who may import whom (docs/design.md, "The house"), read from the imports."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "proxy"

FLOORS: tuple[frozenset[str], ...] = (
    frozenset(
        (
            "errors",
            "settings",
            "setting_kinds",
            "setting_texts",
            "metering",
            "environment",
            "clock",
            "patience",
            "gathering",
            "names",
            "wire",
            "contract",
            "gojson",
        )
    ),
    frozenset(("translate",)),
    frozenset(("backend", "catalog")),
    frozenset(("operations",)),
    frozenset(("http",)),
    frozenset(
        (
            "abilities",
            "cli",
            "checking",
            "asking_commands",
            "contract_command",
            "doctor",
            "keeping",
            "listening",
            "local",
            "local_server",
            "memory",
            "parsing",
            "serving",
            "workers",
            "__main__",
        )
    ),
)

ROOMS = {
    "openai": {"backend"},
    "httpx": {"backend"},
    "httpx2": {"backend"},
    "aiohttp": {"backend"},
    "connexion": {"http"},
    "starlette": {"http"},
    "swagger_ui_bundle": {"http"},
    "uvicorn": {"parsing", "serving"},
    "httptools": {"parsing"},
    "xllamacpp": {"local_server"},
    "prometheus_client": {"metering"},
    "pydantic_settings": {"settings"},
    "time": {"clock"},
    "datetime.datetime.now": {"clock"},
    "datetime.datetime.utcnow": {"clock"},
    "os.environ": {"settings", "local", "workers"},
    "os.environb": set(),
    "os.getenv": set(),
    "os.putenv": set(),
}
"""Things that have rooms of their own: a package, or a name in one."""

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
        "proxy",
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
    """`proxy.http.app` for proxy/http/app.py, `proxy.http` for its `__init__`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


TREES = {
    module_name(path): ast.parse(path.read_text(encoding="utf-8"), str(path))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room(module: str) -> str:
    """`http` for proxy.http.app; `""` for the package itself."""
    return module.partition(".")[2].partition(".")[0]


def floor(module: str) -> int:
    name = room(module)
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


def imports(tree: ast.AST) -> Iterator[str]:
    """Everything that is imported anywhere in a module, with dots: `proxy.errors.OllamaError`."""
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
        if name in TREES and name not in ("proxy", module):
            found.add(name)
    return found


def within(name: str, thing: str) -> bool:
    return name == thing or name.startswith(f"{thing}.")


@pytest.mark.parametrize("module", [name for name in TREES if name != "proxy"])
def test_every_module_has_a_floor_and_imports_only_downwards(module: str) -> None:
    shared = floor(module) in (0, len(FLOORS) - 1)
    for imported in inner_imports(module):
        lower = floor(imported) < floor(module)
        neighbour = room(imported) == room(module) or (shared and floor(imported) == floor(module))
        assert lower or neighbour, f"{module} imports {imported}"


@pytest.mark.parametrize("thing", sorted(ROOMS))
def test_what_has_a_room_of_its_own_stays_there(thing: str) -> None:
    for module, tree in TREES.items():
        if room(module) not in ROOMS[thing]:
            strays = [name for name in used_names(tree) if within(name, thing)]
            assert not strays, f"{module} uses {strays}"


@pytest.mark.parametrize("module", [name for name in TREES if room(name) == "translate"])
def test_the_core_is_pure(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(TREES[module])}
    assert roots <= PURE


def test_no_module_needs_itself() -> None:
    graph = {module: inner_imports(module) for module in TREES}
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    assert inner_imports("proxy") == set()


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
    assert not any(within(name, thing) for name in names for thing in ROOMS)


@pytest.mark.parametrize("module", [name for name in TREES if name != "proxy.wire"])
def test_a_module_has_at_most_250_lines(module: str) -> None:
    """`proxy.wire` is generated and as long as the contract."""
    path = PACKAGE.parent / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 250
