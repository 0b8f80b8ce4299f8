"""More defects: what a server gets wrong that was made from a description of the API."""

from __future__ import annotations

import datetime as dt
import gzip
import itertools
from dataclasses import replace
from typing import Any

from tests.fakes.defects import Planted
from tests.fakes.exchange import Handle, Reply, Request
from tests.fakes.layers import (
    CHAT,
    EMBED,
    GENERATE,
    Change,
    calls_lost,
    each,
    instead,
    load_generates,
    no_options,
    requested,
    streams,
    thoughts_in_text,
    without,
)
from tests.fakes.models import error

ANSWERS = itertools.count()


def texts(*keys: str) -> Change:
    return lambda value: {k: str(v) if k in keys else v for k, v in value.items()}


def compressed(reply: Reply) -> Reply:
    body = gzip.compress(reply.encoded())
    return replace(reply, body=body, headers={**reply.headers, "Content-Encoding": "gzip"})


def seed_lost(request: Request, handle: Handle) -> Reply:
    """As hot as that, it says something else each time."""
    reply = handle(request)
    options = request.value().get("options")
    hot = isinstance(options, dict) and options.get("temperature") == 1.5
    if request.path == GENERATE and hot and isinstance(reply.body, dict):
        return replace(reply, body={**reply.body, "response": f"{next(ANSWERS)} and so on"})
    return reply


def case_matters(request: Request, handle: Handle) -> Reply:
    name = str(request.value().get("model", ""))
    if request.path == CHAT and name != name.lower():
        return error(404, f"model '{name}' not found")
    return handle(request)


def hour_ahead(value: dict[str, Any]) -> dict[str, Any]:
    """Local time, marked as that of Greenwich."""
    if "created_at" not in value:
        return value
    there = dt.datetime.fromisoformat(value["created_at"]) + dt.timedelta(hours=1)
    return {**value, "created_at": there.isoformat().replace("+00:00", "Z")}


def in_ascii(value: dict[str, Any]) -> dict[str, Any]:
    if "system" not in value:
        return value
    return {**value, "system": value["system"].encode("ascii", "replace").decode()}


def untagged(value: dict[str, Any]) -> dict[str, Any]:
    def short(one: dict[str, Any]) -> dict[str, Any]:
        name = one["name"].removesuffix(":latest")
        return {**one, "name": name, "model": name}

    return {"models": [short(one) for one in value["models"]]}


THIRD: dict[str, Planted] = {
    "calls lost in streams": Planted(streams(CHAT, calls_lost), "POST /api/chat", "tool call"),
    "thoughts in the text": Planted(each(CHAT, thoughts_in_text), "POST /api/chat", "thinking"),
    "a load that generates": Planted(load_generates, "POST /api/generate", "done_reason load"),
    "num_predict not heard": Planted(
        requested(CHAT, no_options("num_predict")), "POST /api/chat", "num_predict"
    ),
    "no logprobs": Planted(
        requested(GENERATE, lambda body: body.pop("logprobs", None)),
        "POST /api/generate",
        "logprobs",
    ),
    "raw refused": Planted(
        instead(
            lambda q, r: bool(q.value().get("raw")),
            lambda r: Reply(400, {"error": "raw is not supported"}),
        ),
        "POST /api/generate",
        "raw",
    ),
    "numbers as text": Planted(
        each(GENERATE, texts("prompt_eval_count")),
        "POST /api/generate",
        "fits the contract at $.prompt_eval_count",
    ),
    "carriage returns": Planted(
        instead(
            lambda q, r: q.path == "/api/pull" and r.frames is not None,
            lambda r: replace(r, ending=b"\r\n"),
        ),
        "POST /api/pull",
        "newline alone",
    ),
    "compressed unasked": Planted(
        instead(lambda q, r: q.path == "/api/ps" and r.status == 200, compressed),
        "GET /api/ps",
        "not compressed",
    ),
    "connections closed": Planted(
        instead(
            lambda q, r: q.path == "/api/show",
            lambda r: replace(r, headers={**r.headers, "Connection": "close"}),
        ),
        "POST /api/show",
        "stays open",
    ),
    "only the last message": Planted(
        requested(CHAT, lambda body: body.update(messages=(body.get("messages") or [])[-1:])),
        "POST /api/chat",
        "all messages",
    ),
    "pictures dropped": Planted(
        requested(GENERATE, lambda body: body.pop("images", None)),
        "POST /api/generate",
        "picture in it",
    ),
    "seed not heard": Planted(seed_lost, "POST /api/generate", "same seed"),
    "case matters": Planted(case_matters, "POST /api/chat", "is taken"),
    "an hour ahead": Planted(each(CHAT, hour_ahead), "POST /api/chat", "server's own clock"),
    "dimensions not heard": Planted(
        requested(EMBED, lambda body: body.pop("dimensions", None)),
        "POST /api/embed",
        "dimensions says",
    ),
    "vectors turned round": Planted(
        each(EMBED, lambda v: {**v, "embeddings": v["embeddings"][::-1]}),
        "POST /api/embed",
        "order of the inputs",
    ),
    "truncate not heard": Planted(
        requested(EMBED, lambda body: body.pop("truncate", None)),
        "POST /api/embed",
        "truncate: false",
    ),
    "letters replaced": Planted(each("/api/show", in_ascii), "POST /api/show", "as it was sent"),
    "a delete that pretends": Planted(
        instead(
            lambda q, r: q.method == "DELETE" and r.status == 404,
            lambda r: Reply(media=None),
        ),
        "DELETE /api/delete",
        "404",
    ),
    "names without tags": Planted(
        each("/api/tags", untagged), "GET /api/tags", "names with their tag"
    ),
    "small bodies only": Planted(
        instead(
            lambda q, r: len(q.body) > 1_000_000,
            lambda r: Reply(413, {"error": "request entity too large"}),
        ),
        "POST /api/show",
        "bytes is read",
    ),
    "nothing for browsers": Planted(
        instead(
            lambda q, r: any(name.lower().startswith("access-control") for name in r.headers),
            lambda r: replace(r, headers={}),
        ),
        "GET /api/version",
        "access-control-allow-origin",
    ),
    "name not heard": Planted(
        requested("/api/pull", lambda body: body.pop("name", None)),
        "POST /api/pull",
        "for name as for model",
    ),
}
FOURTH: dict[str, Planted] = {
    "nothing ever loaded": Planted(
        each("/api/ps", lambda v: {"models": []}), "GET /api/ps", "loaded model"
    ),
    "no model_info": Planted(
        each("/api/show", without("model_info")), "POST /api/show", "model_info"
    ),
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
        requested(CHAT, lambda body: body.setdefault("stream", False)),
        "POST /api/chat",
        "application/x-ndjson",
    ),
}
