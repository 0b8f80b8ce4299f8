"""This service behind something that spoils its answers on the routes of other dialects."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from tests import raw
from tests.fakes.defects import Planted
from tests.fakes.exchange import Handle, Reply, Request, Server
from tests.fakes.server import Defect
from tests.service import Service
from tests.upstream import Upstream, able

CHAT, TEXT, EMBED = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
EVENTS = "text/event-stream"


def passed_on(service: Service) -> Handle:
    """What the service says to a request, whole."""

    def handle(request: Request) -> Reply:
        retained = {name: text for name, text in request.headers.items() if name not in OWN}
        path = request.path + request.query
        stated = raw.exchange(
            "127.0.0.1", service.port, request.method, path, retained, request.body
        )
        headers = {name: text for name, text in stated.headers if name.lower() not in FRAMING}
        return Reply(
            stated.status, stated.body, media=stated.header("content-type"), headers=headers
        )

    return handle


OWN = ("content-length", "transfer-encoding", "connection", "accept-encoding")
FRAMING = ("content-type", "content-length", "transfer-encoding", "connection", "date")


def whole(path: str, change: Callable[[dict[str, Any]], Any], status: int = 200) -> Defect:
    """Changes the JSON answers of a route."""

    def planted(request: Request, handle: Handle) -> Reply:
        reply = handle(request)
        if request.path != path or reply.status != status or reply.media == EVENTS:
            return reply
        return replace(reply, body=change(json.loads(reply.body)))

    return planted


def streamed(path: str, change: Callable[[str], str]) -> Defect:
    """Changes the events of a route, as text."""

    def planted(request: Request, handle: Handle) -> Reply:
        reply = handle(request)
        if request.path != path or not str(reply.media).startswith(EVENTS):
            return reply
        return replace(reply, body=change(reply.body.decode()).encode())

    return planted


def ended_otherwise(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "choices": [{**one, "finish_reason": "done"} for one in value["choices"]]}


def last_first(text: str) -> str:
    """The end of a message before its last delta."""
    events = text.rstrip("\n").split("\n\n")
    return "\n\n".join([*events[:-2], events[-1], events[-2]]) + "\n\n"


def from_one(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "data": [{**one, "index": one["index"] + 1} for one in value["data"]]}


V1: dict[str, Planted] = {
    "another envelope": Planted(
        whole(TEXT, lambda value: {"result": value}), f"POST {TEXT}", "fits the contract at $"
    ),
    "no [DONE]": Planted(
        streamed(CHAT, lambda text: text.replace("data: [DONE]\n\n", "")),
        f"POST {CHAT}",
        "[DONE] once, at the end",
    ),
    "errors as Ollama's": Planted(
        whole(CHAT, lambda value: {"error": value["error"]["message"]}, status=404),
        f"POST {CHAT}",
        "an error that is an object with a message",
    ),
    "no usage": Planted(
        whole(RESPONSES, lambda value: {k: v for k, v in value.items() if k != "usage"}),
        f"POST {RESPONSES}",
        "usage in a whole answer",
    ),
    "a finish_reason of its own": Planted(
        whole(CHAT, ended_otherwise), f"POST {CHAT}", "a finish_reason of"
    ),
    "events out of order": Planted(
        streamed(MESSAGES, last_first), f"POST {MESSAGES}", "events of a message in their order"
    ),
    "no sequence_number": Planted(
        streamed(RESPONSES, lambda text: re.sub(r',?"sequence_number":\d+', "", text)),
        f"POST {RESPONSES}",
        "sequence_number counts from zero",
    ),
    "an index from one": Planted(
        whole(EMBED, from_one), f"POST {EMBED}", "an index that counts the inputs from zero"
    ),
}
"""Eight things that servers with those routes got wrong; the suite has to name each."""


@contextmanager
def spoiled(planted: Sequence[Planted]) -> Iterator[str]:
    """The URL of the service with these defects."""
    with Upstream(able.MODELS) as upstream:
        able.play(upstream)
        with Service({"OPENAI_BASE_URL": upstream.base_url}) as service:
            handle = passed_on(service)
            for one in planted:
                handle = _over(one.plant, handle)
            with Server(handle) as server:
                yield server.url


def _over(plant: Defect, handle: Handle) -> Handle:
    return lambda request: plant(request, handle)
