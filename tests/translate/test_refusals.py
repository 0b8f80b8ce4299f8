"""The parameter that a backend's error names: error bodies as servers really write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from ollama_facade.translate.refusals import REQUIRED, Refusal, find_refusals, without
from ollama_facade.translate.requests import BackendRequest
from tests.translate.test_chunks import JSON

SENT: dict[str, Any] = {
    "model": "m",
    "messages": [],
    "stream": True,
    "tools": [],
    "temperature": 0.2,
    "top_p": 0.9,
    "seed": 1,
    "stop": ["x"],
    "frequency_penalty": 0.5,
    "max_tokens": 10,
    "logprobs": True,
    "top_logprobs": 2,
    "stream_options": {"include_usage": True},
    "reasoning_effort": "max",
    "response_format": {"type": "json_object"},
}
EXTRA: dict[str, Any] = {"top_k": 5, "min_p": 0.1, "reasoning": {"effort": "none"}}


def chat(**more: Any) -> BackendRequest:
    return BackendRequest("chat", {**SENT, **EXTRA, **more})


def refused(body: Any) -> set[str]:
    return {refusal.parameter for refusal in find_refusals(body, chat())}


def openai(message: str, param: Any = None, code: Any = None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


def pydantic(*places: list[Any], kind: str = "extra_forbidden") -> list[dict[str, Any]]:
    return [
        {"type": kind, "loc": place, "msg": "Extra inputs are not permitted"} for place in places
    ]


GEMINI = {
    "code": 400,
    "message": 'Invalid JSON payload received. Unknown name "frequency_penalty": '
    "Cannot find field.\n"
    'Invalid JSON payload received. Unknown name "seed": Cannot find field.',
    "status": "INVALID_ARGUMENT",
}
USE_OTHER = "is not supported with this model. Use 'max_completion_tokens' instead."

BODIES: dict[str, tuple[Any, set[str]]] = {
    # fish2018/YPrompt#26
    "openai, a parameter": (
        openai(
            f"Unsupported parameter: 'max_tokens' {USE_OTHER}",
            "max_tokens",
            "unsupported_parameter",
        ),
        {"max_tokens"},
    ),
    # caozhiyuan/copilot-api#164
    "copilot, without param": (
        {
            "message": f"Unsupported parameter: 'max_tokens' {USE_OTHER}",
            "code": "invalid_request_body",
        },
        {"max_tokens"},
    ),
    # decolua/9router#560
    "openai, a value": (
        openai(
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the "
            "default (1) value is supported.",
            "temperature",
            "unsupported_value",
        ),
        {"temperature"},
    ),
    # agno-agi/agno#1066
    "azure, unknown": (
        openai("Unknown parameter: 'stream_options'.", "stream_options", "unknown_parameter"),
        {"stream_options"},
    ),
    # Pythagora-io/gpt-pilot#1022
    "azure, unrecognized": (
        openai(
            "Unrecognized request argument supplied: stream_options. Please contact us through an "
            "Azure support request at: https://go.microsoft.com/fwlink/?linkid=2213926",
            "",
        ),
        {"stream_options"},
    ),
    "openai, several": (
        openai("Unrecognized request arguments supplied: min_p, top_k"),
        {"min_p", "top_k"},
    ),
    # 1Panel-dev/MaxKB#2912, modelscope/ms-agent#489
    "vllm, a list as Python prints it": (
        {
            "object": "error",
            "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': "
            "'Extra inputs are not permitted', 'input': {}}]",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        {"stream_options"},
    ),
    # vllm-project/vllm#12864
    "vllm, pydantic's text": (
        openai(
            "2 validation errors for ChatCompletionRequest\ntop_k\n  Extra inputs are not "
            "permitted [type=extra_forbidden, input_value=5, input_type=int]\n"
            "seed\n  Extra inputs are not "
            "permitted [type=extra_forbidden, input_value=1, input_type=int]"
        ),
        {"top_k", "seed"},
    ),
    # vllm-project/vllm-gaudi#1098
    "vllm, please remove": (
        openai(
            "Gaudi doesn't support logprobs. Please remove 'logprobs'/'top_logprobs' from your "
            "request to receive a response."
        ),
        {"logprobs", "top_logprobs"},
    ),
    "vllm, not supported": (openai("seed is not currently supported"), {"seed"}),
    # partITech/php-mistral#76, editor-code-assistant/eca#231
    "mistral": (
        {"object": "error", "message": {"detail": pydantic(["body", "seed"])}, "param": None},
        {"seed"},
    ),
    "mistral, today's": (
        {"detail": pydantic(["body", "seed"], ["body", "top_k"])},
        {"seed", "top_k"},
    ),
    # dnakov/anon-kode#53
    "mistral, a part of a parameter": (
        {"message": {"detail": pydantic(["body", "stream_options", "include_usage"])}},
        {"stream_options"},
    ),
    # mistralai/platform-docs-public#7, langchain-ai/langchain-azure#82
    "mistral, JSON in a text": (
        {"message": json.dumps({"detail": pydantic(["body", "frequency_penalty"])})},
        {"frequency_penalty"},
    ),
    # Vali-98/ChatterUI#227
    "gemini, in a list": ([{"error": GEMINI}], {"frequency_penalty", "seed"}),
    "gemini": (GEMINI, {"frequency_penalty", "seed"}),
    # fanenr/chatbot#21, musistudio/llms#64
    "groq": (
        {"message": "property 'top_k' is unsupported, did you mean 'top_p'?"},
        {"top_k"},
    ),
    # earendil-works/pi#1745
    "groq, a level": (
        {"message": "`reasoning_effort` must be one of `none` or `default`"},
        {"reasoning_effort"},
    ),
    # kaiko-ai/eva#895, BerriAI/litellm#6856
    "litellm": (
        openai(
            "litellm.UnsupportedParamsError: "
            "anthropic does not support parameters: ['seed', 'top_k'],"
            " for model=claude. To drop these, set `litellm.drop_params=True` or for proxy:\n"
        ),
        {"seed", "top_k"},
    ),
    "litellm, older": (
        openai(
            "litellm.UnsupportedParamsError: "
            "anthropic does not support parameters: {'seed': 1}, for"
        ),
        {"seed"},
    ),
    # BerriAI/litellm#13609
    "bedrock behind litellm": (
        openai(
            'BedrockException - {"message":"The model returned the following errors: reasoning: '
            'Extra inputs are not permitted"}'
        ),
        {"reasoning"},
    ),
    # FlowiseAI/Flowise#2866
    "fireworks": ("Extra inputs are not permitted, field: 'stream_options' ", {"stream_options"}),
    # neavo/LinguaGacha#771
    "xai": (
        {"error": "Model grok-4.20 does not support parameter reasoningEffort."},
        {"reasoning_effort"},
    ),
    # ggml-org/llama.cpp#12591
    "llama.cpp": (
        {"code": 400, "message": "Unsupported param: logprobs", "type": "invalid_request_error"},
        {"logprobs"},
    ),
    # CherryHQ/cherry-studio#8251
    "openrouter": (
        {
            "message": "Reasoning is mandatory for this endpoint and cannot be disabled.",
            "code": 400,
        },
        {"reasoning"},
    ),
    "serde": ("Failed to deserialize: unknown field `min_p`, expected one of `model`", {"min_p"}),
    "go": ({"error": 'json: unknown field "min_p"'}, {"min_p"}),
    "jsonschema": (
        openai("Additional properties are not allowed ('min_p', 'seed' were unexpected)"),
        {"min_p", "seed"},
    ),
    "zod": (openai("Unrecognized key(s) in object: 'min_p'"), {"min_p"}),
    "python": (openai("create() got an unexpected keyword argument 'min_p'"), {"min_p"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_the_parameter_is_found_in_every_servers_words(name: str) -> None:
    body, names = BODIES[name]
    assert refused(body) == names


NO_REFUSALS: dict[str, Any] = {
    "nothing": None,
    "a number": 5,
    "a page": "<html>seed</html>",
    "a long context": openai(
        "This model's maximum context length is 8 tokens.", "messages", "context_length_exceeded"
    ),
    "a value out of range": openai(
        "Invalid 'temperature': decimal above maximum value.",
        "temperature",
        "decimal_above_max_value",
    ),
    "a limit too large": openai("max_tokens is too large: 9. This model supports at most 8."),
    "a wrong type": {"detail": pydantic(["body", "temperature"], kind="float_type")},
    "a parameter that was not sent": openai(
        "Unknown parameter: 'store'.", "store", "unknown_parameter"
    ),
    "the model": openai("The model 'm' is not supported", "model", "unsupported_value"),
    "tools": openai("Unsupported parameter: 'tools' is not supported with this model."),
    "tools, by Mistral": {"detail": pydantic(["body", "tools"])},
    "tools beside what could go": {"detail": pydantic(["body", "tools"], ["body", "seed"])},
    "a part of a message": {"detail": pydantic(["body", "messages", 0, "user", "seed"])},
    # janhq/jan#8136
    "a part of a message, by Groq": {
        "message": "'messages.1' : for 'role:assistant' the following must be satisfied"
        "[('messages.1' : property 'seed' is unsupported)]"
    },
    "a part of a message, by vLLM": openai(
        "1 validation error for ChatCompletionRequest\nmessages.0.user.seed\n  Extra inputs are "
        "not permitted [type=extra_forbidden]"
    ),
    # zed-industries/zed#44875
    "a part of a tool": {
        "message": 'Invalid JSON payload received. Unknown name "seed" at '
        "'tools[0].function_declarations[5].parameters': Cannot find field."
    },
    "streaming": openai(
        "Unsupported value: 'stream' does not support true", "stream", "unsupported_value"
    ),
}


@pytest.mark.parametrize("name", NO_REFUSALS)
def test_every_other_error_is_the_clients(name: str) -> None:
    assert refused(NO_REFUSALS[name]) == set()


def test_a_deep_body_is_no_refusal() -> None:
    body: Any = "Unknown parameter: 'seed'."
    for _ in range(500):
        body = {"error": [body]}
    assert refused(body) == set()


@given(JSON)
def test_any_body_is_read_and_names_only_what_may_go(body: Any) -> None:
    assert refused(body).isdisjoint(REQUIRED)


def test_only_the_value_of_a_level_is_refused_but_every_number() -> None:
    level = openai("", "reasoning_effort", "unsupported_value")
    number = openai("", "temperature", "unsupported_value")
    assert find_refusals(level, chat()) == (Refusal("reasoning_effort", '"max"'),)
    assert find_refusals(number, chat()) == (Refusal("temperature"),)


def test_what_is_refused_is_left_out_and_named_in_ollamas_words() -> None:
    names = {Refusal("seed"), Refusal("reasoning_effort"), Refusal("response_format")}
    request = without(chat(), names)
    assert not {"seed", "reasoning_effort", "response_format"} & request.body.keys()
    assert set(request.dropped) == {"seed", "think", "format"}
    assert without(request, names) is request


def test_another_level_is_still_sent() -> None:
    request = chat(reasoning_effort="low")
    assert without(request, {Refusal("reasoning_effort", '"max"')}) is request


def test_a_limit_goes_by_its_other_name() -> None:
    request = without(chat(), {Refusal("max_tokens")})
    assert "max_tokens" not in request.body
    assert request.body["max_completion_tokens"] == 10
    assert request.dropped == ()


def test_a_limit_whose_names_are_both_refused_is_dropped() -> None:
    request = without(chat(), {Refusal("max_tokens"), Refusal("max_completion_tokens")})
    assert not {"max_tokens", "max_completion_tokens"} & request.body.keys()
    assert request.dropped == ("num_predict",)


def test_alternatives_go_with_the_logprobs_that_they_belong_to() -> None:
    assert without(chat(), {Refusal("logprobs")}).dropped == ("logprobs", "top_logprobs")


def test_vectors_come_as_numbers_where_base64_is_refused() -> None:
    body = {"model": "m", "input": [], "encoding_format": "base64"}
    request = without(BackendRequest("embeddings", body), {Refusal("encoding_format")})
    assert request.body["encoding_format"] == "float"
    assert request.dropped == ()
    assert without(request, {Refusal("encoding_format")}) is request
