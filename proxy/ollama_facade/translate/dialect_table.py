"""The families of backends; a parameter that a row does not name is not sent.

A row describes the family as a whole. What one model of it refuses is learned from its refusal
(`refusals.py`), so a row need not be right for every model.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ollama_facade.translate.dialects import Dialect, openai_options

_WITH_TOP_K = openai_options(top_k="top_k", min_p="min_p", repeat_penalty="repetition_penalty")

_ROWS = (
    Dialect(
        name="default",
        source="OpenAI's specification, its oldest names; nothing that a strict server refuses",
    ),
    Dialect(
        name="openai",
        source="platform.openai.com/docs/api-reference/chat/create, .../completions/create",
        max_tokens="max_completion_tokens",
        thinking="reasoning_effort",
        efforts={"max": "high"},
        embeddings_dimensions=True,
        base64=True,
        responses=True,
    ),
    Dialect(
        name="azure",
        source="learn.microsoft.com/azure/foundry/openai/how-to/reasoning (max_completion_tokens, "
        "reasoning_effort), .../api-version-lifecycle (base URL ending in /openai/v1)",
        max_tokens="max_completion_tokens",
        thinking="reasoning_effort",
        efforts={"max": "high"},
        embeddings_dimensions=True,
        base64=True,
        responses=True,
    ),
    Dialect(
        name="llamacpp",
        source="ggml-org/llama.cpp tools/server: server-task.cpp params_from_json_cmpl, "
        "server-common.cpp oaicompat_chat_params_parse (`suffix` is an unsupported parameter), "
        "#17570 (/v1/messages)",
        parameters=openai_options(
            top_k="top_k",
            min_p="min_p",
            typical_p="typical_p",
            repeat_penalty="repeat_penalty",
            repeat_last_n="repeat_last_n",
            num_keep="n_keep",
        ),
        thinking="chat_template_kwargs",
        reasoning="reasoning_content",
        tool_name=True,
        completions_format="json_schema",
        suffix=False,
        base64=True,
        closes_streams=True,
        # Its /v1/responses leaves out the indexes by which OpenAI's clients put events together,
        # and calls an answer that was cut complete (build 11549).
        responses=False,
        messages=True,
    ),
    Dialect(
        name="vllm",
        source="vllm-project/vllm vllm/entrypoints/openai/chat_completion/protocol.py; "
        "docs.vllm.ai/en/latest/serving/online_serving (no suffix; Responses and Messages APIs)",
        parameters=_WITH_TOP_K,
        thinking="chat_template_kwargs",
        # Qwen's templates read the first, DeepSeek's and Granite's the second.
        template_switches=("enable_thinking", "thinking"),
        reasoning="reasoning_content",
        tool_name=True,
        completions_format="response_format",
        suffix=False,
        base64=True,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="sglang",
        source="sgl-project/sglang python/sglang/srt/entrypoints/openai/protocol.py "
        "(CompletionRequest, ChatCompletionRequest; owned_by `sglang`), "
        "docs/basic_usage/openai_api_completions, docs.sglang.io/docs/basic_usage/anthropic_api",
        parameters=_WITH_TOP_K,
        thinking="chat_template_kwargs",
        template_switches=("enable_thinking", "thinking"),
        reasoning="reasoning_content",
        completions_format="response_format",
        responses=True,
        messages=True,
    ),
    Dialect(
        name="lmstudio",
        source="lmstudio.ai/docs/developer/openai-compat, .../api-changelog (0.3.29 /v1/responses, "
        "0.4.1 /v1/messages), .../docs/api/rest-api; `response_format.type` knows json_schema only",
        parameters=openai_options(top_k="top_k", repeat_penalty="repeat_penalty"),
        reasoning="reasoning_content",
        logprobs=False,
        json_object=False,
        suffix=False,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="ollama",
        source="docs.ollama.com/api/openai-compatibility, .../api/anthropic-compatibility; "
        "ollama/ollama openai/openai.go",
        thinking="reasoning_effort",
        reasoning="reasoning",
        tool_name=True,
        embeddings_dimensions=True,
        base64=True,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="openrouter",
        source="openrouter.ai/docs/api_reference/parameters, "
        "openrouter.ai/docs/guides/best-practices/reasoning-tokens, "
        "openrouter.ai/docs/api/api-reference/anthropic-messages/create-a-message",
        parameters=_WITH_TOP_K,
        thinking="reasoning",
        efforts={"max": "xhigh"},
        reasoning="reasoning",
        suffix=False,
        responses=True,
        messages=True,
    ),
    Dialect(
        name="litellm",
        source="docs.litellm.ai/docs/completion/input (translated parameters), "
        ".../completion/drop_params (a provider's unsupported ones are refused by name), "
        "docs.litellm.ai/docs/anthropic_unified, .../docs/response_api",
        thinking="reasoning_effort",
        efforts={"max": "high"},
        reasoning="reasoning_content",
        responses=True,
        messages=True,
    ),
    Dialect(
        name="deepseek",
        source="api-docs.deepseek.com/api/create-chat-completion (no seed, json_object only), "
        ".../guides/thinking_mode (a turn that calls tools without its thoughts is refused), "
        ".../guides/fim_completion; Anthropic's dialect has an address of its own: "
        ".../guides/anthropic_api",
        parameters=openai_options("seed"),
        thinking="thinking",
        reasoning="reasoning_content",
        thoughts_back=True,
        json_schema=False,
    ),
    Dialect(
        name="mistral",
        source="mistralai/client-python docs/models/chatcompletionrequest.md (random_seed; no "
        "logprobs); usage comes unasked and stream_options is refused: dnakov/anon-kode#53; text "
        "completions have a path of their own, /v1/fim/completions",
        parameters=openai_options("seed", seed="random_seed"),
        stream_options=False,
        logprobs=False,
        tool_name=True,
        completions=False,
        suffix=False,
    ),
    Dialect(
        name="groq",
        source="console.groq.com/docs/openai (logprobs, top_logprobs and messages[].name are "
        "errors; no text completions; Responses API); levels differ by model: "
        "earendil-works/pi#1745",
        thinking="reasoning_effort",
        efforts={"max": "high"},
        reasoning="reasoning",
        logprobs=False,
        completions=False,
        suffix=False,
        responses=True,
    ),
    Dialect(
        name="together",
        source="togethercomputer/skills together-chat-completions/references/api-parameters.md, "
        "docs.together.ai/docs/inference/responses-api",
        parameters=_WITH_TOP_K,
        thinking="reasoning_switch",
        efforts={"max": "high"},
        reasoning="reasoning",
        logprobs=False,  # a number there, and an answer of its own shape
        suffix=False,
        responses=True,
    ),
    Dialect(
        name="gemini",
        source="ai.google.dev/gemini-api/docs/openai; seed and frequency_penalty are unknown "
        "names: Vali-98/ChatterUI#227",
        parameters=openai_options("seed", "frequency_penalty"),
        thinking="reasoning_effort",
        efforts={"max": "high"},
        logprobs=False,
        completions=False,
        suffix=False,
    ),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})


def dialect(name: str) -> Dialect:
    """Returns the dialect of that name. Raises KeyError."""
    return DIALECTS[name]
