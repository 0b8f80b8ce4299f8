"""The words in which the reference page says what a value is, and the names of its headings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

SCHEMAS = "#/components/schemas/"
GO = {"int": "integer", "float32": "number", "bool": "true or false", "[]string": "list of text"}
KINDS = {"string": "text", "boolean": "true or false"}

Node = Mapping[str, Any]


def anchor(heading: str) -> str:
    """The name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def kind(node: Node) -> str:
    """What a value is, in words, with links to the objects that it is made of."""
    name = component(node)
    if name:
        return f"[{name}](#{anchor(name)})"
    if "anyOf" in node:
        return " or ".join(kind(choice) for choice in node["anyOf"])
    if "enum" in node:
        return " or ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    word = node.get("type") or GO.get(node.get("x-ollama-type", ""), "anything")
    if word == "array":
        return f"list of {kind(node['items'])}"
    values = node.get("additionalProperties")
    if isinstance(values, Mapping):
        return f"object of {kind(values)}"
    return {"date-time": "time", "binary": "bytes"}.get(
        node.get("format", ""), KINDS.get(word, word)
    )


def components_in(node: Any) -> Iterator[str]:
    """Name of every component that is referred to anywhere in a node."""
    if isinstance(node, Mapping):
        name = component(node)
        if name:
            yield name
    children = node.values() if isinstance(node, Mapping) else node
    for child in children if isinstance(node, Mapping | list) else ():
        yield from components_in(child)


def component(node: Node) -> str:
    """Name of the component schema that a node refers to, or an empty text."""
    found = node.get("$ref") or node.get("x-ollama-ref") or ""
    return found.removeprefix(SCHEMAS) if found.startswith(SCHEMAS) else ""


def description(node: Node) -> str:
    """The description of a node, on one line."""
    return " ".join(node.get("description", "").split())


def first_sentence(text: str) -> str:
    """A text up to its first full stop."""
    return text.partition(". ")[0].rstrip(".") + "." if text else ""


def cell(text: str) -> str:
    """A text as it stands in a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")
