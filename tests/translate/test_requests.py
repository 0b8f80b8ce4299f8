"""What reaches the backend: only what is understood, under the backend's names."""

from __future__ import annotations

import inspect
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError
from ollama_facade.translate.apis.ollama_generate import generate_request
from ollama_facade.translate.context import generate_context
from ollama_facade.translate.dialect_table import DIALECTS, dialect
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import (
    BackendRequest,
    chat_request,
    embed_request,
)
from tests.golden.recordings import Case, cases

GEN = Model("gen:latest", "org/gen", context_length=4096, digest="", modified_at=0)
SYS = Model(
    "sys:latest",
    "gen",
    system="You are a pirate.",
    parameters={"temperature": 0.5, "stop": ["<|im_end|>", "User:"], "num_ctx": 2048},
    digest="",
    modified_at=0,
)
INSERT = Model(
    "insert:latest",
    "insert",
    capabilities=("completion", "insert"),
    capabilities_known=True,
    digest="",
    modified_at=0,
)
USER = {"role": "user", "content": "Hi"}


def chat(
    body: dict[str, Any], model: Model = GEN, row: str = "default", **more: Any
) -> BackendRequest:
    return chat_request({"messages": [USER], **body}, model, dialect(row), False, **more)


def generate(
    body: dict[str, Any], model: Model = GEN, row: str = "default", **more: Any
) -> BackendRequest:
    return generate_request({"prompt": "Hi", **body}, model, dialect(row), False, **more)


def parameters(request: BackendRequest) -> dict[str, Any]:
    """What is sent besides the model, the prompt and the choice of a stream."""
    always = ("model", "messages", "prompt", "stream")
    return {name: value for name, value in request.body.items() if name not in always}


def test_a_plain_chat_is_only_what_it_must_be() -> None:
    request = chat({})
    assert request.endpoint == "chat"
    assert request.body == {"model": "org/gen", "messages": [USER], "stream": False}
    assert request.dropped == ()


def test_usage_is_asked_for_on_a_stream() -> None:
    request = chat_request({"messages": [USER]}, GEN, dialect("default"), True)
    assert request.body["stream"] is True
    assert request.body["stream_options"] == {"include_usage": True}


def test_a_plain_generate_is_a_chat() -> None:
    request = generate({"prompt": "Why?", "system": "Be brief.", "images": None})
    assert request.endpoint == "chat"
    assert request.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]


def test_options_go_by_the_backends_names() -> None:
    options = {"top_k": 20, "repeat_penalty": 1.2, "seed": 1, "num_predict": 3.9, "stop": ["a"]}
    request = chat({"options": options}, row="vllm")
    options = {"top_k": 20, "repetition_penalty": 1.2, "seed": 1, "max_tokens": 3, "stop": ["a"]}
    assert parameters(request) == options
    assert chat({"options": {"num_predict": 3}}, row="openai").body["max_completion_tokens"] == 3


def test_what_cannot_be_sent_is_named_once() -> None:
    request = chat(
        {
            "options": {"top_k": 1, "num_ctx": 4096, "use_mmap": True, "nonsense": 1},
            "truncate": True,
            "shift": True,
        },
        think=True,
    )
    assert request.dropped == ("top_k", "num_ctx", "use_mmap", "truncate", "shift", "think")
    assert chat({"truncate": False, "shift": False}).dropped == ()
    assert generate({"template": "{{ .Prompt }}"}).dropped == ("template",)


def test_parameters_of_the_model_are_sent_and_its_load_options_not_named() -> None:
    request = chat({"options": {"temperature": 0.1}}, SYS)
    assert request.body["temperature"] == 0.1
    assert request.body["stop"] == ["<|im_end|>", "User:"]
    assert request.dropped == ()


def test_no_tokens_at_all_is_a_limit_in_chat_and_none_in_generate() -> None:
    """Golden options/sent-native-num-predict-0, real/num-predict-0."""
    options = {"options": {"num_predict": 0}}
    assert chat(options).body["max_tokens"] == 0
    assert "max_tokens" not in generate(options).body
    assert "max_tokens" not in generate({**options, "raw": True}).body


def test_raw_is_a_completion_of_the_prompt_as_it_is() -> None:
    request = generate(
        {"prompt": "<s>x", "raw": True, "context": [], "options": {"num_predict": 5}}, SYS, "openai"
    )
    assert request.endpoint == "completions"
    assert request.body == {
        "model": "gen",
        "prompt": "<s>x",
        "stream": False,
        "temperature": 0.5,
        "stop": ["<|im_end|>", "User:"],
        "max_tokens": 5,
    }


