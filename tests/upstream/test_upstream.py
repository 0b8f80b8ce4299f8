"""The scripted backend does what its scenarios say."""

from __future__ import annotations

import pytest

from tests import raw
from tests.upstream import (
    Step,
    Upstream,
    answer,
    cut,
    done,
    finish,
    flood,
    garbage,
    heartbeat,
    opened,
    pause,
    reset,
    say,
    sliced,
    stall,
    think,
    tool_call,
    usage,
)

STREAM = {"model": "gen", "stream": True}


def chat(upstream: Upstream, body: object = STREAM) -> raw.Answer:
    return raw.ask(f"http://127.0.0.1:{upstream.port}", "POST", "/v1/chat/completions", body)


def test_a_scenario_is_played_step_by_step(upstream: Upstream) -> None:
    upstream.script(
        [think("hm"), say("a", "b"), tool_call("f", {"x": 1}), finish(), usage(3, 4), done()]
    )
    answered = chat(upstream)
    assert answered.header("content-type") == "text/event-stream"
    events = [line[6:] for line in answered.text.split("\n") if line.startswith("data: ")]
    assert len(events) == 7
    assert '"reasoning_content":"hm"' in events[0]
    assert '"completion_tokens":4' in events[5]
    assert events[6] == "[DONE]"


def test_the_nth_request_gets_the_nth_scenario_and_the_last_repeats(upstream: Upstream) -> None:
    upstream.script([answer(401, "first")], [answer(200, {"second": True})])
    assert [chat(upstream).status for _ in range(3)] == [401, 200, 200]
    assert len(upstream.generations()) == 3


def test_what_was_asked_is_kept(upstream: Upstream) -> None:
    chat(upstream, {"model": "gen", "messages": []})
    requested = upstream.wait_for_request()
    assert (requested.method, requested.path) == ("POST", "/v1/chat/completions")
    assert requested.body == {"model": "gen", "messages": []}
    assert requested.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "scenario",
    ([say("a"), cut()], [opened(headers={"Content-Length": "99"}, chunked=False), cut()]),
)
def test_a_cut_answer_is_not_complete(upstream: Upstream, scenario: list[Step]) -> None:
    upstream.script(scenario)
    assert chat(upstream).cut is True


def test_a_reset_is_a_reset(upstream: Upstream) -> None:
    upstream.script([say("a"), reset()])
    with pytest.raises(ConnectionResetError):
        chat(upstream)


def test_without_chunks_the_end_of_the_connection_ends_the_body(upstream: Upstream) -> None:
    upstream.script([opened(chunked=False), say("a")])
    answered = chat(upstream)
    assert answered.header("transfer-encoding") is None
    assert '"content":"a"' in answered.text


def test_slices_heartbeats_garbage_and_floods_arrive(upstream: Upstream) -> None:
    upstream.script(
        [sliced(b"data: {}\n\n"), heartbeat(0.001, 3), garbage(), pause(0.01), flood(300_000)]
    )
    answered = chat(upstream)
    assert answered.text.startswith("data: {}\n\n: alive\n\n: alive\n\n: alive\n\ndata: {not json")
    assert len(answered.body) > 300_000
    assert answered.chunks[:10] == [1] * 10


def test_a_client_that_leaves_is_noticed(upstream: Upstream) -> None:
    upstream.script([say("a"), stall()])
    with raw.RawClient("127.0.0.1", upstream.port) as client:
        headers = {"Host": "x"}
        client.send(raw.request_bytes("POST", "/v1/chat/completions", headers, b"{}"))
        client.read_head()
    assert 0 <= upstream.wait_for_hang_up(2) < 2


def test_a_connection_is_used_again(upstream: Upstream) -> None:
    with raw.RawClient("127.0.0.1", upstream.port) as client:
        for _ in range(2):
            client.send(raw.request_bytes("GET", "/v1/models", {"Host": "x"}))
            assert client.read_answer("GET").json()["object"] == "list"


def test_stop_strings_and_the_budget_are_obeyed(upstream: Upstream) -> None:
    body = {"model": "gen", "stop": ["ere"]}
    choice = chat(upstream, body).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello th", "stop")
    choice = chat(upstream, {"model": "gen", "max_tokens": 2}).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hello there", "length")


def test_one_path_can_have_a_script_of_its_own(upstream: Upstream) -> None:
    url = f"http://127.0.0.1:{upstream.port}"
    upstream.script([answer(503, "no")], path="/v1/models")
    assert raw.ask(url, "GET", "/v1/models").status == 503
    upstream.forget("/v1/models")
    assert raw.ask(url, "GET", "/v1/models").status == 200
