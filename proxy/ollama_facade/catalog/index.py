"""Finds models by every spelling of their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ollama_facade import names
from ollama_facade.catalog import entry
from ollama_facade.catalog.entry import Entry, Key
from ollama_facade.clock import SECOND
from ollama_facade.names import Name
from ollama_facade.translate.models import Model


class Index:
    """The models of one list of the backend and one snapshot of the folder; immutable."""

    def __init__(
        self,
        served: Iterable[Model],
        entries: Mapping[Key, Entry],
        presets: Mapping[Key, Mapping[str, Any]],
    ) -> None:
        self.served = NameIndex()
        for model in served:
            self.served.add(entry.key(model.backend_id), model.backend_id, model)
        self._presets: dict[str, Mapping[str, Any]] = {}
        self._all = NameIndex()
        for key, preset in presets.items():
            model = self._model(entries[key], preset)
            self._presets[model.name] = preset
            self._all.add(key, model.name, model)
        for identity, model in self.served.exact.items():
            key = entry.key(identity)
            if key not in presets:
                self._all.add(key, identity, model)
        by_name = {model.name: model for model in reversed(self._all.exact.values())}
        self.models = sorted(
            by_name.values(), key=lambda model: (-(model.modified_at // SECOND), model.name)
        )

    def find(self, text: str, *, exact_case: bool = False) -> Model | None:
        """Finds the model of that name: an exact match first, then in any case."""
        model = self._all.find(text)
        if model is None or not exact_case:
            return model
        return model if entry.display(text) == model.name else None

    def preset(self, model: Model) -> Mapping[str, Any]:
        """Returns the preset of a model of this index; empty for a model of the backend."""
        return self._presets.get(model.name, {}) if model.from_catalog else {}

    def spelled(self, name: Name) -> Name:
        """Returns the name in the case of existing names, part by part (management.md §2.3)."""
        for model in self.models:
            existing = names.parse(model.name)
            if existing is None:
                continue
            for part in ("host", "namespace", "model", "tag"):
                spelling = getattr(existing, part)
                if (
                    spelling != getattr(name, part)
                    and spelling.casefold() == getattr(name, part).casefold()
                ):
                    name = replace(name, **{part: spelling})
        return name

    def _model(self, file: Entry, preset: Mapping[str, Any]) -> Model:
        """Merges an entry with the facts of the backend.

        A model that the backend does not list is trusted to exist: there are gateways that serve
        more than they list.
        """
        base = self.served.find(preset["from"]) or Model(
            name="", backend_id=preset["from"], digest="", modified_at=0
        )
        info = preset.get("info") or {}
        capabilities = tuple(info.get("capabilities") or ())
        return replace(
            base,
            name=file.name,
            system=preset.get("system", ""),
            template=preset.get("template", ""),
            parameters=preset.get("parameters", {}),
            messages=tuple(preset.get("messages", ())),
            license=tuple(preset.get("license", ())),
            capabilities=capabilities or base.capabilities,
            capabilities_known=bool(capabilities) or base.capabilities_known,
            context_length=int(info.get("context_length") or base.context_length),
            embedding_length=int(info.get("embedding_length") or base.embedding_length),
            family=info.get("model_family") or base.family,
            parameter_size=info.get("parameter_size") or base.parameter_size,
            quantization_level=info.get("quantization_level") or base.quantization_level,
            parent_model=info.get(entry.PARENT) or "",
            digest=entry.digest(preset, base.backend_id),
            modified_at=file.modified_at,
            from_catalog=True,
        )


class NameIndex:
    """Models by name and by key; other spellings find the first model of a key."""

    def __init__(self) -> None:
        self.exact: dict[str, Model] = {}
        self._by_key: dict[Key, Model] = {}

    def add(self, key: Key, text: str, model: Model) -> None:
        """Adds a model under its name as written and under its key; the first one stays."""
        self.exact.setdefault(text, model)
        self._by_key.setdefault(key, model)

    def find(self, text: str) -> Model | None:
        """Finds the model of this name as it is written, else by its key."""
        return self.exact.get(text) or self._by_key.get(entry.key(text))
