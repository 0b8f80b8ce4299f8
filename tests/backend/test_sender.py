"""What both senders send and raise, beside the SDK's own resource methods."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from ollama_facade.backend.sender import SdkSender, Sender, SessionSender, encode
from ollama_facade.backend.transport import AsyncOpenAI, Transport
from ollama_facade.config import settings
from tests.upstream import Asked, Upstream, answer, reset, say, stall

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
    "headers": {"OPENAI_API_KEY": "k", "FACADE_BACKEND_HEADERS": "X-Team: blue\nUSER-AGENT: us"},
}

HEADERS: Mapping[str, Mapping[str, Any]] = {
    "none": {"Authorization": openai.Omit()},
    "the client's key": {"Authorization": "Bearer other"},
    "no more requests": {"Authorization": "Bearer other", "Connection": "close"},
    "a client's header": {"Authorization": "Bearer other", "openai-beta": "a"},
}

ADDRESSES = {
    "plain": ("", ""),
    "credentials": ("us%40er:pa%20ss@", ""),
    "a slash": ("", "/"),
}


@pytest.fixture(params=("session", "sdk"))
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes a sender with some settings, in a block."""

    @asynccontextmanager
    async def block(base_url: str, environ: Mapping[str, str]) -> AsyncIterator[Sender]:
        loaded = settings.load({"OPENAI_BASE_URL": base_url, **environ})
        transport = Transport(loaded)
        client = AsyncOpenAI(loaded, transport)
        sdk = request.param == "sdk"
        sender = SdkSender(client) if sdk else SessionSender(client, transport)
        try:
            yield sender
        finally:
            await sender.close()

    return block


@asynccontextmanager
async def stock(base_url: str, environ: Mapping[str, str]) -> AsyncIterator[openai.AsyncOpenAI]:
    """The SDK's client with the same settings, over httpx's own connections."""
    loaded = settings.load({"OPENAI_BASE_URL": base_url, **environ})
    headers: dict[str, Any] = {
        "OpenAI-Organization": loaded.organization or openai.Omit(),
        "OpenAI-Project": loaded.project or openai.Omit(),
        "Accept-Encoding": "identity",
        **{name: value.get_secret_value() for name, value in loaded.backend_headers},
    }
    async with openai.AsyncOpenAI(
        base_url=base_url,
        api_key=loaded.api_key.get_secret_value() or "none",
        default_headers=headers,
        max_retries=0,
        timeout=None,
        http_client=openai.DefaultAsyncHttpxClient(trust_env=False),
    ) as client:
        yield client


def seen(received: Asked) -> tuple[str, str, dict[str, str], Any]:
    headers = dict(received.headers)
    headers.pop("content-length")
    return received.method, received.path, headers, received.body


async def send_stock(client: openai.AsyncOpenAI, headers: Any, request: Any) -> None:
    endpoint, arguments, extra = request
    create = {
        "chat": client.chat.completions,
        "completions": client.completions,
        "embeddings": client.embeddings,
    }[endpoint].with_streaming_response.create
    async with create(**arguments, extra_headers=headers, extra_body=extra or None) as response:
        await response.http_response.aread()


async def send(sender: Sender, headers: Any, request: Any, request_id: str = "") -> None:
    endpoint, arguments, extra = request
    response = await sender.send(endpoint, {**arguments, **extra}, headers, request_id)
    await response.aread()
    await response.aclose()


def sent(
    make: Any,
    upstream: Upstream,
    environ: Mapping[str, str],
    headers: Any,
    request: Any,
    base_url: str = "",
) -> list[Any]:
    """Returns what the backend sees of the SDK's request, and of two of the sender's."""

    async def run() -> None:
        address = base_url or upstream.base_url
        async with stock(address, environ) as client:
            await send_stock(client, headers, request)
        async with make(address, environ) as sender:
            await send(sender, headers, request)
            await send(sender, headers, request)

    before = len(upstream.requested)
    asyncio.run(run())
    return [seen(received) for received in upstream.requested[before:]]


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_is_the_one_that_the_sdk_sends(
    make: Any, upstream: Upstream, request_: Any
) -> None:
    expected, first, second = sent(make, upstream, SETTINGS["a key"], {}, request_)
    assert first == second == expected
    assert expected[3]["model"] == request_[1]["model"]


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS.keys())
@pytest.mark.parametrize("environ", SETTINGS.values(), ids=SETTINGS.keys())
def test_its_headers_are_those_that_the_sdk_sends(
    make: Any, upstream: Upstream, environ: Mapping[str, str], headers: Any
) -> None:
    expected, first, second = sent(make, upstream, environ, headers, REQUESTS["a chat"])
    assert first == second == expected
    assert expected[2].get("authorization") == (
        None if isinstance(headers["Authorization"], openai.Omit) else "Bearer other"
    )


