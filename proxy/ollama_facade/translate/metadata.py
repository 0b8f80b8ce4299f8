"""What backends say about their models beyond OpenAI's four fields.

There is one reader for each kind of server. It takes a raw entry of the list of models and the
properties of the model, any JSON both, and returns what it understands under the names of `Facts`;
empty values mean nothing. It knows the fields of its own server only. Nothing is inferred from the
name of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, cast

Json = Mapping[str, Any]


class Facts(TypedDict, total=False):
    """What is known of a model; the names are those of `Model`."""

    capabilities: tuple[str, ...]
    """All capabilities, so that a missing one may be refused."""
    capabilities_seen: tuple[str, ...]
    """Some capabilities, from a backend that does not list all: shown, but nothing is refused."""
    context_length: int
    embedding_length: int
    family: str
    parameter_size: str
    parameter_count: int
    quantization_level: str
    format: str
    size: int


def facts(entry: Json, properties: Json | None = None) -> Facts:
    """Reads the facts in one raw entry of the backend's list of models.

    `properties` is what the backend says elsewhere: llama.cpp's `/props`, an Ollama's `/api/show`.
    Every reader reads every entry; the first that knows a fact wins. A value of an unexpected type
    is ignored.
    """
    result: dict[str, Any] = {}
    seen: dict[str, None] = {}
    for reader in _READERS:
        values = reader(entry, properties or {})
        seen.update(dict.fromkeys(values.pop("capabilities_seen", ())))
        for key, value in values.items():
            if value:
                result.setdefault(key, value)
    if seen and "capabilities" not in result:
        result["capabilities_seen"] = tuple(seen)
    return cast("Facts", result)


def _common(entry: Json, _properties: Json) -> dict[str, Any]:
    """Fields of several servers: vLLM and SGLang (`max_model_len`), Groq, Fireworks."""
    return {
        "context_length": _integer(entry, "max_model_len", "context_length", "context_window"),
        "capabilities_seen": _named(
            completion=entry.get("supports_chat"),
            tools=entry.get("supports_tools"),
            vision=entry.get("supports_image_input"),
        ),
        "capabilities": ("embedding",) if entry.get("type") == "embedding" else (),
    }


def _llamacpp(entry: Json, properties: Json) -> dict[str, Any]:
    """llama.cpp: `meta` of the entry, and `/props`.

    The running context (`n_ctx`) is the limit, not the one that the model was trained with.
    """
    meta = _object(entry.get("meta"))
    generation = _object(properties.get("default_generation_settings"))
    return {
        "context_length": _integer(generation, "n_ctx")
        or _integer(meta, "n_ctx")
        or _integer(entry, "max_model_len")
        or _integer(meta, "n_ctx_train"),
        "embedding_length": _integer(meta, "n_embd"),
        "parameter_count": _integer(meta, "n_params"),
        "quantization_level": _text(meta, "ftype") or _text(properties, "model_ftype"),
        "size": _integer(meta, "size"),
        "format": "gguf" if "n_ctx_train" in meta else "",
        "capabilities": _llamacpp_capabilities(properties),
    }


def _llamacpp_capabilities(properties: Json) -> tuple[str, ...]:
    """Returns all capabilities when `/props` describes the chat template, else none."""
    template = properties.get("chat_template")
    supported = _object(properties.get("chat_template_caps"))
    if not isinstance(template, str) or "supports_tools" not in supported:
        return ()
    modalities = _object(properties.get("modalities"))
    return _named(
        completion=True,
        tools=supported.get("supports_tools"),
        thinking=any(mark in template for mark in _MARKS_OF_THINKING),
        vision=modalities.get("vision"),
        audio=modalities.get("audio"),
    )


def _ollama(entry: Json, properties: Json) -> dict[str, Any]:
    """An Ollama: `details` of `/api/tags` (empty in llama.cpp), or `/api/show`."""
    details = {**_object(entry.get("details")), **_object(properties.get("details"))}
    info = _object(properties.get("model_info"))
    family = _text(info, "general.architecture") or _text(details, "family")
    mentioned = _words(properties.get("capabilities")) or _words(entry.get("capabilities"))
    # llama.cpp lists `completion` for every model; an Ollama lists all capabilities.
    complete = "model_info" in properties or mentioned == ("embedding",)
    return {
        "capabilities" if complete else "capabilities_seen": mentioned,
        "context_length": _integer(info, f"{family}.context_length")
        or _integer(details, "context_length"),
        "embedding_length": _integer(info, f"{family}.embedding_length")
        or _integer(details, "embedding_length"),
        "family": family,
        "parameter_size": _text(details, "parameter_size"),
        "parameter_count": _integer(info, "general.parameter_count"),
        "quantization_level": _text(details, "quantization_level"),
        "format": _text(details, "format"),
        "size": _integer(entry, "size"),
    }


def _openrouter(entry: Json, _properties: Json) -> dict[str, Any]:
    """OpenRouter: `architecture` (llama.cpp has one, too), `supported_parameters`."""
    architecture = _object(entry.get("architecture"))
    inputs = _strings(architecture.get("input_modalities"))
    outputs = _strings(architecture.get("output_modalities"))
    parameters = _strings(entry.get("supported_parameters"))
    capabilities = _named(
        completion="text" in outputs,
        image="image" in outputs and "text" not in outputs,
        embedding="embeddings" in outputs,
        tools="tools" in parameters,
        thinking="reasoning" in parameters or "include_reasoning" in parameters,
        vision="image" in inputs,
        audio="audio" in inputs,
    )
    return {
        "capabilities" if parameters and outputs else "capabilities_seen": capabilities,
        "context_length": _integer(_object(entry.get("top_provider")), "context_length"),
    }


def _lmstudio(entry: Json, _properties: Json) -> dict[str, Any]:
    """LM Studio: `/api/v0/models`, and `/api/v1/models` with other names."""
    instances = entry.get("loaded_instances")
    first = _object(instances[0]) if isinstance(instances, list) and instances else {}
    capabilities = _object(entry.get("capabilities"))
    kind = entry.get("type")
    embedding = kind in ("embeddings", "embedding")
    return {
        "capabilities": ("embedding",) if embedding else (),
        "capabilities_seen": _named(
            completion=kind in ("llm", "vlm"),
            tools=capabilities.get("trained_for_tool_use"),
            vision=kind == "vlm" or capabilities.get("vision"),
            thinking=capabilities.get("reasoning"),
        ),
        "context_length": _integer(entry, "loaded_context_length")
        or _integer(_object(first.get("config")), "context_length")
        or _integer(entry, "max_context_length"),
        "family": _text(entry, "arch", "architecture"),
        "parameter_size": _text(entry, "params_string"),
        "quantization_level": _text(entry, "quantization")
        or _text(_object(entry.get("quantization")), "name"),
        "format": _text(entry, "compatibility_type", "format"),
        "size": _integer(entry, "size_bytes"),
    }


def _litellm(entry: Json, _properties: Json) -> dict[str, Any]:
    """LiteLLM: `model_info` of `/model/info`; false may only mean that it is not filled in."""
    info = _object(entry.get("model_info"))
    embedding = info.get("mode") == "embedding"
    return {
        "capabilities": ("embedding",) if embedding else (),
        "capabilities_seen": _named(
            completion=info.get("mode") in ("chat", "completion"),
            tools=info.get("supports_function_calling"),
            thinking=info.get("supports_reasoning"),
            vision=info.get("supports_vision"),
            audio=info.get("supports_audio_input"),
        ),
        "context_length": _integer(info, "max_input_tokens"),
    }


def _mistral(entry: Json, _properties: Json) -> dict[str, Any]:
    """Mistral and Azure: `capabilities` as an object of flags."""
    flags = _object(entry.get("capabilities"))
    chats = flags.get("completion_chat") or flags.get("chat_completion")
    return {
        "capabilities": ("embedding",) if flags.get("embeddings") and not chats else (),
        "capabilities_seen": _named(
            completion=chats,
            tools=flags.get("function_calling"),
            thinking=flags.get("reasoning"),
            vision=flags.get("vision"),
            insert=flags.get("completion_fim"),
        ),
    }


# Where two readers know the same field the more specific one comes first.
_READERS: tuple[Callable[[Json, Json], dict[str, Any]], ...] = (
    _llamacpp, _ollama, _openrouter, _lmstudio, _litellm, _mistral, _common,
)  # fmt: skip

# Ollama's marks (inference.md §3.1), and the variable that turns thinking off.
_MARKS_OF_THINKING = ("<think>", "</think>", "enable_thinking", "reasoning_content", "<|channel|>")

# Words of Ollama (management.md §3.1), and of other servers for the same.
_WORDS = frozenset(
    ("completion", "tools", "insert", "vision", "embedding", "thinking", "image", "audio")
)
_OTHER_WORDS = {"tool_use": "tools", "multimodal": "vision"}


def _named(**flags: object) -> tuple[str, ...]:
    return tuple(word for word, flag in flags.items() if flag)


def _words(value: object) -> tuple[str, ...]:
    words = (_OTHER_WORDS.get(word, word) for word in _strings(value))
    return tuple(dict.fromkeys(word for word in words if word in _WORDS))


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _text(entry: Json, *keys: str) -> str:
    return next((text for text in map(entry.get, keys) if isinstance(text, str) and text), "")


def _integer(entry: Json, *keys: str) -> int:
    """Returns the first positive integer of 64 bits under these keys, else 0."""
    for key in keys:
        value: Any = entry.get(key)
        if type(value) in (int, float) and 0 < value < 2**63 and value == int(value):
            return int(value)
    return 0
