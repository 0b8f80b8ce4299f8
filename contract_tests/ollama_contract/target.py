"""The server under test: where it is, which models to ask, and what they can do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

ABILITIES = ("completion", "tools", "vision", "thinking", "embedding", "insert", "logprobs")
LOOKED_AT = 20
"""How many models are asked for an ability, where none is named."""


@dataclass(frozen=True)
class Target:
    """A server; `own`: it was started for the test, so that nothing there is precious.

    `abilities` are those of `model`, and `embedding` when there is an `embed_model`.
    """

    url: str
    model: str
    embed_model: str | None = None
    api_key: str | None = field(default=None, repr=False)
    own: bool = False
    abilities: frozenset[str] = frozenset(("completion",))
    why_not: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def facts(self) -> dict[str, Any]:
        """What a report says of it."""
        return {
            "url": self.url,
            "version": self.version,
            "model": self.model,
            "embed_model": self.embed_model,
            "abilities": sorted(self.abilities),
        }

    def headers(self) -> dict[str, str]:
        """The key, where there is one."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def spared(self, body: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
        """The body with other names in these fields: a test must not change what it asks."""
        precious = {name.lower().removesuffix(":latest") for name in self._names()}
        found = {
            field: f"contract-{body[field]}"
            for field in fields
            if str(body.get(field)).lower().removesuffix(":latest") in precious
        }
        return {**body, **found}

    def _names(self) -> tuple[str, ...]:
        return (self.model, self.embed_model or self.model)

    def lacks(self, ability: str) -> str:
        """Why a test that needs the ability does not apply; empty when it does."""
        if ability in self.abilities:
            return ""
        return self.why_not.get(ability, f"{self.model} does not claim the ability {ability!r}")

    @classmethod
    def at(
        cls,
        url: str,
        model: str | None = None,
        embed_model: str | None = None,
        api_key: str | None = None,
        *,
        own: bool = False,
        abilities: Iterable[str] | None = None,
    ) -> Self:
        """Asks the server for what is not given; LookupError says what cannot be known.

        Abilities come from `/api/show`. It says nothing of logprobs: those are taken for granted,
        unless a short request with them is answered without them by a server that says so in a
        header (`Facade-Dropped`). What is left out silently is a finding.
        """
        why_not: dict[str, str] = {}
        with _Asking(url.rstrip("/"), api_key) as asking:
            version = asking.version()
            model = model or asking.first_model()
            if abilities is not None:
                known = set(abilities)
                if embed_model is None and "embedding" in known:
                    embed_model = model
                elif embed_model is not None:
                    known.add("embedding")
            else:
                known, why_not = asking.abilities(model)
                embed_model = embed_model or asking.embed_model(model, known)
                if embed_model is not None:
                    known.add("embedding")
            if embed_model is None:
                known.discard("embedding")
                why_not["embedding"] = "no model claims the ability 'embedding', none is named"
            if abilities is None and asking.says_no_logprobs(model, known):
                known.discard("logprobs")
                why_not["logprobs"] = "the server says that the backend has no logprobs"
        return cls(
            url.rstrip("/"), model, embed_model, api_key, own, frozenset(known), why_not, version
        )


class _Asking:
    """The few questions before the test."""

    def __init__(self, url: str, api_key: str | None) -> None:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False)
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[httpx.Response, Any]:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise LookupError(f"{self.url} does not answer: {error}") from error
        try:
            return answer, answer.json()
        except ValueError:
            return answer, None

    def version(self) -> str:
        """What the server says its version is."""
        _, stated = self._ask("GET", "/api/version")
        return str(stated.get("version", "")) if isinstance(stated, dict) else ""

    def _models(self) -> list[str]:
        _, stated = self._ask("GET", "/api/tags")
        entries = stated.get("models") if isinstance(stated, dict) else None
        return [
            entry["name"]
            for entry in entries or ()
            if isinstance(entry, dict) and isinstance(entry.get("name"), str)
        ]

    def first_model(self) -> str:
        """The first model that can complete, else the first."""
        names = self._models()
        if not names:
            raise LookupError(f"{self.url} names no models: name one with --model")
        for name in names[:LOOKED_AT]:
            if "completion" in self._claimed(name)[0]:
                return name
        return names[0]

    def _claimed(self, model: str) -> tuple[set[str], str]:
        answer, stated = self._ask("POST", "/api/show", {"model": model})
        claimed = stated.get("capabilities") if isinstance(stated, dict) else None
        if answer.status_code == 200 and isinstance(claimed, list):
            return {one for one in claimed if isinstance(one, str)}, ""
        return set(), f"/api/show answered {answer.status_code} without capabilities for {model}"

    def abilities(self, model: str) -> tuple[set[str], dict[str, str]]:
        """What a model claims; where nothing is said, that it completes, and why not more."""
        claimed, problem = self._claimed(model)
        if problem:
            return {"completion"}, dict.fromkeys(ABILITIES, problem)
        if "completion" in claimed:
            claimed.add("logprobs")
        return claimed, {}

    def embed_model(self, model: str, known: set[str]) -> str | None:
        """The model itself, else the first that claims embeddings."""
        if "embedding" in known:
            return model
        for name in self._models()[:LOOKED_AT]:
            if "embedding" in self._claimed(name)[0]:
                return name
        return None

    def says_no_logprobs(self, model: str, known: set[str]) -> bool:
        """The server leaves logprobs out and says so."""
        if "logprobs" not in known:
            return False
        options = {"num_predict": 1}
        body = {"model": model, "prompt": "Hi", "stream": False, "logprobs": True}
        answer, stated = self._ask("POST", "/api/generate", {**body, "options": options})
        dropped = answer.headers.get("Facade-Dropped", "")
        return "logprobs" in dropped and "logprobs" not in json.dumps(stated)