@pytest.mark.parametrize(("user", "end"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_its_address_is_the_one_that_the_sdk_sends_to(
    make: Any, upstream: Upstream, user: str, end: str
) -> None:
    base_url = f"http://{user}127.0.0.1:{upstream.port}/v1{end}"
    expected, first, second = sent(
        make, upstream, {}, HEADERS["the client's key"], REQUESTS["a chat"], base_url
    )
    assert first == second == expected


def test_an_operators_authorization_is_sent_where_there_is_no_key(
    make: Any, upstream: Upstream
) -> None:
    environ = {"FACADE_BACKEND_HEADERS": "authorization: Basic abc"}
    expected, first, second = sent(make, upstream, environ, {}, REQUESTS["a chat"])
    assert first == second == expected
    assert expected[2]["authorization"] == "Basic abc"


@pytest.mark.parametrize("status", (307, 400, 401, 404, 429, 500))
def test_a_refusal_is_the_error_of_the_sdk(make: Any, upstream: Upstream, status: int) -> None:
    headers = HEADERS["none"]

    async def run() -> list[openai.APIStatusError]:
        async with stock(upstream.base_url, {}) as client:
            with pytest.raises(openai.APIStatusError) as expected:
                await client.chat.completions.create(model="m", messages=[], extra_headers=headers)
        async with make(upstream.base_url, {}) as sender:
            with pytest.raises(openai.APIStatusError) as caught:
                await sender.send("chat", {"model": "m", "messages": []}, headers, "")
        return [expected.value, caught.value]

    upstream.script([answer(status, {"error": {"message": "no", "code": "c"}})])
    expected, error = asyncio.run(run())
    assert (error.status_code, error.body, str(error)) == (status, expected.body, str(expected))
    assert error.response.headers["content-type"] == expected.response.headers["content-type"]


def test_a_broken_connection_is_the_error_of_the_sdk(make: Any, upstream: Upstream) -> None:
    async def run() -> None:
        async with make(upstream.base_url, {}) as sender:
            with pytest.raises(openai.APIConnectionError):
                await sender.send("chat", {"model": "m"}, HEADERS["none"], "")

    upstream.script([reset()])
    asyncio.run(run())


def test_a_body_that_is_no_utf_8_is_the_error_of_a_connection(
    make: Any, upstream: Upstream
) -> None:
    async def run() -> None:
        async with make(upstream.base_url, {}) as sender:
            with pytest.raises(openai.APIConnectionError):
                await sender.send("chat", {"model": "\ud800"}, HEADERS["none"], "")

    asyncio.run(run())


def test_an_integer_over_64_bits_is_written() -> None:
    client = openai.AsyncOpenAI(api_key="none")
    assert encode({"seed": 2**70}, client) == b'{"seed":1180591620717411303424}'


def test_the_id_of_a_request_is_sent(make: Any, upstream: Upstream) -> None:
    async def run() -> None:
        async with make(upstream.base_url, {}) as sender:
            for number in range(2):
                await send(sender, HEADERS["none"], REQUESTS["a chat"], f"id-{number}")

    asyncio.run(run())
    ids = [dict(received.headers)["x-request-id"] for received in upstream.generations()]
    assert ids[-2:] == ["id-0", "id-1"]


def test_a_streamed_body_is_read_as_it_comes(make: Any, upstream: Upstream) -> None:
    async def run() -> bytes:
        async with make(upstream.base_url, {}) as sender:
            response = await sender.send("chat", {"model": "m"}, HEADERS["none"], "")
            try:
                async with asyncio.timeout(5):
                    return await anext(response.aiter_raw())
            finally:
                await response.aclose()

    upstream.script([say("first"), stall()])
    assert b"first" in asyncio.run(run())
