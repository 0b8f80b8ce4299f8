"""The reference page (openapi/reference.md) and the README's table of routes, from the document.

`reference()` and `routes()` give texts; what an example looks like in each language is said in
`openapi/examples.py`, and where everything stands on the page in `openapi/reference.md.j2`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2

from openapi.examples import BASE, examples
from openapi.formatting import formatted
from openapi.words import (
    Node,
    anchor,
    cell,
    component,
    components_in,
    description,
    first_sentence,
    kind,
)

TEMPLATE = Path(__file__).resolve().with_name("reference.md.j2")
METHODS = ("get", "head", "post", "put", "patch", "delete")


def reference(document: Node) -> str:
    """The text of openapi/reference.md."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - it is Markdown, made from our own document
    )
    environment.filters.update(cell=cell, anchor=anchor)
    schemas = document["components"]["schemas"]
    inline = _used_once(document)
    tags = [
        {
            **tag,
            "operations": [
                _operation(document, path, method, one, inline)
                for path, method, one in operations(document)
                if tag["name"] in one["tags"]
            ],
        }
        for tag in document["tags"]
    ]
    requests = _of_requests(document)
    objects = [
        {
            "name": name,
            "description": description(schema),
            "kind": "" if schema.get("type") == "object" else kind(schema),
            "rows": list(_rows(document, schema)),
            "request": name in requests,
        }
        for name, schema in schemas.items()
        if name not in inline and name != "Options"
    ]
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        version=document["info"]["version"],
        intro=document["info"]["description"],
        base=BASE,
        tags=tags,
        objects=objects,
        options={"description": description(schemas["Options"]), "rows": _options(document)},
    )
    page = re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
    return formatted(page, "openapi/reference.md")


def routes(document: Node) -> str:
    """The README's table: every route, what it is for, and where the reference tells more."""
    lines = ["| route | |", "|---|---|"]
    for path, method, one in operations(document):
        if method != "head" or "get" not in document["paths"][path]:
            title = f"{method.upper()} {path}"
            link = f"openapi/reference.md#{anchor(title)}"
            lines.append(f"| [`{title}`]({link}) | {cell(one['summary'])} |")
    return "\n".join(lines)


def operations(document: Node) -> Iterator[tuple[str, str, Node]]:
    """Path, method and definition of every operation, in the document's order."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _operation(document: Node, path: str, method: str, one: Node, inline: set[str]) -> Node:
    item = document["paths"][path]
    answers = [
        _answer(document, status, stated, inline) for status, stated in one["responses"].items()
    ]
    return {
        "title": f"{method.upper()} {path}",
        "summary": one["summary"],
        "description": one.get("description", "").rstrip(),
        "parameters": [*item.get("parameters", ()), *one.get("parameters", ())],
        "body": _body(document, one),
        "answers": [answer for answer in answers if answer["status"].isdigit()],
        "errors": [{"when": "", **error} for error in one.get("x-ollama-errors", ())],
        "examples": examples(path, method, one, item.get("parameters", ())),
        "example_answer": _example_answer(document, one),
    }


def _body(document: Node, one: Node) -> Node | None:
    for media_type, content in one.get("requestBody", {}).get("content", {}).items():
        name = component(content["schema"])
        if name:
            schema = document["components"]["schemas"][name]
            words = f"`{media_type}`: {description(schema)}"
            return {"kind": words, "rows": list(_rows(document, schema))}
        return {"kind": f"`{media_type}`.", "rows": []}
    return None


def _answer(document: Node, status: str, stated: Node, inline: set[str]) -> Node:
    whole = _resolved(document, stated)
    contents, rows = [], []
    for media_type, content in whole.get("content", {}).items():
        schema = content["schema"]
        name = component(schema)
        if name in inline:
            named = document["components"]["schemas"][name]
            rows = list(_rows(document, named))
            words = description(named)
        elif media_type == "application/x-ndjson":
            words = "one object a line; the last may be an [Error](#error)"
        else:
            words = kind(schema)
        contents.append({"media_type": media_type, "kind": words})
    return {
        "status": status,
        "description": whole["description"],
        "contents": contents,
        "rows": rows,
    }


def _example_answer(document: Node, one: Node) -> str:
    for stated in one["responses"].values():
        contents = _resolved(document, stated).get("content", {})
        example = contents.get("application/json", {}).get("example")
        return "" if example is None else json.dumps(example, indent=2, ensure_ascii=False)
    return ""


def _rows(document: Node, schema: Node, prefix: str = "") -> Iterator[Node]:
    """A row for each field, and after it those of an object that has no name of its own."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        name_of_type = component(field)
        named = document["components"]["schemas"][name_of_type] if name_of_type else {}
        default = field.get("x-ollama-default") or named.get("x-ollama-default")
        there = "always" if name in required else ""
        yield {
            "name": f"{prefix}{name}",
            "kind": kind(field) + (" or null" if there and field.get("nullable") else ""),
            "default": f"`{default}`" if default else "",
            "there": there,
            "meaning": description(field) or first_sentence(description(named)),
        }
        if not name_of_type:
            yield from _rows(document, field, f"{prefix}{name}.")
            yield from _rows(document, field.get("items", {}), f"{prefix}{name}[].")


def _options(document: Node) -> list[Node]:
    schema = document["components"]["schemas"]["Options"]
    rows: list[Node] = []
    for row, option in zip(_rows(document, schema), schema["properties"].values(), strict=True):
        backend = option["x-backend"]
        parameter = f"`{backend['parameter']}`, " if backend["parameter"] else ""
        note = f"; {backend['note']}" if "note" in backend else ""
        rows.append({**row, "goes": f"{parameter}{backend['group']}{note}"})
    return rows


def _used_once(document: Node) -> set[str]:
    """The components that are the whole body of one operation and are part of nothing else."""
    users: dict[str, set[str]] = {}
    for path, method, one in operations(document):
        bodies = [one.get("requestBody", {}), *one["responses"].values()]
        for name in components_in(bodies):
            users.setdefault(name, set()).add(f"{method} {path}")
    components = document["components"]
    parts = {*components_in(components["schemas"]), *components_in(components["responses"])}
    return {name for name, where in users.items() if len(where) == 1} - parts


def _of_requests(document: Node) -> set[str]:
    """The components that a request may hold."""
    schemas = document["components"]["schemas"]
    waiting = list(components_in([one.get("requestBody") for _, _, one in operations(document)]))
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += components_in(schemas[name])
    return found


def _resolved(document: Node, node: Node) -> Node:
    for step in node.get("$ref", "").split("/")[1:]:
        document = document[step]
    return document if "$ref" in node else node
