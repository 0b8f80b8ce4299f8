"""What changed in the schema of a body, and how much that matters to a client.

A request may not be narrowed: what a client sends today must still be taken. An answer may not be
widened: what a client gets must be what it knows. Nor may it be narrowed, as somebody may wait for
the value that never comes again; only a new value of an enumeration, or a new field, is no more
than an addition. How much more is known of an answer (a bound, a pattern, a field that is always
there now) is an addition too.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]

WORDS = ("description", "summary", "example", "examples", "title", "externalDocs")
LOWER = ("minimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
EVERYTHING = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_READ = frozenset(
    (
        *WORDS, *LOWER, *UPPER, "type", "nullable", "enum", "format", "pattern", "required",
        "properties", "items", "additionalProperties", "anyOf", "$ref", "x-ollama-ref",
    )
)  # fmt: skip


class Level(enum.IntEnum):
    """How much a change matters."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3


class Direction(enum.Enum):
    """Who sends a value."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class Change:
    """One change: how much it matters, where it is, what it is."""

    level: Level
    place: str
    what: str


@dataclass(frozen=True)
class Comparison:
    """Two documents, and which of their values are compared."""

    old: Node
    new: Node
    direction: Direction

    def changes(
        self, old: Node, new: Node, place: str, seen: frozenset[tuple[str, str]] = frozenset()
    ) -> Iterator[Change]:
        """Every change from one schema to another, and below it."""
        names = _reference(old), _reference(new)
        if any(names):
            if names in seen:  # a schema that contains itself
                return
            seen |= {names}
        old, new = resolved(self.old, old), resolved(self.new, new)
        yield from self._types(old, new, place)
        yield from self._limits(old, new, place)
        yield from self._fields(old, new, place, seen)
        yield from self._parts(old, new, place, seen)
        for key in sorted({*old, *new} - _READ):
            if old.get(key) != new.get(key):
                yield Change(Level.MINOR, place, f"`{key}` is another")
        if any(old.get(key) != new.get(key) for key in WORDS):
            yield Change(Level.PATCH, place, "other words")

    def _narrowed(self, place: str, what: str) -> Change:
        return Change(Level.MAJOR, place, what)

    def _widened(self, place: str, what: str) -> Change:
        requested = self.direction is Direction.REQUEST
        return Change(Level.MINOR if requested else Level.MAJOR, place, what)

    def _bound(self, place: str, what: str, *, tighter: bool) -> Change:
        """A limit of a value: to know more of an answer hurts nobody."""
        harmless = tighter is (self.direction is Direction.ANSWER)
        return Change(Level.MINOR if harmless else Level.MAJOR, place, what)

    def _types(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        before, after = _types(old), _types(new)
        if lost := before - after:
            yield self._narrowed(place, f"it can no longer be {', '.join(sorted(lost))}")
        if won := after - before:
            yield self._widened(place, f"it can also be {', '.join(sorted(won))}")
        if "enum" not in old and "enum" not in new:
            return
        if "enum" not in old:
            yield self._narrowed(place, "it is one of few values now")
        elif "enum" not in new:
            yield self._widened(place, "it is not one of few values any more")
        else:
            for value in (one for one in old["enum"] if one not in new["enum"]):
                yield self._narrowed(place, f"the value {value!r} is gone")
            for value in (one for one in new["enum"] if one not in old["enum"]):
                yield Change(Level.MINOR, place, f"the value {value!r} is new")

    def _limits(self, old: Node, new: Node, place: str) -> Iterator[Change]:
        for key in ("format", "pattern"):
            before, after = old.get(key), new.get(key)
            if before != after:
                if before and after:
                    yield Change(Level.MAJOR, place, f"`{key}` is another")
                else:
                    yield self._bound(place, f"`{key}` is {after}", tighter=bool(after))
        for key in (*LOWER, *UPPER):
            before, after = old.get(key), new.get(key)
            if before != after:
                tighter = before is None or (
                    after is not None and (after > before) is (key in LOWER)
                )
                yield self._bound(place, f"`{key}` is {after}", tighter=tighter)

    def _fields(
        self, old: Node, new: Node, place: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in after:
                yield Change(Level.MAJOR, f"{place}.{name}", "the field is gone")
            else:
                yield from self.changes(before[name], after[name], f"{place}.{name}", seen)
        for name in after:
            if name not in before:
                yield Change(Level.MINOR, f"{place}.{name}", "the field is new")
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted(needs - needed):
            yield self._bound(f"{place}.{name}", "it is required now", tighter=True)
        for name in sorted((needed - needs) & set(after)):
            yield self._bound(f"{place}.{name}", "it is not required any more", tighter=False)

    def _parts(
        self, old: Node, new: Node, place: str, seen: frozenset[tuple[str, str]]
    ) -> Iterator[Change]:
        if "items" in old or "items" in new:
            yield from self.changes(old.get("items", {}), new.get("items", {}), f"{place}[]", seen)
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from self.changes(before, after, f"{place}.*", seen)
        elif before != after:
            tighter = after is False or (before is True and after is not True)
            kind = self._narrowed if tighter else self._widened
            yield kind(place, "it takes other fields than before")
        choices, others = old.get("anyOf", ()), new.get("anyOf", ())
        if len(choices) == len(others):
            for number, pair in enumerate(zip(choices, others, strict=True)):
                yield from self.changes(*pair, f"{place}({number})", seen)
        else:
            if not others or any(one not in others for one in choices):
                yield self._narrowed(place, "a choice is gone")
            if not choices or any(one not in choices for one in others):
                yield self._widened(place, "a choice is new")


def _types(node: Node) -> frozenset[str]:
    if "type" not in node:
        return EVERYTHING
    types = {node["type"]} | ({"integer"} if node["type"] == "number" else set())
    return frozenset(types | ({"null"} if node.get("nullable") else set()))


def _reference(node: Node) -> str:
    return str(node.get("$ref") or node.get("x-ollama-ref") or "")


def resolved(document: Node, node: Node) -> Node:
    """What a reference in a document means, or the node itself where it is none."""
    steps = _reference(node).split("/")[1:]
    if not steps:
        return node
    for step in steps:
        document = document[step]
    return document
