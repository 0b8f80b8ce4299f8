"""What has to hold for every answer, whichever test asked: applied to all that is recorded."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx

from ollama_contract import frames, sse, values
from ollama_contract.contract import Operation, operations, problems
from ollama_contract.frames import Answered, Fault
from ollama_contract.moments import date_of
from ollama_contract.recording import Exchange

STREAMS = ("application/x-ndjson", "text/event-stream")
GENERATING = ("chat", "generate")
# A 500 of these tells of a registry, a network or a file, in words that nobody can list.
OUTSIDE = ("create", "pull", "push", "create_blob", "web_search", "web_fetch", "me", "signout")
FREE_WORDS = ("template: ", "image input is not supported")
"""Parts of error texts whose rest is in the words of a library or of a runner."""

MOST = 20
"""How many places of one answer are named."""


@functools.cache
def known() -> dict[str, Operation]:
    """The operations by endpoint."""
    return {operation.endpoint: operation for operation in operations()}


def faults(exchange: Exchange) -> Iterator[Fault]:
    """Everything in a whole answer to a documented operation that cannot be right."""
    operation = known().get(exchange.endpoint)
    if operation is None or not exchange.complete or exchange.status is None:
        return
    headers = httpx.Headers(exchange.answer_headers)
    yield from _unasked(exchange, headers)
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    stated = operation.documented(exchange.status)
    if stated is None:
        yield "a status that is documented", str(exchange.status)
        return
    contents = stated.get("content") or {}
    if not contents or exchange.method == "HEAD":
        if exchange.body:
            yield "no body", f"{len(exchange.body)} bytes"
        return
    if exchange.status == 403 and not exchange.body:
        return  # a foreign Host or Origin is turned away without a word
    if exchange.status == 404 and media == "text/plain" and operation.optional:
        return  # the server does not have this path
    if media not in contents:
        wanted = " or ".join(contents)
        yield f"a content type of {wanted} for {exchange.status}", repr(media)
        return
    yield from _body(operation, exchange, media, contents[media].get("schema", {}), headers)


def _unasked(exchange: Exchange, headers: httpx.Headers) -> Iterator[Fault]:
    """Ollama never compresses; a client that did not offer to read it could not."""
    coding = headers.get("content-encoding", "identity")
    offered = any(name == "accept-encoding" for name, _ in exchange.headers)
    if coding != "identity" and not offered:
        yield "a body that is not compressed, as nobody asked for it", f"content-encoding: {coding}"


def _body(
    operation: Operation,
    exchange: Exchange,
    media: str,
    schema: Mapping[str, Any],
    headers: httpx.Headers,
) -> Iterator[Fault]:
    try:
        text = exchange.body.decode()
    except UnicodeDecodeError as error:
        yield "a body in UTF-8", str(error)
        return
    if media == "text/plain":
        yield from (("the documented text", found) for found in problems(schema, text))
        return
    if media == "text/event-stream":
        yield from sse.faults(operation, text)
        return
    parts = [text]
    if media == "application/x-ndjson":
        parts = text.split("\n")
        if parts.pop() or not all(parts):
            yield "lines that each end with a newline, none of them empty", repr(text[-300:])
            parts = [part for part in text.split("\n") if part]
        if any(part.endswith("\r") for part in parts):
            yield "lines that end with a newline alone", repr(text[:300])
    try:
        bodies = [json.loads(part) for part in parts]
    except ValueError as error:
        yield "JSON", f"{error}: {text[:500]!r}"
        return
    if not bodies:
        yield "at least one line", repr(text)
        return
    unfit = _unfit(schema, bodies)
    for place, stated in unfit.items():
        yield f"a body of {exchange.status} that fits the contract at {place}", stated
    yield from _failure(operation, exchange, bodies[-1])
    if exchange.status == 200:
        rules = _well(operation, exchange, media, bodies, headers)
        yield from _as_far_as_they_go(rules) if unfit else rules


def _unfit(schema: Mapping[str, Any], bodies: list[Any]) -> dict[str, str]:
    """Every place that does not fit, once for all lines and elements, and why."""
    found: dict[str, str] = {}
    for body in bodies:
        for one in problems(schema, body):
            found.setdefault(re.sub(r"\[\d+\]", "[]", one.partition(":")[0]), one)
    return dict(list(found.items())[:MOST])


def _as_far_as_they_go(rules: Iterator[Fault]) -> Iterator[Fault]:
    """What rules for good bodies find in one that does not fit: each breaks off where it must."""
    with suppress(LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        yield from rules


def _failure(operation: Operation, exchange: Exchange, body: Any) -> Iterator[Fault]:
    if exchange.status is None or exchange.status < 400 or not isinstance(body, dict):
        return
    stated = body.get("error")
    text = stated.get("message", "") if isinstance(stated, dict) else str(stated)
    # Only a failure has a text that may be empty: Ollama hands on what its runner said.
    if not text and exchange.status < 500:
        yield "an error with a text", str(body)
    listed = operation.explains(exchange.status, text) or operation.name in OUTSIDE
    free = any(words in text for words in FREE_WORDS)
    if exchange.status == 500 and not listed and not free:
        yield "no status 500, but for the texts that are documented", str(body)


def _well(
    operation: Operation,
    exchange: Exchange,
    media: str,
    bodies: list[Any],
    headers: httpx.Headers,
) -> Iterator[Fault]:
    request = request_of(exchange)
    seconds = exchange.pieces[-1][0] if exchange.pieces else 0.0
    if operation.name in GENERATING and bodies and request is not None:
        answered = Answered(bodies, request, seconds, date_of(headers.get("date")))
        for rule in frames.RULES:
            yield from _as_far_as_they_go(rule(answered))
        wanted = request.get("stream") is not False
        if frames.generated(answered) and wanted != (media == "application/x-ndjson"):
            yield "a stream unless the request says false", f"{media} for {request.get('stream')}"
    elif operation.name == "pull" and media == "application/x-ndjson":
        ends = [body.get("status") == "success" or "error" in body for body in bodies]
        if ends != [False] * (len(ends) - 1) + [True]:
            yield "success or an error as the last line, and only there", str(bodies[-3:])
    checker = values.CHECKERS.get(operation.name)
    if checker is not None and request is not None:
        yield from checker(bodies[-1], request, seconds)


def request_of(exchange: Exchange) -> dict[str, Any] | None:
    """The JSON object that was sent, `{}` for no body; None when it is anything else."""
    if not exchange.content:
        return {}
    try:
        body = json.loads(exchange.content)
    except ValueError:
        return None
    # Go reads names in any case, which this does not follow.
    odd = isinstance(body, dict) and any(key != key.lower() for key in body)
    return body if isinstance(body, dict) and not odd else None
