"""`/api/chat`: its body as a generation request, and its frames, keys in Ollama's order.

(inference.md §6)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.frame_encoder import FrameEncoder
from ollama_facade.translate.deltas import Completion, Output, OutputDelta, ToolCall
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.generation import GenerationRequest, Think
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest, chat_request

MAX_TOP_LOGPROBS = 20


def parse(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a `ChatRequest` asks for. Raises OllamaError(400)."""
    check_top_logprobs(body)
    return chat_generation(body, stream=body.get("stream") is not False)


def chat_generation(
    body: Mapping[str, Any],
    *,
    stream: bool,
    dropped: Sequence[str] = (),
    think_is_optional: bool = False,
) -> GenerationRequest:
    """The generation of a `ChatRequest`, also of one that another API's body was made into.

    `dropped` names what that body asked for and a `ChatRequest` cannot say.
    """

    def build(model: Model, dialect: Dialect, think: Think) -> BackendRequest:
        return chat_request(body, model, dialect, stream, think=think, dropped=dropped)

    return GenerationRequest(
        model=body.get("model") or "",
        operation="chat",
        build=build,
        stream=stream,
        has_input=bool(body.get("messages")),
        keep_alive=body.get("keep_alive"),
        think=body.get("think"),
        think_is_optional=think_is_optional,
        capability="tools" if body.get("tools") else "",
        options=body.get("options"),
        alternatives=alternatives(body),
    )


def check_top_logprobs(body: Mapping[str, Any]) -> None:
    """Raises OllamaError(400), before anything else is looked at (inference.md §5.2 #2)."""
    if not 0 <= (body.get("top_logprobs") or 0) <= MAX_TOP_LOGPROBS:
        raise OllamaError(400, "top_logprobs must be between 0 and 20")


def alternatives(body: Mapping[str, Any]) -> int | None:
    """How many alternatives of each token are wanted; None for no log probabilities at all."""
    return (body.get("top_logprobs") or 0) if body.get("logprobs") else None


class ChatRenderer:
    """Frames of one answer of `/api/chat`."""

    def __init__(self, name: str) -> None:
        """`name` is the model as the client wrote it."""
        self._name = name
        self._encoder: FrameEncoder | None = None

    def render_deltas(self, output: Output, created_at: str, /) -> list[bytes]:
        """Frames before the end, encoded."""
        if self._encoder is None:
            self._encoder = FrameEncoder(lambda at, delta: chat_frame(self._name, at, delta))
        return self._encoder.encode(output, created_at)

    def render_end(
        self, completion: Completion, created_at: str, metrics: dict[str, int], /
    ) -> list[dict[str, Any]]:
        """The frame with ``done:true``."""
        return [self.render_response(completion, created_at, metrics)]

    def render_response(
        self, completion: Completion, created_at: str, metrics: dict[str, int], /
    ) -> dict[str, Any]:
        """The answer that is not streamed: a frame that holds everything."""
        return chat_final(self._name, created_at, completion, metrics)

    def render_error(self, error: OllamaError, /) -> list[dict[str, Any]]:
        """Nothing of its own: the line with `error` is the same for every stream of Ollama's."""
        raise error


def chat_frame(model: str, created_at: str, delta: OutputDelta) -> dict[str, Any]:
    """One frame before the end."""
    frame: dict[str, Any] = {
        "model": model,
        "created_at": created_at,
        "message": _message(delta, ()),
        "done": False,
    }
    if delta.logprobs:
        frame["logprobs"] = delta.logprobs
    return frame


def chat_final(
    model: str, created_at: str, completion: Completion, metrics: Mapping[str, int]
) -> dict[str, Any]:
    """The frame with ``done:true``; tool calls stand in it, as for a native model.

    (inference.md §11.4)
    """
    frame: dict[str, Any] = {
        "model": model,
        "created_at": created_at,
        "message": _message(completion.output, completion.calls),
        "done": True,
        "done_reason": completion.done_reason,
    }
    if completion.output.logprobs:
        frame["logprobs"] = completion.output.logprobs
    frame.update(metrics)
    return frame


def _message(delta: OutputDelta, calls: Sequence[ToolCall]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": delta.content}
    if delta.thinking:
        message["thinking"] = delta.thinking
    if calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "function": {
                    "index": call.index,
                    "name": call.name,
                    "arguments": call.arguments,
                },
            }
            for call in calls
        ]
    return message
