"""Requests sent by `Posting` beside the same sent by the SDK's own methods."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import openai
import pytest
from aiohttp.client_proto import ResponseHandler
from ollama_facade.backend.posting import KINDS, Posting, encoded

from ollama_facade.backend.transport import make_client
from ollama_facade.config import settings
from tests.upstream import Asked, Upstream, answer, reset

MESSAGES = [
    {"role": "system", "content": "Brief & <plain> \u2028 é 😀"},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is it?"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        ],
    },
    {"role": "assistant", "content": None, "tool_calls": []},
]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "x": None}}}

REQUESTS: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a chat": ("chat", {"model": "m", "messages": MESSAGES[:1]}, {}),
    "a chat with everything": (
        "chat",
        {
            "model": "m",
            "messages": MESSAGES,
            "temperature": 0.1,
            "top_p": 1e-7,
            "seed": 2**60,
            "stop": ["a", "b"],
            "max_tokens": 5,
            "logprobs": True,
            "top_logprobs": 2,
            "tools": [TOOL],
            "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}},
            "reasoning_effort": "low",
            "stream": False,
        },
        {"top_k": 3, "chat_template_kwargs": {"enable_thinking": False}},
    ),
    "an integer beyond 64 bits": (
        "chat",
        {"model": "m", "messages": MESSAGES[:1], "seed": 2**70},
        {},
    ),
    "a completion": ("completions", {"model": "m", "prompt": "a", "suffix": "b"}, {"min_p": 0.5}),
    "an embedding": (
        "embeddings",
        {"model": "emb", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 3},
        {},
    ),
}

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "a key": {"OPENAI_API_KEY": "sk-canary-1234"},
    "no key": {},
    "an organization": {"OPENAI_API_KEY": "k", "OPENAI_ORG_ID": "o", "OPENAI_PROJECT_ID": "p"},
    "headers": {"OPENAI_API_KEY": "k", "FACADE_BACKEND_HEADERS": "X-Team: blue"},
}

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "none": {"Authorization": openai.Omit()},
    "the client's key": {"Authorization": "Bearer other"},
    "no more requests": {"Authorization": "Bearer other", "Connection": "close"},
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


def client(upstream: Upstream, environ: Mapping[str, str]) -> openai.AsyncOpenAI:
    return make_client(settings.load({"OPENAI_BASE_URL": upstream.base_url, **environ}))


def told(asked: Asked) -> tuple[str, str, dict[str, str], Any]:
    headers = dict(asked.headers)
    headers.pop("content-length")
    return asked.method, asked.path, headers, asked.body


def both(upstream: Upstream, environ: Mapping[str, str], headers: Any, request: Any) -> list[Any]:
    endpoint, arguments, extra = request

    async def ask() -> None:
        sdk = client(upstream, environ)
        stock = {
            "chat": sdk.chat.completions,
            "completions": sdk.completions,
            "embeddings": sdk.embeddings,
        }[endpoint].with_streaming_response.create
        async with stock(**arguments, extra_headers=headers, extra_body=extra or None) as response:
            await response.http_response.aread()
        posting = Posting(sdk)
        for _ in range(2):
            opened = await posting.send(endpoint, arguments, extra, headers)
            await opened.aread()
            await opened.aclose()
        await sdk.close()

    before = len(upstream.asked)
    asyncio.run(ask())
    return [told(asked) for asked in upstream.asked[before:]]


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_the_one_that_the_sdk_sends(upstream: Upstream, request_: Any) -> None:
    stock, first, second = both(upstream, SETTINGS["a key"], {}, request_)
    assert first == second == stock
    assert stock[3]["model"] == request_[1]["model"]


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("environ", SETTINGS.values(), ids=SETTINGS.keys())
def test_its_headers_are_those_that_the_sdk_sends(
    upstream: Upstream, environ: Mapping[str, str], headers: Any
) -> None:
    stock, first, second = both(upstream, environ, headers, REQUESTS["a chat"])
    assert first == second == stock
    assert stock[2].get("authorization") == (
        None if isinstance(headers["Authorization"], openai.Omit) else "Bearer other"
    )


def test_an_answer_is_read_as_aiohttp_reads_it(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each parameter of aiohttp's parser has the value that its own session gives it."""
    told: list[dict[str, Any]] = []
    signature = inspect.signature(ResponseHandler.set_response_params)
    set_them = ResponseHandler.set_response_params

    def noted(self: ResponseHandler, **given: Any) -> None:
        bound = signature.bind(self, **given)
        bound.apply_defaults()
        told.append(dict(bound.arguments))
        set_them(self, **given)

    monkeypatch.setattr(ResponseHandler, "set_response_params", noted)
    both(upstream, SETTINGS["a key"], {}, REQUESTS["a chat"])
    stock, ours, _ = told
    differ = {name for name in stock if stock[name] != ours[name]}
    # No time for the whole is set, and the timer of the session is one that never goes off.
    assert differ <= {"self", "timer"}
    assert type(stock["timer"]).__name__ == "TimerNoop"
    assert ours["timer"] is None


