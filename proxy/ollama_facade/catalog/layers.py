"""The layers that the frames of create name: what a model consists of, each by its digest.

No layer is stored; a digest here is that of the content itself, as Ollama computes it, so the same
text has the same digest in every model and after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ollama_facade.catalog import entry
from ollama_facade.golang.encode import dumps


def layers(preset: Mapping[str, Any], backend_id: str) -> list[str]:
    """``sha256:…`` of the weights (here the digest of the backend's model), then of every part.

    In Ollama's order: what the base gave and nobody replaced comes first (create.go:828-876).
    """
    parts = [f"sha256:{entry.digest({}, backend_id)}"]
    parts += [
        _of(preset[field].encode("utf-8", "replace"))
        for field in ("template", "system")
        if preset.get(field)
    ]
    parts += [_of(text.encode("utf-8", "replace")) for text in preset.get("license", ())]
    if preset.get("parameters"):
        ordered = {name: preset["parameters"][name] for name in sorted(preset["parameters"])}
        parts.append(_of(dumps(ordered) + b"\n"))
    if preset.get("messages"):
        parts.append(_of(dumps(preset["messages"]) + b"\n"))
    return parts


def frames(
    before: Mapping[str, Any], after: Mapping[str, Any], backend_id: str
) -> list[dict[str, Any]]:
    """One frame a layer of `after`; those that `before` has, which it is made from, come first."""
    existing = set(layers(before, backend_id))
    made = layers(after, backend_id)
    used = [layer for layer in made if layer in existing]
    new = [layer for layer in made if layer not in existing]
    return [
        *({"status": f"using existing layer {layer}"} for layer in used),
        *({"status": f"creating new layer {layer}"} for layer in new),
    ]


def _of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
