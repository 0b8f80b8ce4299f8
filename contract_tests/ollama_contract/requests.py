"""The requests that many tests make, short and the same each time."""

from __future__ import annotations

import random
import string
from typing import Any

from ollama_contract.target import Target

GENERATING = ("/api/chat", "/api/generate")
COUNT = "Count from one to fifty, one number after the other."
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGM4ISeHFTEMLQkAkL9BAbKfPiIAAAAASUVORK5C"
    "YII="
)
ABSENT = "no-such-model-of-the-contract-suite"
NOWHERE = "contract.invalid/library/absent"
"""A model on a host that never exists (RFC 2606)."""
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string", "description": "The name of the city"}},
        },
    },
}


def asking(
    target: Target, path: str, prompt: str = COUNT, budget: int | None = 8, **more: Any
) -> dict[str, Any]:
    """A request of `/api/chat` or `/api/generate`, not streamed unless `stream` says so.

    A thinking model is told not to think unless `think` says so, so that the budget is for the
    answer; the same request is answered alike.
    """
    body: dict[str, Any] = {"model": target.model, "stream": False}
    if path == "/api/chat":
        body["messages"] = [{"role": "user", "content": prompt}]
    else:
        body["prompt"] = prompt
    if "thinking" in target.abilities:
        body["think"] = False
    options = {"temperature": 0, "seed": 7, **more.pop("options", {})}
    if budget is not None:
        options["num_predict"] = budget
    return {**body, "options": options, **more}


def text_of(answer: dict[str, Any]) -> str:
    """The text of an answer or of a frame, whichever route it is from."""
    message = answer.get("message") or {}
    stated = message.get("content", answer.get("response"))
    return stated if isinstance(stated, str) else ""


def thought_of(answer: dict[str, Any]) -> str:
    """What a model thought, likewise."""
    message = answer.get("message") or {}
    stated = message.get("thinking", answer.get("thinking"))
    return stated if isinstance(stated, str) else ""


def fresh(words: int) -> str:
    """So many words that nobody has asked about before, so that no cache knows them."""
    letters = random.SystemRandom()
    return " ".join("".join(letters.choices(string.ascii_lowercase, k=5)) for _ in range(words))
