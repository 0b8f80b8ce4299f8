"""`/api/generate`: its body as a generation request, and its frames, keys in Ollama's order.

(inference.md §5)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.frame_encoder import FrameEncoder
from ollama_facade.translate.apis.ollama_chat import alternatives, check_top_logprobs
from ollama_facade.translate.context import generate_context, generate_turns
from ollama_facade.translate.deltas import Completion, Output, OutputDelta, TextRun
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.formats import completion_format_parameters
from ollama_facade.translate.generation import GenerationRequest, Think
from ollama_facade.translate.messages import openai_messages
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import (
    BackendRequest,
    RequestBuilder,
    add_chat_parameters,
    add_common,
)


def parse(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a `GenerateRequest` asks for. Raises OllamaError(400)."""
    check_top_logprobs(body)
    stream = body.get("stream") is not False

    def build(model: Model, dialect: Dialect, think: Think) -> BackendRequest:
        return generate_request(body, model, dialect, stream, think=think)

    return GenerationRequest(
        model=body.get("model") or "",
        operation="generate",
        build=build,
        stream=stream,
        has_input=bool(body.get("prompt")),
        keep_alive=body.get("keep_alive"),
        think=body.get("think"),
        capability="insert" if body.get("suffix") else "",
        options=body.get("options"),
        alternatives=alternatives(body),
        check=lambda model: check_generate(body, model),
    )


def check_generate(body: Mapping[str, Any], model: Model) -> None:
    """Raises OllamaError(400) for what only `/api/generate` refuses (inference.md §5.2 #9, #10)."""
    if model.capabilities_known and "image" in model.capabilities:
        raise OllamaError(400, "image generation models are not currently supported")
    if body.get("raw") and (body.get("template") or body.get("system") or body.get("context")):
        raise OllamaError(400, "raw mode does not support template, system, or context")


def generate_request(
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    stream: bool,
    think: bool | str | None = None,
) -> BackendRequest:
    """The request of a `GenerateRequest` (inference.md §5.4).

    A chat of one more turn, or for `raw` and `suffix` a completion of the prompt as it is. Raises
    OllamaError: 500 for a wrong option or `format`, 400 for a `context` of another server and for
    what the backend's completions cannot do.
    """
    prompt = body.get("prompt") or ""
    if body.get("raw") or body.get("suffix"):
        request = RequestBuilder("completions", model, prompt=prompt)
        _check_completion(request, body, model, dialect)
        add_common(request, body, model, dialect, stream=stream, zero_limit=False)
        _add_completion_only(request, body, dialect)
    else:
        messages = openai_messages(generate_turns(body, model), dialect)
        request = RequestBuilder("chat", model, messages=messages)
        add_common(request, body, model, dialect, stream=stream, zero_limit=False)
        add_chat_parameters(request, body, model, dialect, think)
        if body.get("template"):
            request.drop("template")  # the backend applies its own
    return request.build()


class GenerateRenderer:
    """Frames of one answer of `/api/generate`; it keeps the text, which the `context` holds."""

    def __init__(self, name: str, body: Mapping[str, Any], model: Model) -> None:
        """`name` is the model as the client wrote it."""
        self._name = name
        self._body = body
        self._model = model
        self._texts: list[str] = []
        self._encoder: FrameEncoder | None = None

    def render_deltas(self, output: Output, created_at: str, /) -> list[bytes]:
        """Frames before the end, encoded."""
        if self._encoder is None:
            self._encoder = FrameEncoder(lambda at, delta: generate_frame(self._name, at, delta))
        self._texts += [
            b"".join(item.texts).decode("ascii") if isinstance(item, TextRun) else item.content
            for item in output
        ]
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
        self._texts.append(completion.output.content)
        context: list[int] = []
        if self._body.get("prompt") and not self._body.get("raw"):
            context = generate_context(self._body, "".join(self._texts), self._model)
        return generate_final(self._name, created_at, completion, metrics, context)

    def render_error(self, error: OllamaError, /) -> list[dict[str, Any]]:
        """Nothing of its own: the line with `error` is the same for every stream of Ollama's."""
        raise error


def generate_frame(model: str, created_at: str, delta: OutputDelta) -> dict[str, Any]:
    """One frame before the end."""
    frame = _head(model, created_at, delta)
    frame["done"] = False
    if delta.logprobs:
        frame["logprobs"] = delta.logprobs
    return frame


def generate_final(
    model: str,
    created_at: str,
    completion: Completion,
    metrics: Mapping[str, int],
    context: Sequence[int],
) -> dict[str, Any]:
    """The frame with ``done:true``; an empty `context` (of ``raw``) is left out."""
    frame = _head(model, created_at, completion.output)
    frame["done"] = True
    frame["done_reason"] = completion.done_reason
    if context:
        frame["context"] = context
    frame.update(metrics)
    if completion.output.logprobs:
        frame["logprobs"] = completion.output.logprobs
    return frame


def _head(model: str, created_at: str, delta: OutputDelta) -> dict[str, Any]:
    frame: dict[str, Any] = {"model": model, "created_at": created_at, "response": delta.content}
    if delta.thinking:
        frame["thinking"] = delta.thinking
    return frame


def _check_completion(
    request: RequestBuilder, body: Mapping[str, Any], model: Model, dialect: Dialect
) -> None:
    what = "raw" if body.get("raw") else "suffix"
    if not dialect.completions:
        raise OllamaError(400, f"{what} needs text completions, which the backend does not have")
    if body.get("images"):
        raise OllamaError(400, f"{what} cannot be combined with images on this backend")
    if what == "raw":
        if body.get("suffix"):
            request.drop("suffix")  # as in Ollama, where raw is the prompt and nothing else
        return
    # An operator who says that the model can insert knows the backend better than the table.
    if not dialect.suffix and not (model.capabilities_known and "insert" in model.capabilities):
        raise OllamaError(400, "suffix is not supported by the backend")
    request.add({"suffix": body["suffix"]})


def _add_completion_only(
    request: RequestBuilder, body: Mapping[str, Any], dialect: Dialect
) -> None:
    if body.get("format") is not None:
        parameters, complete = completion_format_parameters(body["format"], dialect)
        request.add(parameters)
        if not complete:
            request.drop("format")
    if body.get("logprobs"):
        if dialect.logprobs:
            # At least one: some backends take 0 for none at all, and Ollama asks for one too.
            request.add({"logprobs": max(body.get("top_logprobs") or 0, 1)})
        else:
            request.drop("logprobs")
