"""A checked Ollama body as one request to the backend, built from an allow-list (design.md §2).

Only what is named here ever leaves: nothing of a body is copied whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ollama_facade.translate.dialects import Dialect, think_parameters
from ollama_facade.translate.formats import format_parameters
from ollama_facade.translate.messages import chat_messages
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import all_options, load_options, merge_options
from ollama_facade.translate.tools import tool_definitions

Endpoint = Literal["chat", "completions", "embeddings", "responses", "messages"]


@dataclass(frozen=True, slots=True)
class BackendRequest:
    """One request to the backend, as it is sent."""

    endpoint: Endpoint

    body: Mapping[str, Any]
    """The JSON object that is sent, `model` and `stream` included."""

    dropped: tuple[str, ...] = ()
    """The client's names of what it asked for and the backend cannot take."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the client's that belong to the endpoint."""

    authorization: str = field(default="", repr=False)
    """The client's own header, which is passed on only where the operator wants it."""

    request_id: str = ""
    """Passed on always."""

    @property
    def model(self) -> str:
        """The model as the backend calls it."""
        return str(self.body.get("model"))

    @property
    def stream(self) -> bool:
        """Whether the answer is to be streamed."""
        return bool(self.body.get("stream"))

    def on_behalf_of(self, authorization: str, request_id: str) -> BackendRequest:
        """The same request with what identifies the client's own."""
        return replace(self, authorization=authorization, request_id=request_id)


class RequestBuilder:
    """Collects the parameters of one request, and what of the client's words it cannot hold."""

    def __init__(self, endpoint: Endpoint, model: Model, **parameters: Any) -> None:
        self.endpoint: Endpoint = endpoint
        self._body: dict[str, Any] = {"model": model.backend_id, **parameters}
        self._dropped: dict[str, None] = {}

    def add(self, parameters: Mapping[str, Any]) -> None:
        """Adds parameters under OpenAI's names."""
        self._body.update(parameters)

    def drop(self, *names: str) -> None:
        """Notes what cannot be sent, each once, under the client's names."""
        self._dropped.update(dict.fromkeys(names))

    def build(self) -> BackendRequest:
        """The request, which no longer changes."""
        return BackendRequest(self.endpoint, self._body, tuple(self._dropped))


def chat_request(
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    stream: bool,
    think: bool | str | None = None,
    dropped: Sequence[str] = (),
) -> BackendRequest:
    """The request of a `ChatRequest`. `think` is what is in force after the capability checks.

    `dropped` are further names of what is not sent.

    Raises OllamaError(500) for a wrong option or `format`.
    """
    messages = chat_messages(body.get("messages") or (), model, dialect)
    request = RequestBuilder("chat", model, messages=messages)
    if body.get("tools"):
        request.add({"tools": tool_definitions(body["tools"])})
    add_common(request, body, model, dialect, stream=stream, zero_limit=True)
    add_chat_parameters(request, body, model, dialect, think)
    request.drop(*dropped)
    return request.build()


def embed_request(
    inputs: Sequence[str],
    model: Model,
    dialect: Dialect,
    dimensions: int | None,
    options: Mapping[str, Any] | None,
) -> BackendRequest:
    """One request for all inputs.

    `dimensions` is sent only where the backend takes it and it is known to shorten the vectors.
    They are cut again when they come, so it saves bytes and changes nothing (inference.md §7.1).
    Raises OllamaError(500) for a wrong option.
    """
    merge_options(model.parameters, options)
    encoding = "base64" if dialect.base64 else "float"
    request = RequestBuilder("embeddings", model, input=list(inputs), encoding_format=encoding)
    if dialect.embeddings_dimensions and 0 < (dimensions or 0) < model.embedding_length:
        request.add({"dimensions": dimensions})
    request.drop(*load_options(options))
    return request.build()


def add_common(
    request: RequestBuilder,
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    *,
    stream: bool,
    zero_limit: bool,
) -> None:
    """Adds what chats and text completions have in common.

    `zero_limit`: a `num_predict` of 0 is sent as it is. Raises OllamaError(500) for a wrong option.
    """
    request.add({"stream": stream})
    if stream and dialect.stream_options:
        request.add({"stream_options": {"include_usage": True}})
    options = body.get("options")
    if options or model.parameters:
        limit_name = dialect.max_tokens if request.endpoint == "chat" else "max_tokens"
        parameters, dropped = all_options(
            options, model, dialect, limit_name=limit_name, zero_limit=zero_limit
        )
        request.add(parameters)
        request.drop(*dropped)
    # Cutting the prompt, or text while it grows, is the backend's business: a client that insists
    # on it reads that it was dropped. The contrary is how backends behave.
    request.drop(*(name for name in ("truncate", "shift") if body.get(name) is True))


def add_chat_parameters(
    request: RequestBuilder,
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    think: bool | str | None,
) -> None:
    """Adds `format`, log probabilities and thinking. Raises OllamaError(500) for a wrong format."""
    if body.get("format") is not None:
        parameters, complete = format_parameters(body["format"], dialect)
        request.add(parameters)
        if not complete:
            request.drop("format")
    if body.get("logprobs"):
        if dialect.logprobs:
            request.add({"logprobs": True})
            if body.get("top_logprobs"):
                request.add({"top_logprobs": body["top_logprobs"]})
        else:
            request.drop("logprobs")
    if think is None or (model.capabilities_known and "thinking" not in model.capabilities):
        return
    switches = think_parameters(dialect, think)
    request.add(switches)
    if not switches:
        request.drop("think")