@pytest.mark.parametrize("status", [307, 400, 401, 404, 429, 500])
def test_a_refusal_is_the_error_of_the_sdk(upstream: Upstream, status: int) -> None:
    async def ask() -> list[openai.APIStatusError]:
        sdk = client(upstream, {})
        found = []
        for send in (
            lambda: sdk.chat.completions.create(model="m", messages=[], extra_headers=headers),
            lambda: Posting(sdk).send("chat", {"model": "m", "messages": []}, {}, headers),
        ):
            with pytest.raises(openai.APIStatusError) as caught:
                await send()
            found.append(caught.value)
        await sdk.close()
        return found

    headers = HEADERS["none"]
    upstream.script([answer(status, {"error": {"message": "no", "code": "c"}})])
    stock, ours = asyncio.run(ask())
    upstream.turns([{}])
    assert type(ours) is type(stock)
    assert (ours.status_code, ours.body, str(ours)) == (status, stock.body, str(stock))


def test_a_broken_connection_is_the_error_of_the_sdk(upstream: Upstream) -> None:
    async def ask() -> None:
        sdk = client(upstream, {})
        with pytest.raises(openai.APIConnectionError):
            await Posting(sdk).send("chat", {"model": "m"}, {}, HEADERS["none"])
        await sdk.close()

    upstream.script([reset()])
    asyncio.run(ask())
    upstream.turns([{}])


def test_a_body_that_nobody_can_write_is_the_error_of_a_call(upstream: Upstream) -> None:
    async def ask() -> None:
        sdk = client(upstream, {})
        with pytest.raises(openai.APIConnectionError):
            await Posting(sdk).send("chat", {"model": "\ud800"}, {}, HEADERS["none"])
        await sdk.close()

    asyncio.run(ask())


def test_kinds_are_bounded(upstream: Upstream) -> None:
    async def ask() -> int:
        sdk = client(upstream, {})
        posting = Posting(sdk)
        for number in range(KINDS + 2):
            posting._kind("chat", {"Authorization": f"Bearer {number}"})
        await sdk.close()
        return len(posting._kinds)

    assert asyncio.run(ask()) == KINDS


def test_what_orjson_cannot_write_the_sdk_writes() -> None:
    assert encoded({"seed": 2**70}) == b'{"seed":1180591620717411303424}'
    with pytest.raises(UnicodeEncodeError):
        encoded({"text": "\ud800"})


def test_an_id_of_a_request_is_sent_and_makes_no_kind(upstream: Upstream) -> None:
    async def ask() -> int:
        sdk = client(upstream, {})
        posting = Posting(sdk)
        for number in range(3):
            body = {"model": "native", "messages": MESSAGES[:1]}
            answered = await posting.send("chat", body, {}, {}, f"id-{number}")
            await answered.aread()
            await answered.aclose()
        await sdk.close()
        return len(posting._kinds)

    assert asyncio.run(ask()) == 1
    sent = [dict(asked.headers)["x-request-id"] for asked in upstream.generations()]
    assert sent[-3:] == ["id-0", "id-1", "id-2"]
