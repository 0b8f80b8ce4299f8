"""Relaying over a scripted backend: what is asked where, and how answers may break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import raw
from tests.service import CANARY, Service
from tests.upstream import Upstream, answer, cut, opened, sliced, stall
from tests.upstream import raw as octets
from tests.upstream.foreign import PATHS, foreign

CHAT = "/v1/chat/completions"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/responses": {"model": "native", "input": "Hi"},
    "/v1/messages": {
        "model": "native",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
    },
}
START = (
    b'event: message_start\ndata: {"type":"message_start","message":'
    b'{"type":"message","model":"native"}}\n\n'
)
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
LEARNT = {
    (404, False): "gen",
    (404, True): "tools",
    (405, False): "think",
    (405, True): "insert",
    (501, False): "qwen3",
    (501, True): "harmony",
}
"""A model of its own for each case, because what is learned of one stays."""

PRESETS = {
    "pirate": "system: Arr.\n",
    "seeded": "parameters: {seed: 7}\n",
    "chatty": "messages: [{role: user, content: Hello}]\n",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    with Upstream() as started:
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    for name, text in PRESETS.items():
        (made / f"{name}.yaml").write_text(f"model: {name}\nfrom: native\n{text}", "utf-8")
    return made


@pytest.fixture(scope="module")
def service(server: Upstream, folder: Path) -> Iterator[Service]:
    settings = {
        "OPENAI_BASE_URL": server.base_url,
        "OLLAMA_MODELS": str(folder),
        "FACADE_DIALECT": "vllm",
    }
    with Service(settings) as started:
        yield started


@pytest.fixture
def upstream(server: Upstream) -> Upstream:
    """Speaks on every route."""
    server.turns([{}])
    for path in PATHS:
        server.script(foreign({}), path=path)
    return server


def paths(upstream: Upstream) -> list[str]:
    return [one.path for one in upstream.requested if one.method == "POST"]


def ask(service: Service, path: str, **more: Any) -> raw.Answer:
    return service.ask("POST", path, {**BODIES[path], **more})


def events(answered: raw.Answer) -> list[dict[str, Any]]:
    lines = answered.body.decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", (False, True))
def test_a_backend_that_has_the_route_is_asked_there_alone(
    service: Service, upstream: Upstream, path: str, stream: bool
) -> None:
    answered = ask(service, path, stream=stream)
    assert answered.status == 200
    assert paths(upstream) == [path]
    [requested] = [one for one in upstream.requested if one.path == path]
    assert requested.headers["authorization"] == f"Bearer {CANARY}"


BETAS = "interleaved-thinking-2025-05-14,context-1m-2025-08-07"


def ask_with(service: Service, path: str, **headers: str) -> raw.Answer:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    fields = {"Host": "localhost", **named}
    data = json.dumps({**BODIES[path], "stream": False}).encode()
    return raw.exchange("127.0.0.1", service.port, "POST", path, fields, data)


def test_what_a_client_of_anthropic_chose_goes_along_to_its_own_route(
    service: Service, upstream: Upstream
) -> None:
    chosen = {"anthropic_beta": BETAS, "anthropic_version": "2024-01-01"}
    assert ask_with(service, "/v1/messages", **chosen, anthropic_dangerous="1").status == 200
    [requested] = [one for one in upstream.requested if one.path == "/v1/messages"]
    assert requested.headers["anthropic-beta"] == BETAS
    assert requested.headers["anthropic-version"] == "2024-01-01"
    assert "anthropic-dangerous" not in requested.headers


def test_without_a_choice_the_version_is_named(service: Service, upstream: Upstream) -> None:
    assert ask(service, "/v1/messages", stream=False).status == 200
    [requested] = [one for one in upstream.requested if one.path == "/v1/messages"]
    assert requested.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in requested.headers


@pytest.mark.parametrize("beta", ("x" * 1001, "gr\u00fcn"))
def test_a_choice_that_is_not_short_and_plain_stays_here(
    service: Service, upstream: Upstream, beta: str
) -> None:
    assert ask_with(service, "/v1/messages", anthropic_beta=beta).status == 200
    [requested] = [one for one in upstream.requested if one.path == "/v1/messages"]
    assert "anthropic-beta" not in requested.headers


def test_the_choice_goes_nowhere_else(service: Service, upstream: Upstream) -> None:
    assert ask_with(service, "/v1/responses", anthropic_beta=BETAS).status == 200
    data = json.dumps({**BODIES["/v1/messages"], "model": next(iter(PRESETS))}).encode()
    headers = {"Host": "localhost", "anthropic-beta": BETAS}
    translated = raw.exchange("127.0.0.1", service.port, "POST", "/v1/messages", headers, data)
    assert translated.status == 200
    assert paths(upstream) == ["/v1/responses", "/v1/chat/completions"]
    assert not any("anthropic" in name for one in upstream.requested for name in one.headers)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", PRESETS)
def test_a_model_with_presets_is_translated(
    service: Service, upstream: Upstream, path: str, name: str
) -> None:
    assert ask(service, path, model=name).status == 200
    assert paths(upstream) == [CHAT]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", (False, True))
@pytest.mark.parametrize("status", (404, 405, 501))
def test_a_missing_route_is_found_out_once_and_the_client_never_sees_it(
    service: Service, upstream: Upstream, path: str, stream: bool, status: int
) -> None:
    upstream.script([answer(status, {"detail": "Not Found"})], path=path)
    model = LEARNT[status, stream]
    for expected in ([path, CHAT], [path, CHAT, CHAT]):
        answered = ask(service, path, model=model, stream=stream)
        assert answered.status == 200
        assert b"Hello" in answered.body
        assert paths(upstream) == expected
    reported = [line for line in service.output().splitlines() if "backend lacks a route" in line]
    assert sum(f"model={model} " in line and path in line for line in reported) == 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stream", (False, True))
@pytest.mark.parametrize(
    ("error", "text"),
    (
        ({"message": "The model `native` does not exist.", "code": 404}, "model 'native' not"),
        ({"message": "Response with id 'resp_1' not found."}, "Response with id 'resp_1' not"),
    ),
    ids=("model", "response"),
)
def test_a_404_that_means_something_else_is_reported_and_nothing_is_learned(
    service: Service, upstream: Upstream, path: str, stream: bool, error: Any, text: str
) -> None:
    upstream.script([answer(404, {"error": error})], foreign({}), path=path)
    answered = ask(service, path, stream=stream)
    assert answered.status == 404
    assert text in answered.json()["error"]["message"]
    assert answered.json()["error"]["type"] == "not_found_error"
    assert ask(service, path, stream=stream).status == 200
    assert paths(upstream) == [path, path]


def test_a_parameter_that_is_refused_by_name_is_left_out_and_named(
    service: Service, upstream: Upstream
) -> None:
    refusal = {"message": "Unknown parameter: 'odd'.", "param": "odd", "code": "unknown_parameter"}
    path = "/v1/responses"
    upstream.script(
        lambda requested: (
            [answer(400, {"error": refusal})] if "odd" in requested.body else foreign({})(requested)
        ),
        path=path,
    )
    answered = ask(service, path, odd=1)
    assert (answered.status, answered.header("Facade-Dropped")) == (200, "odd")
    assert paths(upstream) == [path, path]


def test_a_backend_of_unknown_make_is_not_asked_there(upstream: Upstream) -> None:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_DIALECT": "default"}
    with Service(settings) as service:
        for path in PATHS:
            assert ask(service, path).status == 200
    assert paths(upstream) == [CHAT, CHAT]


def test_the_clients_key_goes_along_where_the_operator_wants_it(upstream: Upstream) -> None:
    settings = {
        "OPENAI_BASE_URL": upstream.base_url,
        "FACADE_DIALECT": "vllm",
        "FACADE_FORWARD_KEY": "1",
    }
    path = "/v1/messages"
    with Service(settings) as service:
        for stream in (False, True):
            data = json.dumps({**BODIES[path], "stream": stream}).encode()
            headers = {"Host": "localhost", "x-api-key": "sk-of-the-client"}
            answered = raw.exchange(service.host, service.port, "POST", path, headers, data)
            assert answered.status == 200
    keys = [one.headers["authorization"] for one in upstream.requested if one.path == path]
    assert keys == ["Bearer sk-of-the-client"] * 2


def test_events_come_as_they_are_sent(service: Service, upstream: Upstream) -> None:
    upstream.script([opened(), octets(START), stall()], path="/v1/messages")
    data = json.dumps({**BODIES["/v1/messages"], "stream": True}).encode()
    with raw.RawClient(service.host, service.port) as client:
        client.send(raw.request_bytes("POST", "/v1/messages", data=data))
        assert b"message_start" in next(client.read_body(client.read_head()))
    server_left = [one for one in upstream.requested if one.path == "/v1/messages"][-1].over
    assert server_left.wait(60)


def test_bytes_may_come_in_any_slices(service: Service, upstream: Upstream) -> None:
    upstream.script([opened(), sliced(START + STOP, 3)], path="/v1/messages")
    answered = ask(service, "/v1/messages", stream=True)
    assert [event["type"] for event in events(answered)] == ["message_start", "message_stop"]


def test_what_breaks_after_the_last_event_takes_nothing_away(
    service: Service, upstream: Upstream
) -> None:
    upstream.script([opened(), octets(START + STOP), cut()], path="/v1/messages")
    answered = ask(service, "/v1/messages", stream=True)
    assert [event["type"] for event in events(answered)] == ["message_start", "message_stop"]


@pytest.mark.parametrize("end", ((), (cut(),)), ids=("ended", "cut"))
def test_a_stream_without_its_last_event_ends_in_an_error(
    service: Service, upstream: Upstream, end: tuple[Any, ...]
) -> None:
    upstream.script([opened(), octets(START), *end], path="/v1/messages")
    answered = ask(service, "/v1/messages", stream=True)
    assert answered.status == 200
    first, last = events(answered)
    assert (first["type"], last["type"]) == ("message_start", "error")
    assert b"event: error\n" in answered.body


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_that_never_begins_is_a_status(
    service: Service, upstream: Upstream, path: str
) -> None:
    upstream.script([opened()], path=path)
    assert ask(service, path, stream=True).status == 502


@pytest.mark.parametrize("path", PATHS)
def test_a_whole_answer_to_a_stream_is_an_error(
    service: Service, upstream: Upstream, path: str
) -> None:
    body = {"object": "response", "type": "message", "model": "native", "output": []}
    upstream.script([answer(200, body)], path=path)
    assert ask(service, path, stream=True).status == 502
