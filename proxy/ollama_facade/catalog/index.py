"""The models that there are, by every spelling of their names."""

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
    """Built once for a list of the backend and a state of the folder; never changed."""

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
            made = self._made(entries[key], preset)
            self._presets[made.name] = preset
            self._all.add(key, made.name, made)
        for identity, model in self.served.exact.items():
            key = entry.key(identity)
            if key not in presets:
                self._all.add(key, identity, model)
        shown = {model.name: model for model in reversed(self._all.exact.values())}
        self.models = sorted(
            shown.values(), key=lambda model: (-(model.modified_at // SECOND), model.name)
        )

    def find(self, text: str, *, exact_case: bool = False) -> Model | None:
        """The model of that name: the same text first, then without regard to case."""
        found = self._all.find(text)
        if found is None or not exact_case:
            return found
        return found if entry.display(text) == found.name else None

    def preset(self, model: Model) -> Mapping[str, Any]:
        """What a model of this index is made of, without what the backend says of it."""
        return self._presets.get(model.name, {}) if model.from_catalog else {}

    def spelled(self, name: Name) -> Name:
        """The name with the case of names that are there, part by part (management.md §2.3)."""
        for model in self.models:
            known = names.parse(model.name)
            if known is None:
                continue
            for part in ("host", "namespace", "model", "tag"):
                spelling = getattr(known, part)
                if (
                    spelling != getattr(name, part)
                    and spelling.casefold() == getattr(name, part).casefold()
                ):
                    name = replace(name, **{part: spelling})
        return name

    def _made(self, made: Entry, preset: Mapping[str, Any]) -> Model:
        """The model that an entry and the backend make together.

        A model that the backend does not list is taken at the operator's word: there are gateways
        that serve more than they list.
        """
        base = self.served.find(preset["from"]) or Model(
            name="", backend_id=preset["from"], digest="", modified_at=0
        )
        info = preset.get("info") or {}
        capabilities = tuple(info.get("capabilities") or ())
        return replace(
            base,
            name=made.name,
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
            modified_at=made.modified_at,
            from_catalog=True,
        )


class NameIndex:
    """Models by their texts and by their keys; the first of a key is found by other spellings."""

    def __init__(self) -> None:
        self.exact: dict[str, Model] = {}
        self._by_key: dict[Key, Model] = {}

    def add(self, key: Key, text: str, model: Model) -> None:
        """Adds a model under its name as written and under its key; the first one stays."""
        self.exact.setdefault(text, model)
        self._by_key.setdefault(key, model)

    def find(self, text: str) -> Model | None:
        """The model of this name: as it is written, else by its key."""
        return self.exact.get(text) or self._by_key.get(entry.key(text))
