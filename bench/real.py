"""The check against the real world: the embedded llama.cpp, asked directly and through the service.

Both stream the same answer in turn; what counts is tokens a second from the first frame to the end.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench import subjects
from bench.subjects import Missing

TOKENS = 128
ROUNDS = 8
_QUESTION = [{"role": "user", "content": "Tell a long story about the sea."}]


def measure(folder: Path) -> dict[str, Any]:
    """Tokens a second, `direct` and `through`: the median, the least and the most of the rounds.

    Raises Missing where llama.cpp or its model is not installed.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise Missing("the embedded llama.cpp is left out: it comes with the extra `local`")
    from ollama_facade.embedded import process
    from ollama_facade.errors import SettingsError

    try:
        model = process.find_model()
        with process.running(model) as backend:
            service = subjects.ours(backend.url.removesuffix("/v1"))
            service.environment["OPENAI_API_KEY"] = backend.key
            try:
                service.start(folder, _listens)
                return _rounds(model.name, backend.url, backend.key, service.address)
            finally:
                service.stop()
    except SettingsError as error:
        raise Missing(f"the embedded llama.cpp is left out: {error}") from None


def _rounds(model: str, direct: str, key: str, through: str) -> dict[str, Any]:
    reported = {"model": model, "messages": _QUESTION, "stream": True}
    limits = {"max_tokens": TOKENS, "temperature": 0}
    openai = {**reported, **limits, "stream_options": {"include_usage": True}}
    ollama = {**reported, "options": {"num_predict": TOKENS, "temperature": 0}}
    seen: dict[str, list[float]] = {"direct": [], "through": []}
    for number in range(ROUNDS + 1):
        rates = {
            "direct": _rate(f"{direct}/chat/completions", openai, key),
            "through": _rate(f"http://{through}/api/chat", ollama, key),
        }
        if number:  # the first round warms both up
            for name, rate in rates.items():
                seen[name].append(rate)
    return {
        "model": model,
        "tokens": TOKENS,
        **{
            name: {"median": statistics.median(all_), "least": min(all_), "most": max(all_)}
            for name, all_ in seen.items()
        },
    }


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api/version")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _rate(url: str, body: Mapping[str, Any], key: str) -> float:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=120)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection.request("POST", place.path, json.dumps(body), headers)
    answer = connection.getresponse()
    count, first = 0, 0.0
    for line in answer:
        first = first or time.perf_counter()
        text = line.removeprefix(b"data: ").strip()
        if text.startswith(b"{"):
            value = json.loads(text)
            usage = value.get("usage") or {}
            count = value.get("eval_count") or usage.get("completion_tokens") or count
    connection.close()
    return count / (time.perf_counter() - first)
