"""The state in which a case was recorded, made through the service's own API."""

from __future__ import annotations

import functools
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.golden.recordings import Case, fits
from tests.service import Service

HERE = Path(__file__).parent
CATALOG = HERE / "catalog"

PROFILES: dict[str, dict[str, str]] = {
    "main": {},
    "empty": {},
    "open": {"OLLAMA_ORIGINS": "*"},
    "restricted": {
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_ORIGINS": "chrome-extension://*,https://good.example",
    },
    "busy": {
        "OLLAMA_MAX_QUEUE": "1",
        "OLLAMA_NUM_PARALLEL": "1",
        "OLLAMA_MAX_LOADED_MODELS": "1",
    },
}
"""The settings that a case can need, by name."""


def lay_out(folder: Path) -> Path:
    """Copies the models there, with the times that /api/tags sorts by."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate((CATALOG / "order.txt").read_text().split()):
        made = time.time() - 3600 + 2 * number
        os.utime(shutil.copy(CATALOG / name, folder), (made, made))
    return folder


def service(profile: str, base_url: str, folder: Path) -> Service:
    """A service with the settings of a profile over a scripted backend."""
    if profile == "empty":
        folder.mkdir(parents=True)
    else:
        lay_out(folder)
    settings = {"OLLAMA_MODELS": str(folder), "OPENAI_BASE_URL": base_url, **PROFILES[profile]}
    return Service(settings, host="0.0.0.0" if profile == "open" else "127.0.0.1")


@functools.cache
def _entries() -> list[dict[str, Any]]:
    return list(yaml.safe_load((HERE / "preparation.yaml").read_text("utf-8")))


def steps(case: Case) -> tuple[list[Any], list[Any]]:
    """What has to be done before and after a case: `unload`, or [method, path, body]."""
    for entry in _entries():
        if fits(case.name, tuple(entry["cases"])):
            return entry.get("before", []), entry.get("after", [])
    return [], []


def perform(target: Service, todo: Sequence[Any]) -> list[str]:
    """Does the steps; gives what went wrong."""
    problems = []
    for step in todo:
        if step == "unload":
            unload(target)
            continue
        method, path, body = step
        answer = target.ask(method, path, body)
        if answer.status >= 400:
            problems.append(f"preparation {method} {path}: {answer.status} {answer.text[:150]}")
    return problems


def unload(target: Service) -> None:
    """Empties the list of loaded models."""
    for _ in range(20):
        answer = target.ask("GET", "/api/ps")
        loaded = answer.json().get("models") if answer.status == 200 else None
        if not loaded:
            return
        for model in loaded:
            target.ask("POST", "/api/generate", {"model": model["name"], "keep_alive": 0})
