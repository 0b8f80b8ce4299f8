"""One reader for each kind of server that tells more of its models than OpenAI does.

A reader takes a raw entry of the list of models and the properties that belong to it, any JSON
both, and gives what it understood under the names of `metadata.Facts`; empty values are nothing.
It knows the fields of its own server only. Nothing is inferred from the name of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]


def _common(entry: Json, _properties: Json) -> dict[str, Any]:
    """What more than one server has: OpenAI, vLLM and SGLang (`max_model_len`), Groq, Fireworks."""
    return {
        "created": _whole(entry.get("created")),
        "context_length": _whole(entry.get("max_model_len"))
        or _whole(entry.get("context_length"))
        or _whole(entry.get("context_window")),
        "capabilities_seen": _named(
            completion=entry.get("supports_chat"),
            tools=entry.get("supports_tools"),
            vision=entry.get("supports_image_input"),
        ),
        "capabilities": ("embedding",) if entry.get("type") == "embedding" else (),
    }


def _llamacpp(entry: Json, properties: Json) -> dict[str, Any]:
    """llama.cpp: `meta` of the entry, and `/props`.

    The running context (`n_ctx`) counts, not the one the model was trained with: more than that
    is refused.
    """
    meta = _object(entry.get("meta"))
    generation = _object(properties.get("default_generation_settings"))
    return {
        "context_length": _whole(generation.get("n_ctx"))
        or _whole(meta.get("n_ctx"))
        or _whole(entry.get("max_model_len"))
        or _whole(meta.get("n_ctx_train")),
        "embedding_length": _whole(meta.get("n_embd")),
        "parameter_count": _whole(meta.get("n_params")),
        "quantization_level": _text(meta.get("ftype")) or _text(properties.get("model_ftype")),
        "size": _whole(meta.get("size")),
        "format": "gguf" if "n_ctx_train" in meta else "",
        "capabilities": _llamacpp_capabilities(properties),
    }


def _llamacpp_capabilities(properties: Json) -> tuple[str, ...]:
    """Everything, when `/props` tells of the chat template; else nothing.

    A template that thinks names one of the marks (the rule of Ollama, inference.md §3.1, and the
    variable that turns thinking off).
    """
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
    """An Ollama: `details` of `/api/tags` (llama.cpp has them too, empty), or `/api/show`."""
    details = {**_object(entry.get("details")), **_object(properties.get("details"))}
    info = _object(properties.get("model_info"))
    family = _text(info.get("general.architecture")) or _text(details.get("family"))
    mentioned = _words(properties.get("capabilities")) or _words(entry.get("capabilities"))
    # llama.cpp lists `completion` for every model; an Ollama lists all that there is.
    complete = "model_info" in properties or mentioned == ("embedding",)
    return {
        "capabilities" if complete else "capabilities_seen": mentioned,
        "context_length": _whole(info.get(f"{family}.context_length"))
        or _whole(details.get("context_length")),
        "embedding_length": _whole(info.get(f"{family}.embedding_length"))
        or _whole(details.get("embedding_length")),
        "family": family,
        "parameter_size": _text(details.get("parameter_size")),
        "parameter_count": _whole(info.get("general.parameter_count")),
        "quantization_level": _text(details.get("quantization_level")),
        "format": _text(details.get("format")),
        "size": _whole(entry.get("size")),
    }


def _openrouter(entry: Json, _properties: Json) -> dict[str, Any]:
    """OpenRouter: `architecture`, `supported_parameters`, `top_provider`.

    llama.cpp has an `architecture` of the same shape, which does not tell of tools or thinking.
    """
    architecture = _object(entry.get("architecture"))
    inputs, outputs = (
        _strings(architecture.get("input_modalities")),
        _strings(architecture.get("output_modalities")),
    )
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
        "context_length": _whole(_object(entry.get("top_provider")).get("context_length")),
    }


def _lmstudio(entry: Json, _properties: Json) -> dict[str, Any]:
    """LM Studio: `/api/v0/models`, and `/api/v1/models` where the same is named otherwise."""
    instances = entry.get("loaded_instances")
    first = _object(instances[0]) if isinstance(instances, list) and instances else {}
    quantization = entry.get("quantization")
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
        "context_length": _whole(entry.get("loaded_context_length"))
        or _whole(_object(first.get("config")).get("context_length"))
        or _whole(entry.get("max_context_length")),
        "family": _text(entry.get("arch")) or _text(entry.get("architecture")),
        "parameter_size": _text(entry.get("params_string")),
        "quantization_level": _text(quantization) or _text(_object(quantization).get("name")),
        "format": _text(entry.get("compatibility_type")) or _text(entry.get("format")),
        "size": _whole(entry.get("size_bytes")),
    }


def _litellm(entry: Json, _properties: Json) -> dict[str, Any]:
    """LiteLLM: `model_info` of `/model/info`; false may only mean that nobody filled it in."""
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
        "context_length": _whole(info.get("max_input_tokens")),
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


# The order matters where two readers know the same field: the more particular one comes first.
READERS: tuple[Callable[[Json, Json], dict[str, Any]], ...] = (
    _llamacpp,
    _ollama,
    _openrouter,
    _lmstudio,
    _litellm,
    _mistral,
    _common,
)

_MARKS_OF_THINKING = ("<think>", "</think>", "enable_thinking", "reasoning_content", "<|channel|>")

# What servers call it, and what Ollama calls it (management.md §3.1).
_WORDS = {
    "completion": "completion",
    "tools": "tools",
    "tool_use": "tools",
    "insert": "insert",
    "vision": "vision",
    "multimodal": "vision",
    "embedding": "embedding",
    "thinking": "thinking",
    "image": "image",
    "audio": "audio",
}


def _named(**told: object) -> tuple[str, ...]:
    return tuple(word for word, value in told.items() if value)


def _words(value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_WORDS[word] for word in _strings(value) if word in _WORDS))


def _strings(value: object) -> list[str]:
    items: Iterable[object] = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, str)]


def _object(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: object) -> int:
    """A positive whole number that fits into 64 bits, else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 < value < 2**63 and value == int(value) else 0
