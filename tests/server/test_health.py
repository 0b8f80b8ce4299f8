"""`/healthz`, `/readyz`, `/metrics`, and who reaches them at which port."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.server.health import HealthEndpoints, PathRouter, PortRouter, operations_of
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.request_record import RequestMetrics
from ollama_facade.server.shutdown import Shutdown
from tests.server.asgi import Answer, Seen, ask, call, stack

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "dashboard.json"


def readiness(error: OllamaError | None = None) -> Callable[[], Any]:
    async def ready() -> OllamaError | None:
        return error

    return ready


def service(
    error: OllamaError | None = None, shutdown: Shutdown | None = None, **settings: Any
) -> tuple[ASGIApp, Metrics]:
    meter = Metrics()
    endpoints = HealthEndpoints(readiness(error), meter).endpoints()
    app = PathRouter(endpoints, Seen(b'{"error":"x"}\n', b"application/x-ndjson"))
    return stack(app, operations_of(endpoints), meter, shutdown, **settings), meter


def test_the_process_is_healthy_also_where_the_backend_is_not() -> None:
    app, _ = service(BackendError(502, "backend unreachable", kind="unreachable"))
    assert ask(app, path="/healthz").json() == {"status": "ok"}


def test_readiness_is_that_of_the_backend() -> None:
    assert ask(service()[0], path="/readyz").status == 200
    app, _ = service(BackendError(502, "backend unreachable", kind="unreachable"))
    answer = ask(app, path="/readyz")
    assert (answer.status, answer.json()) == (503, {"error": "backend unreachable"})


def test_requests_are_counted_and_questions_after_the_service_are_not() -> None:
    app, _ = service()
    for path in ("/healthz", "/readyz", "/metrics"):
        ask(app, path=path)
    ask(app, "POST", "/api/chat", body=b"{}")
    ask(app, "GET", "/no/such/path")
    text = ask(app, path="/metrics").body.decode()
    found = re.findall(r"facade_requests_total\{(.*?)\} (\S+)", text)
    assert found == [
        ('method="POST",route="/api/chat",status="200"', "1.0"),
        ('method="GET",route="other",status="404"', "1.0"),
    ]
    assert "facade_requests_in_flight 0.0" in text
    assert 'facade_frames_total{route="/api/chat"} 1.0' in text


def test_labels_do_not_grow_with_what_clients_send() -> None:
    app, meter = service()
    ask(app, "POST", "/api/blobs/sha256:" + "0" * 64, body=b"")
    before = meter.exposition().count(b"\n")
    for number in range(50):
        ask(app, "GET", f"/{number}")
        ask(app, "POST", f"/api/blobs/sha256:{number:064}", body=b"")
        ask(app, "GET", "/v1/models/" + "m" * number)
    assert meter.exposition().count(b"\n") < before + 100


def test_without_a_meter_there_is_no_path_for_it() -> None:
    endpoints = HealthEndpoints(readiness(), None).endpoints()
    assert "/metrics" not in endpoints
    assert ask(PathRouter(endpoints), path="/metrics").status == 404


def test_a_key_is_asked_for_only_where_something_is_reported() -> None:
    app, _ = service(api_keys=("secret",))
    statuses = [ask(app, path=path).status for path in ("/healthz", "/readyz", "/metrics")]
    assert statuses == [200, 200, 401]


def at_port(app: Any, port: int, path: str) -> Answer:
    async def moved(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "server": ("127.0.0.1", port)}, receive, send)

    return asyncio.run(call(moved, path=path))


def test_at_its_own_port_there_is_nothing_else() -> None:
    meter = Metrics()
    main = Seen(b"main")
    app = PortRouter(9090, PathRouter(HealthEndpoints(readiness(), meter).endpoints()), main)
    assert at_port(app, 9090, "/metrics").body.startswith(b"# HELP")
    assert at_port(app, 9090, "/api/tags").status == 404
    assert main.scopes == []
    assert at_port(app, 11434, "/metrics").body == b"main"


@pytest.mark.parametrize("path", ("/api/chat", "/api/tags", "/v1/chat/completions"))
def test_a_service_that_stops_begins_nothing(path: str) -> None:
    shutdown = Shutdown()
    app, _ = service(shutdown=shutdown)
    shutdown.begin()
    method = "GET" if path == "/api/tags" else "POST"
    answer = ask(app, method, path, body=b"{}" if method == "POST" else None)
    assert answer.status == 503
    assert "server is shutting down" in answer.body.decode()
    assert [ask(app, path=one).status for one in ("/healthz", "/metrics")] == [200, 200]


def test_the_dashboard_shows_metrics_that_there_are() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    text = "\n".join(
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    )
    requested = set(re.findall(r"\bfacade_\w+", text))
    exposed = Metrics().exposition().decode()
    families = {(name, kind) for name, kind in re.findall(r"# TYPE (\S+) (\w+)", exposed)}
    known = {name for name, _ in families} | {
        name + suffix
        for name, kind in families
        if kind == "histogram"
        for suffix in ("_bucket", "_sum", "_count")
    }
    assert requested
    assert requested <= known
    shown = {name for name, _ in families if not name.endswith("_created")}
    assert all(any(one.startswith(name) for one in requested) for name in shown)


def test_the_dashboard_divides_by_labels_that_there_are() -> None:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    meter = Metrics()
    meter.end(RequestMetrics("POST", "/api/chat", 502, 0.1, 0.1, 3, 1, 2, "lost", True))
    labels: dict[str, set[str]] = {}
    for name, held in re.findall(
        r"^(\w+)(?:\{(.*)\})? ", meter.exposition().decode(), re.MULTILINE
    ):
        labels[name] = set(re.findall(r'(\w+)="', held)) | {"instance"}
    for target in (one for panel in panels for one in panel["targets"]):
        requested = re.findall(r"\bfacade_\w+", target["expr"])
        there = set.intersection(*(labels[name] for name in requested))
        words = re.findall(r"by \(([^)]*)\)|\{\{(\w+)\}\}", target["expr"] + target["legendFormat"])
        used = {label.strip() for pair in words for part in pair for label in part.split(",")}
        chosen = set(re.findall(r"[{,](\w+)=", target["expr"]))
        assert used - {""} <= there, target["expr"]
        assert chosen <= there, target["expr"]


def test_the_dashboard_has_what_grafana_needs_to_load_it() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    assert {"title", "uid", "schemaVersion", "panels", "templating"} <= dashboard.keys()
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert {"type", "title", "gridPos"} <= panel.keys()
        # What the schema of Grafana's own panels insists on.
        assert {"displayMode", "placement", "showLegend", "calcs"} <= panel["options"][
            "legend"
        ].keys()
        assert {"mode", "sort"} <= panel["options"]["tooltip"].keys()
        assert all({"refId", "expr"} <= target.keys() for target in panel["targets"])
        assert panel["datasource"]["uid"] == "${datasource}"
