"""The architecture of the package (docs/design.md §3): layers, libraries and packages."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
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
"""From the lowest to the highest. Packages of one layer do not import each other, but for those of
the first and the last."""

ROOT_MODULES = frozenset(("__init__", "__main__", "errors", "clock", "names"))

MAX_MODULE_LINES = 250

LIBRARIES = {
    "openai": {"backend"},
    "httpx": {"backend"},
    "httpx2": {"backend"},
    "aiohttp": {"backend"},
    "connexion": {"server"},
    "starlette": {"server"},
    "swagger_ui_bundle": {"server"},
    "uvicorn": {"server.protocol", "cli.serve"},
    "httptools": {"server.protocol"},
    "xllamacpp": {"embedded.server"},
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
"""The packages and modules that may use a library, or a name in one."""

PRIVATE_PARTS = frozenset(("openai._vendor", "aiohttp.client_proto", "aiohttp.http_writer"))
"""Modules of libraries that are not part of their public API, whatever their names."""

MAY_USE_PRIVATE_PARTS = frozenset(("server.protocol",))

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
        "numpy",
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
"""What `translate` may import: nothing that reads, writes, waits, or knows the time."""


def module_name(path: Path) -> str:
    """`ollama_facade.server.app` for server/app.py, `ollama_facade.server` for its `__init__`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


SOURCES = {
    module_name(path): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {module: ast.parse(source, module) for module, source in SOURCES.items()}
PACKAGES = [module_name(path) for path in sorted(PACKAGE.rglob("__init__.py"))]
DEFINED = {
    node.attr if isinstance(node, ast.Attribute) else getattr(node, "name", getattr(node, "id", ""))
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    or (isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store))
}
"""The names that the package defines: functions, classes, variables and attributes."""


def inner_name(module: str) -> str:
    """`server.app` for ollama_facade.server.app; `""` for the package itself."""
    return module.partition(".")[2]


def package(module: str) -> str:
    """`server` for ollama_facade.server.app; `""` for the package itself."""
    return inner_name(module).partition(".")[0]


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
    """What is imported, and every `a.b.c` with `a` replaced by what was imported as `a`."""
    origins = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                origins[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                origins[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    yield from imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in origins:
                yield f"{origins[head]}.{rest}"


def private_parts(source: str) -> Iterator[str]:
    """Private names, modules and attributes of libraries that a module uses."""
    tree = ast.parse(source)
    for name in imports(tree):
        if name.startswith("ollama_facade."):
            hidden = is_private(name.rpartition(".")[2])
        else:
            hidden = any(map(is_private, name.split(".")))
        if hidden or any(within(name, part) for part in PRIVATE_PARTS):
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            own = ast.unparse(node.value) in ("self", "cls", "super()") and node.attr in DEFINED
            if not own and ast.unparse(node) != "os._exit":  # public, despite its name
                yield ast.unparse(node)
    yield from re.findall(r"noqa: SLF\w*", source)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def inner_imports(module: str) -> set[str]:
    """The modules of this package that a module imports."""
    modules = set()
    for name in imports(TREES[module]):
        while name not in TREES and "." in name:
            name = name.rpartition(".")[0]
        if name in TREES and name not in ("ollama_facade", module):
            modules.add(name)
    return modules


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


@pytest.mark.parametrize("thing", sorted(LIBRARIES))
def test_a_library_is_used_only_where_it_belongs(thing: str) -> None:
    for module, tree in TREES.items():
        if not any(within(inner_name(module), home) for home in LIBRARIES[thing]):
            strays = [name for name in used_names(tree) if within(name, thing)]
            assert not strays, f"{module} uses {strays}"


@pytest.mark.parametrize("module", SOURCES)
def test_only_public_parts_of_libraries_are_used(module: str) -> None:
    if inner_name(module) not in MAY_USE_PRIVATE_PARTS:
        assert not list(private_parts(SOURCES[module]))


@pytest.mark.parametrize("module", [name for name in TREES if package(name) == "translate"])
def test_the_core_is_pure(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(TREES[module])}
    assert roots <= PURE


def test_no_module_imports_itself() -> None:
    graph = {module: inner_imports(module) for module in TREES}
    tuple(graphlib.TopologicalSorter(graph).static_order())


def test_the_package_itself_imports_nothing_of_its_own() -> None:
    assert inner_imports("ollama_facade") == set()


def test_only_five_modules_are_at_the_root() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == ROOT_MODULES


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_has_at_most_250_lines(module: str) -> None:
    assert len(SOURCES[module].splitlines()) <= MAX_MODULE_LINES


@pytest.mark.parametrize("module", PACKAGES)
def test_a_package_describes_itself_and_lists_what_may_be_imported(module: str) -> None:
    docstring = ast.get_docstring(TREES[module])
    assert docstring is not None
    assert 3 <= len(docstring.splitlines()) <= 10
    namespace: dict[str, object] = {}
    exec(f"from {module} import *", namespace)
    names = {alias.id for alias in ast.walk(TREES[module]) if isinstance(alias, ast.Name)}
    assert "__all__" in names
    assert len(namespace) > 1


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ollama_facade", "ollama_facade.errors"),
        ("ollama_facade.translate", "ollama_facade.translate.requests"),
        ("ollama_facade.backend", "ollama_facade.server"),
        ("ollama_facade.cli.main", "openai"),
        ("ollama_facade.cli.main", "connexion"),
        ("ollama_facade.cli.main", "uvicorn"),
    ],
)
def test_importing_a_module_does_not_load_another(module: str, absent: str) -> None:
    program = f"import sys, {module}; sys.exit({absent!r} in sys.modules)"
    environment = {"PYTHONPATH": str(PACKAGE.parent)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
    assert ended.returncode == 0


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
def test_a_stray_is_found_however_it_is_written(source: str, used: str) -> None:
    assert any(within(name, used) for name in used_names(ast.parse(source)))


@pytest.mark.parametrize(
    "source", ["import httpx_like", "scope = {}\nscope.environ", "x.os.environ"]
)
def test_similar_code_is_no_stray(source: str) -> None:
    names = list(used_names(ast.parse(source)))
    assert not any(within(name, thing) for name in names for thing in LIBRARIES)


@pytest.mark.parametrize(
    "source",
    [
        "from connexion.context import _scope",
        "from openai._vendor.httpx_aiohttp import transport",
        "import openai._models",
        "from aiohttp.client_proto import ResponseHandler",
        "import aiohttp.http_writer",
        "sdk._client.close()",
        "def f(self):\n    self._captured_of_a_base_class.append(1)",
        "x = 1  # noqa: SLF001",
    ],
)
def test_a_private_part_is_found(source: str) -> None:
    assert list(private_parts(source))


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations",
        "from ollama_facade import __version__",
        "from aiohttp import ClientSession",
        "def f(self):\n    self._clock.wall()",
        "x.__dict__",
    ],
)
def test_public_and_own_names_are_no_private_parts(source: str) -> None:
    assert not list(private_parts(source))
