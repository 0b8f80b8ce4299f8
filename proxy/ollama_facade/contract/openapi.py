"""The OpenAPI document as data: `document()`, the `operations()` in it, one `schema()` by itself.

The document is `openapi/ollama.yaml` beside the package in a checkout, and in an installed wheel
`proxy/openapi/ollama.yaml`. `schema()` turns OpenAPI 3.0 into JSON Schema draft 4, which is what
a compiled validator reads; draft 4 because there 5.0 is no integer, nor is it to Go's decoder.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import yaml

from ollama_facade.errors import ContractError

Node: TypeAlias = dict[str, Any]

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
COMPONENTS = "#/components/schemas/"
DEFINITIONS = "#/definitions/"

_PACKAGE = Path(__file__).resolve().parent
PLACES = (_PACKAGE / "ollama.yaml", _PACKAGE.parents[2] / "openapi" / "ollama.yaml")

INT64 = {"minimum": -(2**63), "maximum": 2**63 - 1}

# Where a schema holds schemas; every other keyword holds plain data, and stays as it is.
_ONE = ("items", "additionalProperties", "not")
_LIST = ("anyOf", "allOf", "oneOf")


BodyForm: TypeAlias = Literal["json", "form", "unread"]
ErrorForm: TypeAlias = Literal["ollama", "openai", "anthropic"]


_OPERATION_KEYS: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "x-queued": ("queued", (False, True)),
    "x-public": ("public", (False, True)),
    "x-key-header": ("key_header", ("x-api-key",)),
    "x-body": ("body", get_args(BodyForm)),
    "x-compression": ("compression", ("zstd",)),
    "x-errors": ("errors", get_args(ErrorForm)),
}
"""The `x-` keys of an operation: the field that holds each, and its values."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, and what its `x-` keys say."""

    id: str
    """Name of the method that carries it out."""

    method: str
    """The HTTP method, in small letters as in the document."""

    path: str
    definition: Node = field(default_factory=dict, repr=False)

    queued: bool = False
    """`x-queued`: its requests count against OLLAMA_MAX_QUEUE."""

    public: bool = False
    """`x-public`: needs no key."""

    key_header: str = ""
    """`x-key-header`: another header than Authorization in which a key may come."""

    body: BodyForm = "json"
    """`x-body`: `unread` where the body is never asked for."""

    compression: str = ""
    """`x-compression`: the Content-Encoding that is undone, empty for none."""

    errors: ErrorForm = "ollama"
    """`x-errors`: whose form an error has."""

    unlogged: bool = False
    """Asked every few seconds, so neither counted nor logged; no operation of the document is."""

    @property
    def request(self) -> str | None:
        """Name of the component schema of the JSON body, or None where there is no such body."""
        content = self.definition.get("requestBody", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        return reference.removeprefix(COMPONENTS) or None


def document() -> Node:
    """The whole document, as a copy that the caller may change.

    Raises ContractError when the file is missing or holds no object.
    """
    return copy.deepcopy(_document())


load = document


def operations(of: Mapping[str, Any] | None = None) -> Iterator[Operation]:
    """Every operation of the document (or of another one), in its order.

    Raises ContractError for an `x-` key with a value that it cannot have.
    """
    paths = (document() if of is None else of)["paths"]
    for path, item in paths.items():
        for method in METHODS:
            if method in item:
                yield _operation(method, path, item[method])


def _operation(method: str, path: str, definition: Node) -> Operation:
    marks: dict[str, Any] = {}
    for key, (name, values) in _OPERATION_KEYS.items():
        if key in definition:
            marks[name] = definition[key]
            if marks[name] not in values:
                raise ContractError(f"{method} {path}: {key} cannot be {marks[name]!r}")
    return Operation(definition.get("operationId", ""), method, path, definition, **marks)


def schema(name: str) -> Node:
    """The component schema `name` as JSON Schema draft 4 that stands alone.

    What it refers to, by `$ref` or by `x-ollama-ref`, is under ``definitions``, itself too if it
    refers to itself. `nullable` has become the type ``null``, `format: int64` the bounds of one.
    `x-` keys are kept, and those of a component also stand beside every ``$ref`` to it, where
    draft 4 ignores them and a reader of error texts finds them. Raises ContractError for a name
    that the document does not have.
    """
    needed: dict[str, Node] = {}
    root = _component(name)
    waiting = [*_references(root)]
    while waiting:
        target = waiting.pop()
        if target not in needed:
            needed[target] = _component(target)
            waiting += _references(needed[target])
    standing = _draft4(root)
    standing["$schema"] = "http://json-schema.org/draft-04/schema#"
    if needed:
        standing["definitions"] = {key: _draft4(needed[key]) for key in sorted(needed)}
    return standing


def file() -> Path:
    """Where the document lies. Raises ContractError when it is missing."""
    place = next((place for place in PLACES if place.is_file()), None)
    if place is None:
        raise ContractError(f"the OpenAPI document is missing: {PLACES[0]}")
    return place


@cache
def _document() -> Node:
    place = file()
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
    loaded = yaml.load(place.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe
    if not isinstance(loaded, dict):
        raise ContractError(f"the OpenAPI document is no object: {place}")
    return loaded


def _component(name: str) -> Node:
    definition = _document().get("components", {}).get("schemas", {}).get(name)
    if not isinstance(definition, dict):
        raise ContractError(f"the OpenAPI document has no schema {name}")
    return definition


def target(node: Mapping[str, Any]) -> str | None:
    """Name of the component that a schema node refers to, or None."""
    reference = node.get("$ref") or node.get("x-ollama-ref")
    return reference.removeprefix(COMPONENTS) if isinstance(reference, str) else None


def _children(node: Node) -> Iterator[Node]:
    for keyword in _ONE:
        if isinstance(node.get(keyword), dict):
            yield node[keyword]
    for keyword in _LIST:
        yield from node.get(keyword, ())
    yield from node.get("properties", {}).values()


def _references(node: Node) -> Iterator[str]:
    name = target(node)
    if name is not None:
        yield name
        return
    for child in _children(node):
        yield from _references(child)


def _draft4(node: Node) -> Node:
    name = target(node)
    if name is not None:
        marks = {key: value for key, value in _component(name).items() if key.startswith("x-")}
        return {"$ref": DEFINITIONS + name, **marks}
    plain = {key: value for key, value in node.items() if key not in ("nullable", "example")}
    for keyword in _ONE:
        if isinstance(plain.get(keyword), dict):
            plain[keyword] = _draft4(plain[keyword])
    for keyword in _LIST:
        if keyword in plain:
            plain[keyword] = [_draft4(child) for child in plain[keyword]]
    if "properties" in plain:
        plain["properties"] = {key: _draft4(child) for key, child in plain["properties"].items()}
    if plain.get("format") == "int64":
        plain = {**INT64, **plain}
    return _with_null(plain) if node.get("nullable") else plain


def _with_null(plain: Node) -> Node:
    if "type" in plain:
        plain["type"] = [plain["type"], "null"]
    elif "anyOf" in plain:
        plain["anyOf"] = [*plain["anyOf"], {"type": "null"}]
    if "enum" in plain:
        plain["enum"] = [*plain["enum"], None]
    return plain