def test_a_suffix_goes_with_the_completion() -> None:
    request = generate({"prompt": "def add(", "suffix": "    return c"}, SYS)
    assert request.endpoint == "completions"
    assert request.body["prompt"] == "def add("
    assert request.body["suffix"] == "    return c"


def test_a_suffix_is_refused_where_the_backend_has_none_unless_the_model_says_otherwise() -> None:
    with pytest.raises(OllamaError, match="suffix") as raised:
        generate({"suffix": "y"}, row="llamacpp")
    assert raised.value.status == 400
    assert generate({"suffix": "y"}, INSERT, "llamacpp").body["suffix"] == "y"


def test_raw_leaves_a_suffix_out_and_says_so() -> None:
    request = generate({"raw": True, "suffix": "y"}, row="llamacpp")
    assert "suffix" not in request.body
    assert request.dropped == ("suffix",)


@pytest.mark.parametrize("body", [{"raw": True}, {"suffix": "y"}])
def test_images_do_not_fit_into_a_completion(body: dict[str, Any]) -> None:
    with pytest.raises(OllamaError, match="images"):
        generate({**body, "images": ["iVBO"]})


def test_a_format_of_a_completion_is_sent_where_it_is_known() -> None:
    body = {"raw": True, "format": {"type": "object"}}
    assert generate(body).dropped == ("format",)
    assert parameters(generate(body, row="llamacpp")) == {"json_schema": {"type": "object"}}
    assert "response_format" in generate(body, row="vllm").body


@pytest.mark.parametrize("ask", [chat, generate])
def test_a_wrong_format_or_option_is_refused(ask: Any) -> None:
    with pytest.raises(OllamaError, match="invalid format"):
        ask({"format": "xml"})
    with pytest.raises(OllamaError, match="num_ctx"):
        ask({"options": {"num_ctx": "4096"}})


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"logprobs": True}, {"logprobs": True}),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"logprobs": True, "top_logprobs": 0}, {"logprobs": True}),
        ({"top_logprobs": 2}, {}),
        ({"logprobs": False, "top_logprobs": 2}, {}),
    ],
)
def test_logprobs_of_a_chat(body: dict[str, Any], sent: dict[str, Any]) -> None:
    arguments = chat(body).body
    assert {name: arguments[name] for name in arguments if "logprobs" in name} == sent


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"logprobs": True}, 1),
        ({"logprobs": True, "top_logprobs": 3}, 3),
        ({"top_logprobs": 3}, None),
    ],
)
def test_logprobs_of_a_completion(body: dict[str, Any], sent: int | None) -> None:
    assert generate({**body, "raw": True}).body.get("logprobs") == sent


def test_a_model_known_not_to_think_is_not_switched() -> None:
    assert parameters(chat({}, INSERT, "llamacpp", think=False)) == {}
    switched = parameters(chat({}, GEN, "llamacpp", think=False))
    assert switched == {"chat_template_kwargs": {"enable_thinking": False}}
    assert parameters(chat({}, GEN, "llamacpp", think=None)) == {}


def test_a_conversation_goes_on_by_its_context() -> None:
    context = generate_context({"prompt": "Hi"}, "Hello!", GEN)
    request = generate({"prompt": "And?", "context": context})
    assert [message["content"] for message in request.body["messages"]] == [
        "Hi",
        "Hello!",
        "And?",
    ]
    with pytest.raises(OllamaError, match="context"):
        generate({"prompt": "And?", "context": [31826, 31785]})


def test_embeddings_ask_for_base64_where_it_is_known() -> None:
    request = embed_request(["a", "b"], GEN, dialect("llamacpp"), 4, {"num_ctx": 9, "seed": 1})
    assert request.endpoint == "embeddings"
    assert request.body == {
        "model": "org/gen",
        "input": ["a", "b"],
        "encoding_format": "base64",
    }
    assert request.dropped == ("num_ctx",)
    assert embed_request(["a"], GEN, dialect("default"), None, None).body["encoding_format"] == (
        "float"
    )
    with pytest.raises(OllamaError, match='option "num_ctx"'):
        embed_request(["a"], GEN, dialect("default"), None, {"num_ctx": "4096"})


