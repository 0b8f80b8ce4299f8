"""What servers with an Ollama face really got wrong, each as a layer over the faithful server.

Every one was seen in a server that people use; `sign` is part of what the suite says about it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tests.fakes.exchange import NDJSON, Handle, Reply, Request
from tests.fakes.server import Defect

Change = Callable[[dict[str, Any]], dict[str, Any]]
CHAT, GENERATE, EMBED = "/api/chat", "/api/generate", "/api/embed"


@dataclass(frozen=True)
class Planted:
    """A defect; the suite has to find it at `endpoint` with `sign` in what it expected."""

    plant: Defect
    endpoint: str
    sign: str


class _Frames:
    """Frames changed on their way."""

    def __init__(self, frames: Any, change: Callable[[Any], Iterator[Any]]) -> None:
        self._frames, self._change = frames, change

    def __iter__(self) -> Iterator[Any]:
        return self._change(self._frames)


def each(path: str, change: Change) -> Defect:
    """Changes every object of the good answers of a route."""

    def planted(request: Request, handle: Handle) -> Reply:
        reply = handle(request)
        if request.path != path or reply.status != 200:
            return reply
        if reply.frames is not None:
            frames: Any = _Frames(reply.frames, lambda some: (change(dict(one)) for one in some))
            return replace(reply, frames=frames)
        return replace(reply, body=change(dict(reply.body)))

    return planted


def streams(path: str, change: Callable[[Any], Iterator[Any]]) -> Defect:
    """Changes the frames of the streams of a route."""

    def planted(request: Request, handle: Handle) -> Reply:
        reply = handle(request)
        if request.path != path or reply.frames is None:
            return reply
        frames: Any = _Frames(reply.frames, change)
        return replace(reply, frames=frames)

    return planted


def asked(path: str, change: Callable[[dict[str, Any]], Any]) -> Defect:
    """Changes the requests of a route, so that a part of them is not heard."""

    def planted(request: Request, handle: Handle) -> Reply:
        if request.path == path and (body := request.value()):
            change(body)
            request = replace(request, body=json.dumps(body).encode())
        return handle(request)

    return planted


def instead(fits: Callable[[Request, Reply], bool], reply: Callable[[Reply], Reply]) -> Defect:
    """Puts another reply where one fits."""

    def planted(request: Request, handle: Handle) -> Reply:
        said = handle(request)
        return reply(said) if fits(request, said) else said

    return planted


def without(*keys: str) -> Change:
    return lambda value: {key: inner for key, inner in value.items() if key not in keys}


def ended(**changed: Any) -> Change:
    """Other values in the last object."""

    def change(value: dict[str, Any]) -> dict[str, Any]:
        there = {key: inner for key, inner in changed.items() if key in value}
        return {**value, **there} if value.get("done") else value

    return change


def in_milliseconds(value: dict[str, Any]) -> dict[str, Any]:
    return {k: v // 1_000_000 if k.endswith("_duration") else v for k, v in value.items()}


def of_response(value: dict[str, Any]) -> dict[str, Any]:
    message = value.pop("message", None)
    if message is None:
        return value
    return {**value, "response": message["content"]}


def arguments_as_text(value: dict[str, Any]) -> dict[str, Any]:
    for call in value.get("message", {}).get("tool_calls", ()):
        call["function"]["arguments"] = json.dumps(call["function"]["arguments"])
    return value


def twice_done(frames: Any) -> Iterator[Any]:
    for frame in frames:
        yield frame
        if frame.get("done"):
            yield frame


def calls_lost(frames: Any) -> Iterator[Any]:
    for frame in frames:
        message = dict(frame.get("message") or {})
        message.pop("tool_calls", None)
        yield {**frame, "message": message}


def thoughts_in_text(value: dict[str, Any]) -> dict[str, Any]:
    message = value.get("message")
    if message and "thinking" in message:
        content = f"<think>{message.pop('thinking')}</think>{message['content']}"
        return {**value, "message": {**message, "content": content}}
    return value


def unknown_is_known(request: Request, handle: Handle) -> Reply:
    """A model nobody has is shown with invented data."""
    reply = handle(request)
    if request.path != "/api/show" or reply.status != 404:
        return reply
    return handle(replace(request, body=b'{"model": "able"}'))


def longer(value: dict[str, Any]) -> dict[str, Any]:
    return {**value, "embeddings": [[3 * x for x in one] for one in value["embeddings"]]}


def kept_alive_refused(request: Request, handle: Handle) -> Reply:
    if "keep_alive" in request.value():
        return Reply(400, {"error": "keep_alive is not supported"})
    return handle(request)


def load_generates(request: Request, handle: Handle) -> Reply:
    body = request.value()
    if request.path == GENERATE and body and not body.get("prompt") and "keep_alive" not in body:
        return handle(
            replace(request, body=json.dumps({**body, "prompt": "Hi", "stream": False}).encode())
        )
    return handle(request)


def plain(reply: Reply) -> Reply:
    return Reply(reply.status, f"upstream error: {reply.status}", media="text/plain")


def pulled(reply: Reply) -> Reply:
    if reply.frames is None:
        return Reply(body={"status": "success"})
    return Reply(frames=[{"status": "pulling manifest"}, {"status": "success"}], media=NDJSON)


def no_options(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda body: (body.get("options") or {}).pop(name, None)


DEFECTS: dict[str, Planted] = {
    # the first server
    "response for message": Planted(each(CHAT, of_response), "POST /api/chat", "message"),
    "200 for unknown models": Planted(unknown_is_known, "POST /api/show", "404"),
    "two done lines": Planted(
        streams(GENERATE, twice_done), "POST /api/generate", "exactly one line with done"
    ),
    "constant counts": Planted(
        each(GENERATE, ended(eval_count=7, prompt_eval_count=11)),
        "POST /api/generate",
        "prompt_eval_count that grows",
    ),
    "a pull that pretends": Planted(
        instead(
            lambda q, r: q.path == "/api/pull" and (r.status == 500 or r.frames is not None), pulled
        ),
        "POST /api/pull",
        "a pull that fails",
    ),
    "vectors not of length one": Planted(each(EMBED, longer), "POST /api/embed", "length one"),
    "HEAD not answered": Planted(
        instead(
            lambda q, r: q.method == "HEAD" and q.path == "/api/tags",
            lambda r: Reply(405, {"detail": "Method Not Allowed"}),
        ),
        "HEAD /api/tags",
        "200",
    ),
    "errors as detail": Planted(
        instead(
            lambda q, r: q.path == "/api/copy" and isinstance(r.body, dict),
            lambda r: replace(r, body={"detail": r.body["error"]}),
        ),
        "POST /api/copy",
        "error",
    ),
    "the same digest everywhere": Planted(
        each(
            "/api/tags",
            lambda v: {"models": [{**m, "digest": "sha256:proxy"} for m in v["models"]]},
        ),
        "GET /api/tags",
        "digest",
    ),
    "stop not heard": Planted(
        asked(GENERATE, no_options("stop")), "POST /api/generate", "stop string"
    ),
    # the second server
    "arguments as text": Planted(each(CHAT, arguments_as_text), "POST /api/chat", "arguments"),
    "errors in plain text": Planted(
        instead(lambda q, r: q.path in (CHAT, GENERATE) and r.status >= 400, plain),
        "POST /api/chat",
        "error",
    ),
    "durations in milliseconds": Planted(
        each(GENERATE, in_milliseconds), "POST /api/generate", "nanoseconds"
    ),
    "no time zone": Planted(
        each(
            CHAT,
            lambda v: {**v, "created_at": v["created_at"].rstrip("Z")} if "created_at" in v else v,
        ),
        "POST /api/chat",
        "created_at",
    ),
    "always stop": Planted(
        each(CHAT, ended(done_reason="stop")), "POST /api/chat", "done_reason length"
    ),
    "a stream held back": Planted(
        instead(
            lambda q, r: q.path == GENERATE and r.frames is not None,
            lambda r: replace(r, together=True),
        ),
        "POST /api/generate",
        "frames that arrive",
    ),
    "a format not heard": Planted(
        asked(GENERATE, lambda body: body.pop("format", None)),
        "POST /api/generate",
        "JSON object as text",
    ),
    "keep_alive refused": Planted(kept_alive_refused, "POST /api/generate", "keep_alive"),
    "one vector for many": Planted(
        each(EMBED, lambda v: {**v, "embeddings": v["embeddings"][:1]}),
        "POST /api/embed",
        "one vector for each input",
    ),
    "404 in JSON": Planted(
        instead(
            lambda q, r: r.body == "404 page not found",
            lambda r: Reply(404, {"detail": "Not Found"}),
        ),
        "GET /nope",
        "404 page not found",
    ),
    # and more of them, each by itself
    "calls lost in streams": Planted(streams(CHAT, calls_lost), "POST /api/chat", "tool call"),
    "thoughts in the text": Planted(each(CHAT, thoughts_in_text), "POST /api/chat", "thinking"),
    "a load that generates": Planted(load_generates, "POST /api/generate", "done_reason load"),
    "no durations": Planted(
        each(GENERATE, without("total_duration", "eval_duration")),
        "POST /api/generate",
        "total_duration",
    ),
    "event stream": Planted(
        instead(
            lambda q, r: q.path == CHAT and r.frames is not None,
            lambda r: replace(r, media="text/event-stream"),
        ),
        "POST /api/chat",
        "application/x-ndjson",
    ),
    "errors with status 200": Planted(
        instead(lambda q, r: q.path == CHAT and r.status == 404, lambda r: replace(r, status=200)),
        "POST /api/chat",
        "404",
    ),
    "streams off by default": Planted(
        asked(CHAT, lambda body: body.setdefault("stream", False)),
        "POST /api/chat",
        "application/x-ndjson",
    ),
    "num_predict not heard": Planted(
        asked(CHAT, no_options("num_predict")), "POST /api/chat", "num_predict"
    ),
    "no logprobs": Planted(
        asked(GENERATE, lambda body: body.pop("logprobs", None)), "POST /api/generate", "logprobs"
    ),
    "raw refused": Planted(
        instead(
            lambda q, r: bool(q.value().get("raw")),
            lambda r: Reply(400, {"error": "raw is not supported"}),
        ),
        "POST /api/generate",
        "raw",
    ),
}
FIRST = tuple(DEFECTS)[:10]
SECOND = tuple(DEFECTS)[10:20]
