"""A checked Ollama body as one request to the backend, built from an allow-list (design.md §2).

Only what is named here ever leaves: nothing of a body is copied whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ollama_facade.errors import OllamaError
from ollama_facade.translate.context import generate_turns
from ollama_facade.translate.dialects import Dialect, think_parameters
from ollama_facade.translate.formats import completion_format_parameters, format_parameters
from ollama_facade.translate.messages import chat_messages, openai_messages
from ollama_facade.translate.models import Model
from ollama_facade.translate.options import all_options, load_options, merge_options
from ollama_facade.translate.tools import tool_definitions

# What the SDK's methods take by name; the rest goes into `extra_body`.
_SDK_ARGUMENTS = frozenset(
    {
        "model",
        "messages",
        "prompt",
        "suffix",
        "input",
        "stream",
        "stream_options",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "presence_penalty",
        "frequency_penalty",
        "max_tokens",
        "max_completion_tokens",
        "logprobs",
        "top_logprobs",
        "tools",
        "response_format",
        "reasoning_effort",
        "dimensions",
        "encoding_format",
    }
)
_NOT_FOR_COMPLETIONS = frozenset({"response_format"})


@dataclass(slots=True)
class BackendRequest:
    """What goes to the SDK.

    `arguments` are keyword arguments of its method, `extra_body` what it does not know by name.
    `dropped` are Ollama's names of what was asked for and could not be sent. `authorization` is the
    client's own header, which goes along only where the operator wants it; `request_id` goes along
    always. `headers` are others of the client's, which belong to the endpoint.
    """

    endpoint: Literal["chat", "completions", "embeddings", "responses", "messages"]
    arguments: dict[str, Any]
    extra_body: dict[str, Any] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    authorization: str = field(default="", repr=False)
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def add(self, parameters: Mapping[str, Any]) -> None:
        """Puts each parameter where the SDK takes it."""
        for name, value in parameters.items():
            known = name in _SDK_ARGUMENTS and not (
                self.endpoint == "completions" and name in _NOT_FOR_COMPLETIONS
            )
            (self.arguments if known else self.extra_body)[name] = value

    def drop(self, *names: str) -> None:
        """Notes what could not be sent, each once."""
        self.dropped += [name for name in names if name not in self.dropped]


def chat_request(
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    stream: bool,
    think: bool | str | None = None,
) -> BackendRequest:
    """The request of a `ChatRequest`. `think` is what is in force after the capability checks.

    Raises OllamaError(500) for a wrong option or `format`.
    """
    messages = chat_messages(body.get("messages") or (), model, dialect)
    request = BackendRequest("chat", {"model": model.backend_id, "messages": messages})
    if tools := tool_definitions(body.get("tools")):
        request.add({"tools": tools})
    _add_common(request, body, model, dialect, stream=stream, zero_limit=True)
    _add_chat_only(request, body, model, dialect, think)
    return request


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
        request = BackendRequest("completions", {"model": model.backend_id, "prompt": prompt})
        _check_completion(request, body, model, dialect)
        _add_common(request, body, model, dialect, stream=stream, zero_limit=False)
        _add_completion_only(request, body, dialect)
    else:
        request = BackendRequest(
            "chat",
            {
                "model": model.backend_id,
                "messages": openai_messages(generate_turns(body, model), dialect),
            },
        )
        _add_common(request, body, model, dialect, stream=stream, zero_limit=False)
        _add_chat_only(request, body, model, dialect, think)
        if body.get("template"):
            request.drop("template")  # the backend applies its own
    return request


def embed_request(
    inputs: Sequence[str],
    model: Model,
    dialect: Dialect,
    dimensions: int | None,
    options: Mapping[str, Any] | None,
) -> BackendRequest:
    """One request for all inputs.

    `dimensions` is sent only where the backend takes it and it is known to be a cut; vectors are
    cut again when they come, so it saves bytes and changes nothing (inference.md §7.1).
    Raises OllamaError(500) for a wrong option.
    """
    merge_options(model.parameters, options)
    request = BackendRequest(
        "embeddings",
        {
            "model": model.backend_id,
            "input": list(inputs),
            "encoding_format": "base64" if dialect.base64 else "float",
        },
    )
    if dialect.embeddings_dimensions and 0 < (dimensions or 0) < model.embedding_length:
        request.add({"dimensions": dimensions})
    request.drop(*load_options(options))
    return request


def _add_common(
    request: BackendRequest,
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    *,
    stream: bool,
    zero_limit: bool,
) -> None:
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
    # is told. Insisting on the contrary is how backends behave.
    request.drop(*(name for name in ("truncate", "shift") if body.get(name) is True))


def _add_chat_only(
    request: BackendRequest,
    body: Mapping[str, Any],
    model: Model,
    dialect: Dialect,
    think: bool | str | None,
) -> None:
    parameters, whole = format_parameters(body.get("format"), dialect)
    request.add(parameters)
    if not whole:
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


def _check_completion(
    request: BackendRequest, body: Mapping[str, Any], model: Model, dialect: Dialect
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
    request: BackendRequest, body: Mapping[str, Any], dialect: Dialect
) -> None:
    parameters, whole = completion_format_parameters(body.get("format"), dialect)
    request.add(parameters)
    if not whole:
        request.drop("format")
    if body.get("logprobs"):
        if dialect.logprobs:
            # At least one: some backends take 0 for none at all, and Ollama asks for one too.
            request.add({"logprobs": max(body.get("top_logprobs") or 0, 1)})
        else:
            request.drop("logprobs")
