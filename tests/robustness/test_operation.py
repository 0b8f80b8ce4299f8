"""What whoever runs the service relies on: metrics at their own port, of all processes together."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

from tests import raw
from tests.robustness.bench import CHAT, Bench
from tests.service import Service, free_port, wait_until
from tests.upstream import Upstream, done, drip, finish, say, usage


def requests_at(url: str) -> float:
    text = raw.ask(url, "GET", "/metrics").text
    found = re.findall(
        r'^facade_requests_total\{.*route="/api/chat".*\} (\S+)$', text, re.MULTILINE
    )
    return sum(float(value) for value in found)


def workers_of(service: Service) -> list[int]:
    assert service.process is not None
    own = service.process.pid
    listed = Path(f"/proc/{own}/task/{own}/children").read_text()
    return [int(word) for word in listed.split()]


def test_metrics_may_have_a_port_of_their_own_without_a_key(upstream: Upstream) -> None:
    port = free_port()
    settings = {
        "OPENAI_BASE_URL": upstream.base_url,
        "FACADE_METRICS_HOST": f"127.0.0.1:{port}",
        "FACADE_API_KEYS": "secret",
    }
    with Service(settings) as service:
        url = f"http://127.0.0.1:{port}"
        assert raw.ask(url, "GET", "/metrics").status == 200
        assert raw.ask(url, "GET", "/readyz").status == 200
        assert raw.ask(url, "GET", "/api/tags").status == 404
        key = {"Host": "x", "Authorization": "Bearer secret"}
        found = raw.exchange("127.0.0.1", service.port, "GET", "/metrics", key)
        assert found.status == 404
        assert service.ask("GET", "/healthz").status == 200


def test_without_metrics_there_are_none(upstream: Upstream) -> None:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_METRICS": "0"}
    with Service(settings) as service:
        assert service.ask("POST", "/api/chat", CHAT).status == 200
        assert service.ask("GET", "/metrics").status == 404
        assert service.ask("GET", "/readyz").status == 200


def test_the_counts_of_all_workers_are_reported_as_one(upstream: Upstream) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {
        "OPENAI_BASE_URL": upstream.base_url,
        "FACADE_METRICS_HOST": f"127.0.0.1:{port}",
        "FACADE_DRAIN_TIMEOUT": "0.3",
    }
    with Service(settings, ["--workers", "2"]) as service:
        for _ in range(20):
            assert service.ask("POST", "/api/chat", CHAT).status == 200
        wait_until(lambda: requests_at(url) == 20, 60)
        first = workers_of(service)
        os.kill(first[0], signal.SIGKILL)
        wait_until(lambda: len(set(workers_of(service)) - {first[0]}) == 2, 30, service.output)
        assert requests_at(url) == 20
        assert "facade_requests_in_flight 0.0" in raw.ask(url, "GET", "/metrics").text
        # Every worker drains, and a stream hears of the end of it.
        upstream.script([drip("a", 0.02)])
        host = {"Host": f"localhost:{service.port}"}
        with raw.RawClient("127.0.0.1", service.port, 10) as client:
            client.send(raw.request_bytes("POST", "/api/chat", host, json.dumps(CHAT).encode()))
            head = client.read_head()
            assert service.process is not None
            service.process.terminate()
            for _ in client.read_body(head):
                pass
            last: Any = head.lines()[-1]
            assert last == {"error": "server is shutting down"}
        assert service.process.wait(10) == 143
        assert "Traceback" not in service.output()


def test_tokens_are_counted_on_every_route(bench: Bench) -> None:
    account = [say("a"), finish(), usage(5, 7), done()]
    body = {**CHAT, "stream_options": {"include_usage": True}}
    for path, value in (
        ("/api/chat", CHAT),
        ("/v1/chat/completions", {**body, "stream": True}),
        ("/v1/messages", {**CHAT, "max_tokens": 9, "stream": True}),
    ):
        before = [bench.metric("facade_tokens_total", kind=kind) for kind in ("prompt", "answer")]
        bench.script(account)
        assert bench.post(value, path).status == 200
        expected = [before[0] + 5, before[1] + 7]

        def counted(expected: list[float] = expected) -> bool:
            kinds = ("prompt", "answer")
            return [bench.metric("facade_tokens_total", kind=kind) for kind in kinds] == expected

        wait_until(counted, 2, path)