@pytest.mark.parametrize(("length", "sent"), [(0, None), (4, None), (8, 4)])
def test_dimensions_are_sent_where_they_are_known_to_cut(length: int, sent: int | None) -> None:
    model = Model("emb:latest", "emb", embedding_length=length, digest="", modified_at=0)
    request = embed_request(["a"], model, dialect("openai"), 4, None)
    assert request.body.get("dimensions") == sent


RECORDED = [
    case
    for case in cases().values()
    if case.asked_bodies and not case.rendered and case.path == "/api/chat"
]
# What the runner calls it -> what the request calls it; the runner alone has the others.
COMPARED = {
    name: name
    for name in (
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "typical_p",
        "seed",
        "repeat_penalty",
        "repeat_last_n",
        "frequency_penalty",
        "presence_penalty",
        "n_keep",
        "chat_template_kwargs",
        "response_format",
        "tools",
        "stop",
    )
} | {"n_predict": "max_tokens"}
DEFAULTS: dict[str, Any] = {
    "temperature": 0.8,
    "top_p": 0.9,
    "top_k": 40,
    "min_p": 0,
    "typical_p": 1,
    "seed": -1,
    "repeat_penalty": 1,
    "repeat_last_n": 64,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "n_keep": 4,
    "n_predict": 40960,
}


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_a_chat_asks_what_the_recorded_server_asked(case: Case) -> None:
    body = case.request["body"]
    model = Model(
        "native:latest",
        "native",
        capabilities=("completion", "thinking", "tools"),
        context_length=4096,
        digest="",
        modified_at=0,
    )
    think = body.get("think")
    if think is None and body["model"] == "native-think":
        think = True  # on for a model that can, unless told otherwise
    request = chat_request(body, model, dialect("llamacpp"), False, think)
    ours = dict(request.body)
    requested = case.asked_bodies[0]
    theirs = {
        ours_name: requested[name]
        for name, ours_name in COMPARED.items()
        if name in requested
        and requested[name] != DEFAULTS.get(name)
        and requested[name] not in (None, [])
        and (name, requested[name]) != ("n_predict", -1)
    }
    assert {name: value for name, value in ours.items() if name in COMPARED.values() and value} == {
        name: value for name, value in theirs.items() if value
    }


SDK = {
    "chat": openai.resources.chat.completions.AsyncCompletions.create,
    "completions": openai.resources.completions.AsyncCompletions.create,
    "embeddings": openai.resources.embeddings.AsyncEmbeddings.create,
}
KEYS = st.sampled_from(
    [
        "api_base",
        "base_url",
        "extra_body",
        "extra_headers",
        "model_kwargs",
        "n",
        "user",
        "tool_choice",
        "messages",
        "model",
        "max_tokens",
        "stream_options",
        "logit_bias",
        "metadata",
    ]
)
VALUES = st.one_of(st.integers(), st.just("canary"), st.just({"canary": ["canary"]}))
EXTRA = st.dictionaries(KEYS | st.text(max_size=8).map(lambda text: f"x{text}"), VALUES)
OPTIONS = st.dictionaries(
    st.sampled_from(["seed", "top_k", "num_ctx", "num_predict"]), st.integers()
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "options": OPTIONS,
        "raw": st.booleans(),
        "suffix": st.just("s"),
        "format": st.sampled_from(["json", {"type": "object"}, None]),
        "logprobs": st.booleans(),
        "top_logprobs": st.integers(0, 20),
        "truncate": st.booleans(),
        "think": st.booleans(),
        "tools": st.just([{"function": {"name": "f"}}]),
    },
)


@given(BODY, EXTRA, st.sampled_from(sorted(DIALECTS)), st.booleans())
def test_what_is_not_understood_never_leaves(
    body: dict[str, Any], extra: dict[str, Any], name: str, stream: bool
) -> None:
    row = dialect(name)
    for make, own in (
        (chat_request, {"messages": [{**extra, "role": "user", "content": "Hi"}]}),
        (generate_request, {"prompt": "Hi"}),
    ):
        requested = {**body, **own}
        requested["options"] = {**(body.get("options") or {})}
        loaded = {**extra, **requested, "options": {**extra, **requested["options"]}}
        try:
            plain = make(requested, INSERT, row, stream, True)
        except OllamaError:
            continue
        assert make(loaded, INSERT, row, stream, True) == plain
        known = (
            set(inspect.signature(SDK[plain.endpoint]).parameters)
            | set(row.parameters.values())
            | {
                "chat_template_kwargs",
                "thinking",
                "reasoning",
                "response_format",
                "json_schema",
            }
        )
        assert set(plain.body) <= known
