"""Operations over the models of the recordings, and the recordings themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ollama_facade.catalog.registry import Catalog
from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.operations.context import Empty, Json, RequestContext, Text
from ollama_facade.operations.host import Host
from ollama_facade.operations.loaded import Loaded
from ollama_facade.operations.models import Models
from ollama_facade.operations.services import Services

GOLDEN = Path(__file__).parent.parent / "golden"
PRESETS = ("sys", "smollm2-alias")
VOLATILE = {"digest": "<digest>", "size": "<size>", "size_vram": "<size>"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


@cache
def cases(area: str) -> Mapping[str, dict[str, Any]]:
    """The recordings of an area by name."""
    lines = (GOLDEN / "data" / f"{area}.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines]
    return {case["name"]: case for case in found}


def recorded(area: str, pattern: str = "") -> list[str]:
    """Names of the recordings of an area that match."""
    return [name for name in cases(area) if re.search(pattern, name)]


class Backend:
    """Lists the models of the recordings as llama.cpp does, oldest first."""

    def __init__(self) -> None:
        files = (GOLDEN / "catalog" / "order.txt").read_text("utf-8").split()
        stems = [Path(file).stem for file in files]
        self.ids = [
            "acme/widget:v1.2" if stem.startswith("acme") else stem
            for stem in stems
            if stem not in PRESETS
        ]

    async def models(self) -> list[dict[str, Any]]:
        return [
            {
                "id": identity,
                "object": "model",
                "created": 1795446815 + number,
                "owned_by": "llamacpp",
                "capabilities": ["completion"],
                "meta": {"n_ctx_train": 8192, "n_embd": 8, "n_params": 128, "size": 256},
            }
            for number, identity in enumerate(self.ids)
        ]

    async def properties(self, model_id: str) -> dict[str, Any]:
        return {}


class Hands(Clock):
    """A clock that moves when it is told to, starting where the recordings were made."""

    def __init__(self) -> None:
        self.now = 0

    def wall(self) -> int:
        return 1_795_446_856 * 10**9 + self.now

    def monotonic(self) -> int:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += int(seconds * 10**9)


class Stage:
    """Catalog, list of loaded models and two groups of operations, with the given settings."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Hands()
        self.settings = Settings(models=GOLDEN / "catalog", **settings)
        self.catalog = Catalog(self.settings, Backend(), self.clock)
        self.loaded = Loaded(self.clock, self.settings)
        backend: Any = Backend()
        services = Services(self.settings, self.clock, self.catalog, backend, self.loaded)
        self.models = Models(services)
        self.host = Host(services)


def call(user_agent: str = "") -> RequestContext:
    return RequestContext(started=0, user_agent=user_agent)


async def answered(waiting: Any) -> tuple[int, Any]:
    """Status and value of an operation, of its error too."""
    try:
        answer: Json | Text | Empty = await waiting
    except OllamaError as error:
        return error.status, {"error": error.message, **error.fields}
    return answer.status, answer.value if isinstance(answer, Json) else getattr(answer, "text", "")


def masked(value: Any) -> Any:
    """Without what belongs to the fixtures or to the moment (README of the recordings)."""
    if isinstance(value, list):
        return [masked(item) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {
        key: VOLATILE[key] if key in VOLATILE else "<time>" if _is_time(item) else masked(item)
        for key, item in value.items()
        if key != "tensors"
    }
    if "capabilities" in shown:
        shown["capabilities"] = sorted(shown["capabilities"])
    if "format" in shown:
        shown["format"] = "<format>"
    if "parameters" in shown:
        shown["parameters"] = sorted(shown["parameters"].split("\n"))
    if "modelfile" in shown:
        shown["modelfile"] = _modelfile(shown["modelfile"])
    if "model_info" in shown:
        shown["model_info"] = {
            key: item
            for key, item in shown["model_info"].items()
            if key in ("general.architecture", "general.parameter_count")
            or (key.endswith((".context_length", ".embedding_length")) and "attention" not in key)
        }
    return shown


def _is_time(value: object) -> bool:
    return isinstance(value, str) and bool(TIME.fullmatch(value))


def _modelfile(text: str) -> list[str]:
    lines = re.sub(r"(?m)^FROM .*$", "FROM <weights>", text).split("\n")
    retained = [line for line in lines if not line.startswith(("RENDERER ", "PARSER "))]
    parameters = sorted(line for line in retained if line.startswith("PARAMETER "))
    return [parameters.pop(0) if line.startswith("PARAMETER ") else line for line in retained]
