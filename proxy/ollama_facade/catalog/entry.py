"""Merges a create request with the model that it is made from.

A *preset* is a create request that includes everything it inherits; its `from` is a model of the
backend. Requests are merged by Ollama's rules (management.md §3.10), which serve a file,
`POST /api/create` and `POST /api/copy` alike.

Files that people write inherit when they are read: a change to the base changes what is made from
it. Files that create and copy write are complete, as Ollama's manifests are; they have
`info.parent_model`, which is what `details.parent_model` shows (``""`` for none).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ollama_facade import names

Key = tuple[str, ...]
"""The look-up key of a model name, the same for all its spellings."""

TEXTS = ("template", "system", "renderer", "parser", "requires")
"""Fields of a create request that replace the inherited value when they are not empty."""

PARENT = "parent_model"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the folder."""

    file: str
    name: str
    """The display name of the model."""
    body: Mapping[str, Any]
    modified_at: int
    """Nanoseconds since 1970."""


def key(text: str) -> Key:
    """Returns the look-up key of a model name or of a backend's id.

    ``x`` and ``X:latest`` have one key; so have ``a/b/c/d`` and ``a/b/c/d:latest``.
    """
    name = names.parse(text)
    if name is not None:
        return name.key()
    return (text.removesuffix(":latest").casefold(),)


def display(text: str) -> str:
    """Returns the name as Ollama shows it, with its tag; an id that is no valid name unchanged."""
    name = names.parse(text)
    return text if name is None else name.display()


def name_of(body: Mapping[str, Any]) -> str:
    """Returns `model`, or `name` where that is empty (management.md §2.4)."""
    return body.get("model") or body.get("name") or ""


def licenses(value: object) -> list[str]:
    """Returns the texts of a checked `license`, which is a text or a list of them."""
    if isinstance(value, str):
        return [value] if value else []
    return [text for text in value if text] if isinstance(value, list) else []


def overlay(base: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the preset that `body` makes of the preset `base` (management.md §3.10).

    Texts and messages replace those of the base when they are not empty, licenses are appended,
    parameters and info are merged with precedence for the body. `from` stays that of the base.
    """
    preset: dict[str, Any] = {"from": base["from"]}
    for field in TEXTS:
        text = body.get(field) or base.get(field)
        if text:
            preset[field] = text
    merged = {
        "license": [*licenses(base.get("license")), *licenses(body.get("license"))],
        "parameters": {**(base.get("parameters") or {}), **(body.get("parameters") or {})},
        "messages": body.get("messages") or base.get("messages"),
        "info": {**(base.get("info") or {}), **_non_null(body.get("info"))},
    }
    preset.update({field: value for field, value in merged.items() if value})
    return preset


def presets(entries: Mapping[Key, Entry]) -> tuple[dict[Key, dict[str, Any]], dict[str, str]]:
    """Returns the preset of every entry, and the problems by file.

    An entry `from` its own name is made from the backend's model of that name; a circle of several
    entries is a problem of all that lead into it.
    """
    resolved: dict[Key, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    for start in entries:
        path: list[Key] = []
        at = start
        while at not in resolved and at not in path:
            path.append(at)
            above = _base_key(at, entries)
            if above is None:
                break
            at = above
        if at in path and _base_key(at, entries) is not None:
            chain = " from ".join(entries[step].name for step in [*path[path.index(at) :], at])
            problems[entries[start].file] = f"it is made from itself: {chain}"
            continue
        for step in reversed(path):
            above = _base_key(step, entries)
            entry = entries[step]
            base = {"from": entry.body["from"]} if above is None else resolved[above]
            resolved[step] = overlay(_without_parent(base), entry.body)
    return resolved, problems


def complete(preset: Mapping[str, Any], name: str, backend_id: str, parent: str) -> dict[str, Any]:
    """Returns the create request of a file that inherits nothing when it is read."""
    info = {**(preset.get("info") or {}), PARENT: parent}
    return {"model": name, **preset, "from": backend_id, "info": info}


def digest(preset: Mapping[str, Any], backend_id: str) -> str:
    """Returns 64 hex digits of a model's content, without name, time and facts of the backend.

    So a copy has the same digest, and a restart or another replica does not change it.
    """
    content = {field: value for field, value in _without_parent(preset).items() if value}
    content["from"] = backend_id
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _base_key(at: Key, entries: Mapping[Key, Entry]) -> Key | None:
    """Returns the key of the entry that this one inherits from, None for the backend's model."""
    body = entries[at].body
    if PARENT in (body.get("info") or {}):
        return None
    above = key(body["from"])
    return above if above != at and above in entries else None


def _without_parent(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Removes the parent, which a preset that is made from this one does not inherit."""
    info = {field: value for field, value in (preset.get("info") or {}).items() if field != PARENT}
    return {**preset, "info": info}


def _non_null(info: Mapping[str, Any] | None) -> dict[str, Any]:
    return {field: value for field, value in (info or {}).items() if value is not None}
