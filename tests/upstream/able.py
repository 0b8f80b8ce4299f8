"""A scripted backend that can do everything and does what it is asked (`tests.fakes.speech`).

    with Upstream(models=able.MODELS) as upstream:
        able.play(upstream)

The answer follows the request: counts the text, thoughts, tool calls, formats, images, log
probabilities, token budgets, stop strings, vectors of their texts.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes import speech
from tests.upstream import steps as do
from tests.upstream.answers import describe
from tests.upstream.connection import Asked, Step
from tests.upstream.server import Upstream
from tests.upstream.turns import turn_scenario

EMBEDDER, CONTEXT = "emb", 512
MODELS = [
    describe("able", "completion", "tools", "multimodal", "thinking", vector=16),
    describe(EMBEDDER, "embedding", context=CONTEXT, vector=speech.DIMENSIONS),
]
PACE_MS = 2


def play(upstream: Upstream) -> None:
    """Lets a server answer so, until its next script."""
    upstream.script(answered)


def answered(requested: Asked) -> Sequence[Step]:
    """The steps that answer a request."""
    body = requested.body
    if not isinstance(body, dict) or requested.path == "/v1/embeddings":
        return vectors(body or {})
    stated, read = spoken(body)
    chunks: list[Any] = [{"reasoning_content": token} for token in stated.thinking]
    chunks += stated.content
    chunks += [
        {"tool_calls": [{"index": at, "id": f"call_{at}{read:08}", **call}]}
        for at, call in enumerate(stated.calls)
    ]
    turn = {"chunks": chunks, "prompt_tokens": read, "delay_ms": PACE_MS}
    return turn_scenario(turn, requested)


def spoken(body: Mapping[str, Any]) -> tuple[speech.Said, int]:
    """What is said to a request of either route, and how many tokens were read."""
    if "messages" not in body:
        prompt = body.get("prompt")
        text = prompt if isinstance(prompt, str) else str(prompt)
        text += str(body.get("suffix") or "")
        stated = speech.answer(text, format=form(body))
        return obeyed(stated, body), len(speech.tokens(text)) + 1
    messages = body["messages"]
    text = "\n".join(text_of(message) for message in messages)
    images = sum(len(images_of(message)) for message in messages)
    stated = speech.answer(
        text,
        format=form(body),
        tools=body.get("tools") or (),
        result=messages[-1].get("role") == "tool",
        thinks=thinks(body),
    )
    return obeyed(stated, body), len(speech.tokens(text)) + 4 * len(messages) + 16 * images + 3


def obeyed(stated: speech.Said, body: Mapping[str, Any]) -> speech.Said:
    """What stop strings leave; the budget is seen to by the turn."""
    stop = body.get("stop") or []
    return speech.cut(stated, speech.MAX_WORDS, [stop] if isinstance(stop, str) else stop)


def thinks(body: Mapping[str, Any]) -> bool:
    """Whether thoughts are wanted: by a switch of the template or by an effort."""
    switch = (body.get("chat_template_kwargs") or {}).get("enable_thinking")
    return bool(switch) if switch is not None else body.get("reasoning_effort") != "none"


def form(body: Mapping[str, Any]) -> Any:
    """The format that is asked for, as Ollama names it."""
    requested = body.get("response_format") or {}
    if requested.get("type") == "json_schema":
        return requested["json_schema"]["schema"]
    return "json" if requested.get("type") == "json_object" else body.get("json_schema")


def parts_of(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content") or ""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message, whatever form it has."""
    return "".join(part.get("text", "") for part in parts_of(message))


def images_of(message: Mapping[str, Any]) -> list[str]:
    """The pictures of a message."""
    return [
        re.sub("^data:[^,]*,", "", part["image_url"]["url"])
        for part in parts_of(message)
        if part.get("type") == "image_url"
    ]


def vectors(body: Mapping[str, Any]) -> Sequence[Step]:
    """`/v1/embeddings`, which refuses a text that is too long as llama.cpp does."""
    given = body.get("input")
    texts = given if isinstance(given, list) else [given]
    if body.get("model") != EMBEDDER:
        message = "This server does not support embeddings. Start it with `--embeddings`"
        return [refused(501, message, "not_supported_error")]
    if not texts or any(not isinstance(text, str) for text in texts):
        return [refused(400, "'input' must be a string or a list of strings")]
    data, total = [], 0
    for index, text in enumerate(texts):
        count = len(speech.tokens(text)) + 2
        if count > CONTEXT:
            message = f"input ({count} tokens) is too large to process. increase the physical "
            message += f"batch size (current batch size: {CONTEXT})"
            return [refused(500, message, "server_error")]
        total += count
        size = body.get("dimensions") or speech.DIMENSIONS
        vector: Any = speech.vector(text, min(size, speech.DIMENSIONS))
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    usage = {"prompt_tokens": total, "total_tokens": total}
    whole = {"object": "list", "model": EMBEDDER, "data": data, "usage": usage}
    return [do.pause(PACE_MS / 1000), do.answer(200, whole)]


def refused(status: int, message: str, kind: str = "invalid_request_error") -> Step:
    """An error as llama.cpp writes it."""
    return do.answer(status, {"error": {"code": status, "message": message, "type": kind}})
