"""Words that were retired do not come back: names by the syntax tree, prose by its words.

The project has the standard terms of its field (docs/design.md, Glossary). A name is split into its
words, `ChatRenderer` into chat and renderer. Strings are data and are not checked.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("proxy", "contract_tests", "tests", "openapi", "bench", "docs")

WORDS = {
    "door": "middleware, server or API",
    "dress": "renderer",
    "dresses": "renderers",
    "dressed": "rendered",
    "gathering": "nothing: write at once",
    "patience": "timeout",
    "posting": "sender",
    "shelf": "snapshot",
    "told": "the noun: reply, values, text",
}
"""Words of names, each with its replacement."""

NAMES = {
    "Asking": "BackendSession",
    "ByPort": "PortRouter",
    "CallPart": "ToolCallDelta",
    "GuardedProtocol": "HttpProtocol",
    "Hidden": "redaction",
    "Habits": "LearnedRefusals",
    "Kept": "Supervisor",
    "NoMoreIn": "Shutdown",
    "Operating": "HealthEndpoints",
    "Outgoing": "ResponseWriter",
    "Passage": "PassThrough",
    "Presence": "DisconnectWatcher",
    "Relay": "PassThrough",
    "Repeats": "EventTemplate",
    "Stopping": "Shutdown",
    "SyntaxFault": "GoSyntaxError",
    "TunedApp": "DirectDispatch",
    "Visit": "RequestHead",
    "asked": "the noun: request, model, limit",
    "kept": "the noun: result, remaining",
    "said": "the noun: text, output",
    "visit": "head",
}
"""Whole names that are bound: of classes, functions, arguments, variables."""

PACKAGE_NAMES = {
    "found": "the noun: match, entry, model",
    "known": "the noun: existing, cached",
    "made": "the noun: response, model",
    "one": "the noun: item, delta",
    "whole": "complete, integer, text",
}
"""Whole names that are bound in the package itself."""

CONSTANTS = {
    "COLLECTED", "COPIED", "DEEPEST", "FEWEST", "KEPT", "LARGEST", "LINGER", "LONGEST", "MANY",
    "PATIENCE", "TOGETHER", "UNREAD",
}  # fmt: skip
"""Words of constants, instead of MAX_… and MIN_… with what is limited and the unit."""

PROSE = re.compile(
    r"\b(?:"
    r"(?:the|our|this|each|every|at|past|behind|one|middleware|in) doors?\b"
    r"|dress(?:es|ed)?\b|shelf\b|gathering\b|patience\b"
    r"|(?:the|this|new|whole|our) house\b"
    r"|(?:a|the|each|every|one|lower|lowest|higher|highest|this) floors?\b"
    r"|(?:own|a|one|this|every|each) rooms?\b(?! for)|rooms and floors\b"
    r")",
    re.IGNORECASE,
)
"""Metaphors for packages, layers, middlewares and renderers."""


def words_of(name: str) -> list[str]:
    """`ChatRenderer` and `chat_renderer` as chat and renderer."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def bound_names(tree: ast.AST) -> Iterator[str]:
    """The names that a module gives to things."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def prose_of(source: str, tree: ast.AST) -> Iterator[str]:
    """The docstrings, also those under fields, and the comments of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def retired_names(tree: ast.AST, stem: str, *, package: bool) -> Iterator[str]:
    names = NAMES | PACKAGE_NAMES if package else NAMES
    for name in {stem, *bound_names(tree)}:
        if name in names:
            yield f"{name}: {names[name]}"
        for word in words_of(name):
            if word in WORDS:
                yield f"{name}: {word} is {WORDS[word]}"
        if name.isupper() and CONSTANTS.intersection(name.strip("_").split("_")):
            yield f"{name}: MAX_… or MIN_… with the unit"


def retired_prose(texts: Iterator[str]) -> Iterator[str]:
    for text in texts:
        yield from PROSE.findall(" ".join(text.split()))


def retired(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".md":
        return list(retired_prose(iter((re.sub(r"`[^`]*`", "", text),))))
    tree = ast.parse(text)
    names = retired_names(tree, file.stem, package="ollama_facade" in file.parts)
    return [*names, *retired_prose(prose_of(text, tree))]


FILES = [
    str(path.relative_to(ROOT))
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".md") and not {"data", "node_modules"} & set(path.parts)
]


@pytest.mark.parametrize("file", FILES)
def test_retired_words_do_not_come_back(file: str) -> None:
    assert retired(ROOT / file) == []


@pytest.mark.parametrize(
    "source",
    [
        "class ChatDress: ...",
        "def open_door(): ...",
        "def f(told): ...",
        "with x() as told: ...",
        "for said in x: ...",
        "x: int = 1\nLONGEST_LINE = 2",
        "import a as patience",
        "self.asked = 1",
        "try: ...\nexcept E as kept: ...",
    ],
)
def test_a_retired_name_is_found(source: str) -> None:
    assert list(retired_names(ast.parse(source), "module", package=False))


@pytest.mark.parametrize(
    "source",
    [
        "presence_penalty = 1",
        "print(told.x)",
        "x = 'the door'",
        "LONG = 1",
        "class Shelves: ...",
        "def test_the_first_one_is_found(): ...",
        "one = 1",
    ],
)
def test_a_similar_name_is_none(source: str) -> None:
    assert not list(retired_names(ast.parse(source), "module", package=False))


@pytest.mark.parametrize(
    "text", ["# past the door", "# a module of the lowest floor", "# own room"]
)
def test_a_retired_metaphor_is_found(text: str) -> None:
    assert PROSE.search(text)


@pytest.mark.parametrize(
    "text", ["room for 4 bytes", "rounded to the floor_", "doorbell", "The message is told apart"]
)
def test_ordinary_english_is_none(text: str) -> None:
    assert not PROSE.search(text)
