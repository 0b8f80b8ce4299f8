"""What backends tell of their models: one example a kind of server, in the form it has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.translate.metadata import facts


@dataclass(frozen=True)
class Example:
    """`source` is where the form of the entry is from."""

    server: str
    source: str
    entry: Mapping[str, Any]
    facts: Mapping[str, Any]
    properties: Mapping[str, Any] = field(default_factory=dict)


LLAMACPP_ENTRY: dict[str, Any] = {
    "name": "smollm2",
    "model": "smollm2",
    "modified_at": "",
    "size": "",
    "digest": "",
    "type": "model",
    "tags": [],
    "capabilities": ["completion"],
    "parameters": "",
    "details": {
        "parent_model": "",
        "format": "gguf",
        "family": "",
        "families": [""],
        "parameter_size": "",
        "quantization_level": "",
    },
    "id": "smollm2",
    "aliases": ["smollm2"],
    "object": "model",
    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
    "created": 1795555449,
    "owned_by": "llamacpp",
    "meta": {
        "vocab_type": 2,
        "n_vocab": 49152,
        "n_ctx": 1024,
        "n_ctx_train": 8192,
        "n_embd": 576,
        "n_params": 134515008,
        "size": 96576768,
        "ftype": "Q4_1",
    },
}
LLAMACPP_PROPERTIES: dict[str, Any] = {
    "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": 512},
    "total_slots": 2,
    "model_ftype": "Q4_1",
    "modalities": {"vision": True, "video": False, "audio": False},
    "chat_template": "{% if enable_thinking is defined %}<think>{% endif %}{{ messages }}",
    "chat_template_caps": {"supports_system_role": True, "supports_tools": True},
    "build_info": "b0-unknown",
}
SMOLLM2 = {
    "context_length": 1024,
    "embedding_length": 576,
    "parameter_count": 134515008,
    "quantization_level": "Q4_1",
    "size": 96576768,
    "format": "gguf",
}

EXAMPLES = (
    Example(
        "OpenAI",
        "https://platform.openai.com/docs/api-reference/models/list",
        {"id": "gpt-4o", "object": "model", "created": 1686935002, "owned_by": "system"},
        {},
    ),
    Example(
        "vLLM",
        "vllm/entrypoints/openai/protocol.py ModelCard; an answer of a server with bge-m3",
        {
            "id": "BAAI/bge-m3",
            "object": "model",
            "created": 1756885796,
            "owned_by": "vllm",
            "root": "BAAI/bge-m3",
            "parent": None,
            "max_model_len": 1024,
            "permission": [{"id": "modelperm-cb01", "object": "model_permission"}],
        },
        {"context_length": 1024},
    ),
    Example(
        "llama.cpp, its list alone",
        "recorded from xllamacpp 2026.10 with SmolLM2-135M-Instruct, -c 1024",
        LLAMACPP_ENTRY,
        {**SMOLLM2, "capabilities_seen": ("completion",)},
    ),
    Example(
        "llama.cpp with /props",
        "recorded as above; template, modalities and tools changed to say more",
        LLAMACPP_ENTRY,
        {
            **SMOLLM2,
            "context_length": 512,
            "capabilities": ("completion", "tools", "thinking", "vision"),
        },
        LLAMACPP_PROPERTIES,
    ),
    Example(
        "llama.cpp of 2024",
        "tools/server/README.md of llama.cpp, GET /v1/models",
        {
            "id": "../models/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
            "object": "model",
            "created": 1735142223,
            "owned_by": "llamacpp",
            "meta": {
                "vocab_type": 2,
                "n_vocab": 128256,
                "n_ctx_train": 131072,
                "n_embd": 4096,
                "n_params": 8030261312,
                "size": 4912898304,
            },
        },
        {
            "context_length": 131072,
            "embedding_length": 4096,
            "parameter_count": 8030261312,
            "size": 4912898304,
            "format": "gguf",
        },
    ),
    Example(
        "OpenRouter",
        "https://openrouter.ai/docs/models, Model Object Schema",
        {
            "id": "openai/gpt-4o",
            "canonical_slug": "openai/gpt-4o",
            "name": "OpenAI: GPT-4o",
            "created": 1715558400,
            "context_length": 128000,
            "architecture": {
                "modality": "text+image->text",
                "input_modalities": ["text", "image", "file"],
                "output_modalities": ["text"],
                "tokenizer": "GPT",
                "instruct_type": None,
            },
            "pricing": {"prompt": "0.0000025", "completion": "0.00001"},
            "top_provider": {
                "context_length": 64000,
                "max_completion_tokens": 16384,
                "is_moderated": True,
            },
            "per_request_limits": None,
            "supported_parameters": ["max_tokens", "temperature", "tools", "tool_choice"],
        },
        {
            "context_length": 64000,
            "capabilities": ("completion", "tools", "vision"),
        },
    ),
    Example(
        "LM Studio, REST v0",
        "https://lmstudio.ai/docs/developer/rest/endpoints, GET /api/v0/models",
        {
            "id": "qwen2-vl-7b-instruct",
            "object": "model",
            "type": "vlm",
            "publisher": "mlx-community",
            "arch": "qwen2_vl",
            "compatibility_type": "mlx",
            "quantization": "4bit",
            "state": "loaded",
            "max_context_length": 32768,
            "loaded_context_length": 4096,
            "capabilities": ["tool_use"],
        },
        {
            "context_length": 4096,
            "family": "qwen2_vl",
            "quantization_level": "4bit",
            "format": "mlx",
            "capabilities_seen": ("tools", "completion", "vision"),
        },
    ),
    Example(
        "LM Studio, embeddings",
        "https://lmstudio.ai/docs/developer/rest/endpoints, GET /api/v0/models",
        {
            "id": "text-embedding-nomic-embed-text-v1.5",
            "object": "model",
            "type": "embeddings",
            "publisher": "nomic-ai",
            "arch": "nomic-bert",
            "compatibility_type": "gguf",
            "quantization": "Q4_0",
            "state": "not-loaded",
            "max_context_length": 2048,
        },
        {
            "context_length": 2048,
            "family": "nomic-bert",
            "quantization_level": "Q4_0",
            "format": "gguf",
            "capabilities": ("embedding",),
        },
    ),
    Example(
        "LM Studio, REST v1",
        "lmstudio-ai/lmstudio-bug-tracker#1659",
        {
            "type": "llm",
            "publisher": "qwen",
            "key": "qwen/qwen3.5-9b",
            "display_name": "Qwen3.5 9B",
            "architecture": "qwen35",
            "quantization": {"name": "Q4_K_M", "bits_per_weight": 4},
            "size_bytes": 6548927017,
            "params_string": "9B",
            "loaded_instances": [{"id": "qwen/qwen3.5-9b", "config": {"context_length": 4096}}],
            "max_context_length": 262144,
            "format": "gguf",
            "capabilities": {"vision": True, "trained_for_tool_use": True},
        },
        {
            "context_length": 4096,
            "family": "qwen35",
            "parameter_size": "9B",
            "quantization_level": "Q4_K_M",
            "format": "gguf",
            "size": 6548927017,
            "capabilities_seen": ("completion", "tools", "vision"),
        },
    ),
    Example(
        "LiteLLM",
        "https://docs.litellm.ai/docs/proxy/model_management, GET /model/info",
        {
            "id": "claude",
            "object": "model",
            "created": 1677610602,
            "owned_by": "openai",
            "model_info": {
                "mode": "chat",
                "max_tokens": 8192,
                "max_input_tokens": 200000,
                "supports_vision": True,
                "supports_function_calling": True,
                "supports_reasoning": None,
            },
        },
        {
            "context_length": 200000,
            "capabilities_seen": ("completion", "tools", "vision"),
        },
    ),
    Example(
        "An Ollama, with its /api/show",
        "management.md §3.3, golden case show/model-emb",
        {"id": "emb:latest", "object": "model", "created": 1795446824, "owned_by": "library"},
        {
            "capabilities": ("embedding",),
            "context_length": 512,
            "embedding_length": 8,
            "family": "bert",
            "parameter_size": "128",
            "parameter_count": 128,
            "quantization_level": "F16",
            "format": "gguf",
        },
        {
            "details": {
                "parent_model": "",
                "format": "gguf",
                "family": "bert",
                "families": ["bert"],
                "parameter_size": "128",
                "quantization_level": "F16",
            },
            "model_info": {
                "general.architecture": "bert",
                "general.parameter_count": 128,
                "bert.context_length": 512,
                "bert.embedding_length": 8,
            },
            "capabilities": ["embedding"],
        },
    ),
    Example(
        "Mistral",
        "https://docs.mistral.ai/api, GET /v1/models",
        {
            "id": "codestral-latest",
            "object": "model",
            "created": 1717200000,
            "owned_by": "mistralai",
            "capabilities": {
                "completion_chat": True,
                "completion_fim": True,
                "function_calling": True,
                "fine_tuning": False,
                "vision": False,
            },
            "max_context_length": 256000,
            "type": "base",
        },
        {
            "context_length": 256000,
            "capabilities_seen": ("completion", "tools", "insert"),
        },
    ),
    Example(
        "Azure",
        "Azure OpenAI REST API, Models - List",
        {
            "id": "text-embedding-3-small",
            "object": "model",
            "created_at": 1705948997,
            "capabilities": {"chat_completion": False, "embeddings": True, "inference": True},
        },
        {"capabilities": ("embedding",)},
    ),
    Example(
        "Groq",
        "https://console.groq.com/docs/models, GET /openai/v1/models",
        {
            "id": "llama3-groq-8b",
            "object": "model",
            "created": 1693721698,
            "owned_by": "Groq",
            "active": True,
            "context_window": 8192,
        },
        {"context_length": 8192},
    ),
    Example(
        "Together",
        "https://docs.together.ai/reference/models-1",
        {"id": "BAAI/bge-base", "created": 0, "type": "embedding", "context_length": 512},
        {"context_length": 512, "capabilities": ("embedding",)},
    ),
    Example(
        "Fireworks",
        "https://docs.fireworks.ai/api-reference, GET /inference/v1/models",
        {
            "id": "accounts/fireworks/models/llama-v3p1-8b-instruct",
            "created": 1721692808,
            "kind": "HF_BASE_MODEL",
            "supports_chat": True,
            "supports_image_input": False,
            "supports_tools": True,
            "context_length": 131072,
        },
        {
            "context_length": 131072,
            "capabilities_seen": ("completion", "tools"),
        },
    ),
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.server)
def test_the_facts_of_a_server_are_read(example: Example) -> None:
    assert facts(example.entry, example.properties) == example.facts


def test_tools_are_not_known_to_be_missing_where_the_backend_does_not_say() -> None:
    for caps in ({}, {"supports_system_role": True}):
        values = facts(LLAMACPP_ENTRY, {**LLAMACPP_PROPERTIES, "chat_template_caps": caps})
        assert "capabilities" not in values


def test_a_template_without_tools_and_thoughts_has_neither_capability() -> None:
    properties = {
        **LLAMACPP_PROPERTIES,
        "chat_template": "{{ messages }}",
        "chat_template_caps": {"supports_tools": False},
        "modalities": {"vision": False, "audio": False},
    }
    assert facts(LLAMACPP_ENTRY, properties)["capabilities"] == ("completion",)


@pytest.mark.parametrize(
    "value",
    (0, -1, True, "8192", 1.5, float("nan"), float("inf"), 2**63, None, [8192], {"a": 1}),
)
def test_an_invalid_length_is_ignored(value: object) -> None:
    assert "context_length" not in facts({"id": "a", "max_model_len": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = sorted({key for example in EXAMPLES for key in (*example.entry, *example.properties)})


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.dictionaries(st.sampled_from(KEYS), JSON))
def test_any_json_is_read(entry: dict[str, Any], properties: dict[str, Any]) -> None:
    values = facts(entry, properties)
    assert all(values.values())
    assert not {"capabilities", "capabilities_seen"} <= set(values)
