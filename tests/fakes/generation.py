"""`/api/chat`, `/api/generate` and the two routes of embeddings."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.duration import parse_keep_alive
from ollama_facade.translate.options import check_options
from tests.fakes import speech
from tests.fakes.exchange import NDJSON, PER_TOKEN, Reply
from tests.fakes.frames import Live, frame, joined, parts_of
from tests.fakes.models import Model, Store, error

PER_TOKEN_NS = int(PER_TOKEN * 1e9)
PICTURE = 16
"""How many tokens a picture is."""
MULTIMODAL = {
    "code": 400,
    "message": "Multimodal data provided, but model does not support multimodal requests.",
    "type": "invalid_request_error",
}


class Generation:
    """What the models of a store say."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def chat(self, body: Mapping[str, Any]) -> Reply:
        """`POST /api/chat`."""
        messages = [message for message in body.get("messages") or () if message]
        prepared = self._prepared(body, "chat", bool(messages))
        if isinstance(prepared, Reply):
            return prepared
        model, seconds = prepared
        name = str(body["model"])
        if body.get("tools") and "tools" not in model.capabilities:
            return error(400, f"registry.ollama.ai/library/{model.name} does not support tools")
        if not messages:
            reason = "unload" if seconds == 0 else "load"
            empty = {"role": "assistant", "content": ""}
            return Reply(body=frame(name, {"message": empty}, done_reason=reason))
        if (
            any(message.get("images") for message in messages)
            and "vision" not in model.capabilities
        ):
            return error(400, json.dumps({"error": MULTIMODAL}))
        prompt = "\n".join(str(message.get("content") or "") for message in messages)
        stated = speech.answer(
            prompt,
            format=body.get("format"),
            tools=[tool for tool in body.get("tools") or () if tool],
            result=messages[-1].get("role") == "tool",
            thinks=self._thinks(model, body),
        )
        pictures = sum(PICTURE * len(message.get("images") or ()) for message in messages)
        return self._reply(
            body, stated, len(speech.tokens(prompt)) + 4 * len(messages) + pictures + 3
        )

    def generate(self, body: Mapping[str, Any]) -> Reply:
        """`POST /api/generate`."""
        prompt = str(body.get("prompt") or "")
        prepared = self._prepared(body, "generate", bool(prompt))
        if isinstance(prepared, Reply):
            return prepared
        model, seconds = prepared
        name = str(body["model"])
        if body.get("raw") and any(body.get(key) for key in ("template", "system", "context")):
            return error(400, "raw mode does not support template, system, or context")
        if body.get("suffix") and "insert" not in model.capabilities:
            return error(400, f"registry.ollama.ai/library/{model.name} does not support insert")
        if not prompt:
            reason = "unload" if seconds == 0 else "load"
            return Reply(body=frame(name, {"response": ""}, done_reason=reason))
        if body.get("images") and "vision" not in model.capabilities:
            return error(400, json.dumps({"error": MULTIMODAL}))
        system = str(body.get("system") or "")
        read = list(body.get("context") or []) + [
            speech.number(token)
            for token in speech.tokens(prompt + system + str(body.get("suffix") or ""))
        ]
        stated = speech.answer(
            prompt + system, format=body.get("format"), thinks=self._thinks(model, body)
        )
        count = len(read) + (0 if body.get("raw") else 7) + PICTURE * len(body.get("images") or ())
        return self._reply(body, stated, count, None if body.get("raw") else read)

    def embed(self, body: Mapping[str, Any]) -> Reply:
        """`POST /api/embed`."""
        requested = body.get("input")
        inputs = (
            []
            if requested in (None, "")
            else requested
            if isinstance(requested, list)
            else [requested]
        )
        if any(not isinstance(one, str) for one in inputs):
            return error(400, "invalid input type")
        began, name = time.monotonic_ns(), str(body.get("model") or "")
        missing = (
            'model "{name}" not found, try pulling it first' if name else "model '{name}' not found"
        )
        if refused := self.store.refused(name, missing):
            return refused
        model = self.store.find(name)
        assert model is not None
        if "embedding" not in model.capabilities:
            return error(
                501, "This server does not support embeddings. Start it with `--embeddings`"
            )
        try:
            check_options(body.get("options"))
        except OllamaError as fault:
            return error(fault.status, fault.message)
        self.store.use(model, self._seconds(body))
        if not inputs:
            return Reply(body={"model": name, "embeddings": []})
        size = body.get("dimensions") or 0
        size = size if 0 < size < speech.DIMENSIONS else speech.DIMENSIONS
        count = sum(len(speech.tokens(one)) + 2 for one in inputs)
        longest = max(len(speech.tokens(one)) + 2 for one in inputs)
        if longest > model.context and body.get("truncate") is False:
            return error(400, "the input length exceeds the context length")
        time.sleep(PER_TOKEN)
        return Reply(
            body={
                "model": name,
                "embeddings": [speech.unit(speech.vector(one, size)) for one in inputs],
                "total_duration": time.monotonic_ns() - began,
                "load_duration": (time.monotonic_ns() - began) // 4,
                "prompt_eval_count": min(count, model.context * len(inputs)),
            }
        )

    def embeddings(self, body: Mapping[str, Any]) -> Reply:
        """`POST /api/embeddings`."""
        name = str(body.get("model") or "")
        if not name.strip():
            return error(400, "model is required")
        if refused := self.store.refused(name, 'model "{name}" not found, try pulling it first'):
            return refused
        model = self.store.find(name)
        assert model is not None
        if "embedding" not in model.capabilities:
            return error(
                500, "This server does not support embeddings. Start it with `--embeddings`"
            )
        prompt = body.get("prompt") or ""
        return Reply(body={"embedding": speech.vector(prompt) if prompt else []})

    def _prepared(
        self, body: Mapping[str, Any], what: str, asks: bool
    ) -> tuple[Model, float | None] | Reply:
        """What is looked at before anything is said: the model and how long it stays."""
        if not 0 <= (body.get("top_logprobs") or 0) <= 20:
            return error(400, "top_logprobs must be between 0 and 20")
        name = str(body.get("model") or "")
        if refused := self.store.refused(name, "model '{name}' not found"):
            return refused
        model = self.store.find(name)
        assert model is not None
        seconds = self._seconds(body)
        if seconds == 0 and not asks:
            self.store.use(model, 0)
            return model, 0
        if "completion" not in model.capabilities:
            return error(400, f'"{name}" does not support {what}')
        if body.get("think") and "thinking" not in model.capabilities:
            return error(400, f'"{name}" does not support thinking')
        wanted = body.get("format")
        if wanted not in (None, "", "json") and not isinstance(wanted, dict):
            shown = json.dumps(json.dumps(wanted))
            return error(
                500, f'invalid format: {shown}; expected "json" or a valid JSON Schema object'
            )
        try:
            check_options(body.get("options"))
        except OllamaError as fault:
            return error(fault.status, fault.message)
        self.store.use(model, seconds)
        return model, seconds

    @staticmethod
    def _seconds(body: Mapping[str, Any]) -> float | None:
        retained = parse_keep_alive(body.get("keep_alive")) if "keep_alive" in body else None
        return None if retained is None else retained / 1e9

    @staticmethod
    def _thinks(model: Model, body: Mapping[str, Any]) -> bool:
        return "thinking" in model.capabilities and body.get("think") is not False

    def _reply(
        self,
        body: Mapping[str, Any],
        whole: speech.Said,
        read: int,
        context: list[int] | None = None,
    ) -> Reply:
        """The answer, streamed or whole."""
        options = body.get("options") or {}
        budget = int(options.get("num_predict") or -1)
        stated = speech.cut(
            whole, budget if budget > 0 else speech.MAX_WORDS, options.get("stop") or []
        )
        parts = list(parts_of(body, stated))
        name, chat = str(body["model"]), "messages" in body
        began = time.monotonic_ns()
        time.sleep(PER_TOKEN + read * 2e-5)
        ready = time.monotonic_ns() - began

        def end() -> dict[str, Any]:
            written = [speech.number(token) for token in stated.content]
            retained = {"context": [*(context or []), *written]} if context is not None else {}
            spent = time.monotonic_ns() - began
            return {
                "done_reason": stated.reason,
                **retained,
                "total_duration": spent,
                "load_duration": PER_TOKEN_NS // 4,
                "prompt_eval_count": read,
                "prompt_eval_duration": ready - PER_TOKEN_NS // 2,
                **({"eval_count": stated.count} if stated.count else {}),
                "eval_duration": spent - ready + PER_TOKEN_NS // 4,
            }

        if body.get("stream") is False:
            time.sleep(PER_TOKEN * len(parts))
            what = joined(parts, chat=chat)
            last = end()
            probabilities = [one for part in parts for one in part.get("logprobs", ())]
            if probabilities:
                # Ollama's two structures have this field in different places.
                reason = {"done_reason": last["done_reason"]}
                reported = {"logprobs": probabilities}
                last = {**reason, **reported, **last} if chat else {**last, **reported}
            return Reply(body=frame(name, what, **last))
        return Reply(frames=Live(name, parts, end, chat), media=NDJSON, pace=PER_TOKEN)  # type: ignore[arg-type]
