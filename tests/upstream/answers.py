"""What the scripted server says without a script: the list of models, embeddings, its controls."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from tests.upstream import steps as do
from tests.upstream.connection import Asked, Step
from tests.upstream.server import Upstream
from tests.upstream.shapes import CREATED

VECTOR, PARAMETERS, CONTEXT = 8, 128, 8192


def describe(
    name: str,
    *capabilities: str,
    context: int = CONTEXT,
    vector: int = VECTOR,
    parameters: int = PARAMETERS,
) -> dict[str, Any]:
    """A model of the list: what it can do, and its sizes."""
    facts = {"context": context, "vector": vector, "parameters": parameters}
    return {"id": name, "capabilities": list(capabilities or ("completion",)), **facts}


MODELS = [
    describe("gen"),
    describe("tools"),
    describe("think"),
    describe("thinktools"),
    describe("insert"),
    describe("emb", "embedding", context=512),
    describe("imggen"),
    describe("native"),
    describe("native-tools"),
    describe("native-think"),
    describe("vision", "completion", "multimodal"),
    describe("qwen3"),
    describe("harmony"),
    describe("acme/widget:v1.2"),
    describe("smollm2", vector=576, parameters=134520000),
]


def model_entry(number: int, model: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of /v1/models as llama.cpp and vLLM write it."""
    return {
        "id": model["id"],
        "object": "model",
        "created": CREATED + number,
        "owned_by": "llamacpp",
        "max_model_len": model["context"],
        "meta": {
            "vocab_type": 2,
            "n_vocab": 16,
            "n_ctx_train": model["context"],
            "n_embd": model["vector"],
            "n_params": model["parameters"],
            "size": 256,
        },
    }


def standing(server: Upstream, requested: Asked) -> Sequence[Step]:
    """The routes that need no script."""
    if requested.method == "GET" and requested.path == "/v1/models":
        entries = [model_entry(i, model) for i, model in enumerate(server.models)]
        second = [
            {"name": model["id"], "model": model["id"], "capabilities": model["capabilities"]}
            for model in server.models
        ]
        return [do.answer(200, {"object": "list", "data": entries, "models": second})]
    if requested.method == "GET" and requested.path == "/health":
        return [do.answer(200, {"status": "ok"})]
    error = {"message": "File Not Found", "type": "not_found_error", "code": 404}
    return [do.answer(404, {"error": error})]


def control(server: Upstream, requested: Asked) -> Sequence[Step] | None:
    """The routes that script a server which runs as a process of its own."""
    if requested.path == "/_turns":
        server.turns(requested.body["turns"])
        return [do.answer(200, {})]
    if requested.path == "/_asked":
        seen = [
            {"method": one.method, "path": one.path, "headers": one.headers, "body": one.body}
            for one in server.requested
        ]
        return [do.answer(200, seen)]
    return None


def tokens(text: str) -> list[str]:
    """The words that count as tokens."""
    return re.findall(r"<\|[a-z_]+\|>|\s*[^\s<]+|\s+|<", text)


def embedding(text: str, size: int = VECTOR) -> list[float]:
    """The vector of a text: any, but always the same."""
    digest = hashlib.sha256(text.encode()).digest()
    return [round((digest[i] - 128) / 64, 6) for i in range(size)]


def embeddings(body: Mapping[str, Any]) -> Sequence[Step]:
    """`/v1/embeddings` in both encodings; refuses what llama.cpp refuses."""
    texts = body["input"] if isinstance(body.get("input"), list) else [body.get("input")]
    if body.get("model") != "emb":
        message = "This server does not support embeddings. Start it with `--embeddings`"
        error = {"code": 501, "message": message, "type": "not_supported_error"}
        return [do.answer(501, {"error": error})]
    if not texts or any(not isinstance(text, str) for text in texts):
        message = "'input' must be a string or a list of strings"
        return [do.answer(400, {"error": {"message": message, "param": "input"}})]
    data, total = [], 0
    for index, text in enumerate(texts):
        count = len(tokens(text)) + 2
        if count > 512:
            message = f"input ({count} tokens) is too large to process. increase the physical "
            message += "batch size (current batch size: 512)"
            error = {"code": 500, "message": message, "type": "server_error"}
            return [do.answer(500, {"error": error})]
        total += count
        size = body.get("dimensions")
        vector: Any = embedding(
            text, size if isinstance(size, int) and 0 < size < VECTOR else VECTOR
        )
        if body.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    counts = {"prompt_tokens": total, "total_tokens": total}
    answer = {"object": "list", "model": body.get("model"), "data": data, "usage": counts}
    return [do.answer(200, answer)]
