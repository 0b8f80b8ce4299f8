"""Layers over the faithful server: what a defect changes of requests, replies and frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tests.fakes.exchange import NDJSON, Handle, Reply, Request
from tests.fakes.server import Defect

Change = Callable[[dict[str, Any]], dict[str, Any]]
CHAT, GENERATE, EMBED = "/api/chat", "/api/generate", "/api/embed"


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


def requested(path: str, change: Callable[[dict[str, Any]], Any]) -> Defect:
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
        stated = handle(request)
        return reply(stated) if fits(request, stated) else stated

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
    def change(body: dict[str, Any]) -> None:
        if isinstance(options := body.get("options"), dict):
            options.pop(name, None)

    return change
