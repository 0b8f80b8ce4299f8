"""What a file of the catalog means: one create request laid over the model that it is made from.

A *preset* is a create request with everything that it inherits already in it; its `from` is a
model of the backend. Two requests become one by Ollama's rules (management.md §3.10), so that a
file, `POST /api/create` and `POST /api/copy` are the same arithmetic.

Files that people write inherit when they are read: a change to the base changes what is made from
it. Files that create and copy write are complete, as Ollama's manifests are; they are told by
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
"""What two spellings of one name have in common."""

TEXTS = ("template", "system", "renderer", "parser", "requires")
"""Fields of a create request that replace what is inherited when they are not empty."""

PARENT = "parent_model"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the folder. `name` is the display name, `modified_at` nanoseconds since 1970."""

    file: str
    name: str
    body: Mapping[str, Any]
    modified_at: int


def key(text: str) -> Key:
    """The look-up key of a model name, also of a backend's id that is no name for Ollama.

    ``x`` and ``X:latest`` have one key; so have ``a/b/c/d`` and ``a/b/c/d:latest``.
    """
    name = names.parse(text)
    if name is not None:
        return tuple(name.key())
    return (text.removesuffix(":latest").casefold(),)


def display(text: str) -> str:
    """The name as Ollama shows it, with its tag; an id that is no name for Ollama as it is."""
    name = names.parse(text)
    return text if name is None else name.display()


def name_of(body: Mapping[str, Any]) -> str:
    """The first that is not empty of `model` and `name` (management.md §2.4)."""
    return body.get("model") or body.get("name") or ""


def licenses(value: object) -> list[str]:
    """The texts of a `license`, which is a text or a list of them; checked before."""
    if isinstance(value, str):
        return [value] if value else []
    return [text for text in value if text] if isinstance(value, list) else []


def overlay(base: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The preset that `body` makes of the preset `base` (management.md §3.10).

    Texts and messages replace what is there when they are not empty, licenses are appended,
    parameters and info are merged and the body wins. `from` stays that of the base.
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
    """Every entry with all that it inherits from other entries, and what is wrong, by file.

    `from` its own name means the backend's model of that name; a circle of several is an error of
    all that lead into it.
    """
    found: dict[Key, dict[str, Any]] = {}
    problems: dict[str, str] = {}
    for start in entries:
        path: list[Key] = []
        at = start
        while at not in found and at not in path:
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
            base = {"from": entry.body["from"]} if above is None else found[above]
            found[step] = overlay(_without_parent(base), entry.body)
    return found, problems


def complete(preset: Mapping[str, Any], name: str, backend_id: str, parent: str) -> dict[str, Any]:
    """The create request that a file holds for `preset`: nothing is inherited when it is read."""
    info = {**(preset.get("info") or {}), PARENT: parent}
    return {"model": name, **preset, "from": backend_id, "info": info}


def digest(preset: Mapping[str, Any], backend_id: str) -> str:
    """64 hex digits of what the model is: not its name, its time or what the backend tells.

    So a copy shares the digest, and a restart or another replica does not change it.
    """
    content = {field: value for field, value in _without_parent(preset).items() if value}
    content["from"] = backend_id
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _base_key(at: Key, entries: Mapping[Key, Entry]) -> Key | None:
    """The entry that this one is laid over, None where it is the backend's model."""
    body = entries[at].body
    if PARENT in (body.get("info") or {}):
        return None
    above = key(body["from"])
    return above if above != at and above in entries else None


def _without_parent(preset: Mapping[str, Any]) -> dict[str, Any]:
    """A preset that is only made from another one does not have its parent."""
    info = {field: value for field, value in (preset.get("info") or {}).items() if field != PARENT}
    return {**preset, "info": info}


def _non_null(info: Mapping[str, Any] | None) -> dict[str, Any]:
    return {field: value for field, value in (info or {}).items() if value is not None}
