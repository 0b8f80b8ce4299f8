"""What the scripted server says to a generation, in few words.

A turn is a dict with any of
  chunks           text, or {content, reasoning_content, tool_calls: [{id, name, arguments}]};
                   "Hello", " there", "!" when absent
  finish           "eos" (default) or "word" -> stop, or tool_calls when there were any;
                   "limit" -> length
  last             text in the event with the finish reason
  prompt_tokens, completion_tokens, cached_tokens    for usage and llama.cpp's timings
  status, error    an HTTP error with this body instead of an answer
  fail_after, how  breaks after so many chunks: "drop" and "die" cut the connection, "garbage" is no
                   JSON, "event" an error event, "end" a clean end without a finish reason
  delay_ms         a wait before each chunk, ended by the next script
Stop strings and the token budget (one chunk is one token) are obeyed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.upstream import answers
from tests.upstream import steps as do
from tests.upstream.connection import Asked, Connection, Step
from tests.upstream.shapes import CREATED, head_of, timings, usage_of

Turn = Mapping[str, Any]
BUDGETS = ("max_completion_tokens", "max_tokens", "n_predict")
OTHERS = (" a", " the", " of", " to", " in")
BROKEN = {"error": {"code": 500, "message": "context shift is disabled", "type": "server_error"}}


def spoken(turn: Turn) -> Callable[[Asked], Sequence[Step]]:
    """A turn as a scenario, whatever route asks."""
    return lambda requested: turn_scenario(turn, requested)


def turn_scenario(turn: Turn, requested: Asked) -> Sequence[Step]:
    """The steps that say `turn` in answer to this request."""
    body = requested.body
    if not isinstance(body, dict):
        return [do.answer(400, {"error": {"message": "invalid JSON", "code": 400}})]
    stop = body.get("stop")
    if any(not isinstance(one, str) for one in (stop if isinstance(stop, list) else [stop or ""])):
        error = {"message": "Invalid type for 'stop'", "type": "invalid_request_error"}
        return [do.answer(400, {"error": error})]
    if turn.get("status"):
        return [do.answer(turn["status"], turn.get("error") or "")]
    if requested.path == "/v1/embeddings":
        return answers.embeddings(body)
    return (
        streamed(turn, body, requested)
        if body.get("stream") is True
        else whole(turn, body, requested)
    )


def obeyed(turn: Turn, body: Mapping[str, Any]) -> tuple[list[Any], str]:
    """The chunks that stop strings and the budget leave, and how they finish."""
    chunks, finish = list(turn.get("chunks", ("Hello", " there", "!"))), turn.get("finish", "eos")
    stop = body.get("stop") or []
    stops = [stop] if isinstance(stop, str) else stop
    if all(isinstance(chunk, str) for chunk in chunks):
        text = "".join(chunks)
        places = [place for one in stops if one and (place := text.find(one)) >= 0]
        if places:
            end, retained, position = min(places), [], 0
            for chunk in chunks:
                if position < end:
                    retained.append(chunk[: end - position])
                position += len(chunk)
            chunks, finish = retained, "word"
    budget = next((body[name] for name in BUDGETS if isinstance(body.get(name), int)), None)
    if budget is not None and 0 <= budget < len(chunks):
        chunks, finish = chunks[:budget], "limit"
    return chunks, finish


def reason(chunks: list[Any], finish: str, chat: bool) -> str:
    """OpenAI's finish reason."""
    called = any(isinstance(chunk, dict) and chunk.get("tool_calls") for chunk in chunks)
    return "length" if finish == "limit" else "tool_calls" if called and chat else "stop"


def counts_of(turn: Turn, chunks: list[Any]) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens."""
    given = turn.get("completion_tokens", len(chunks))
    return turn.get("prompt_tokens", 8), given, turn.get("cached_tokens", 0)


def probabilities(text: str, body: Mapping[str, Any], *, chat: bool) -> dict[str, Any]:
    """The logprobs of one token, as many alternatives as were asked for."""
    ranked = [(text, -0.125)] + [(other, -2.5 - i) for i, other in enumerate(OTHERS)]
    if not chat:
        wanted = body["logprobs"] if isinstance(body.get("logprobs"), int) else 0
        top = [dict(ranked[:wanted])] if wanted else []
        facts = {"token_logprobs": [-0.125], "top_logprobs": top, "text_offset": [0]}
        return {"tokens": [text], **facts}
    entries = [
        {"token": token, "bytes": list(token.encode()), "logprob": logprob}
        for token, logprob in ranked
    ]
    top = entries[: body.get("top_logprobs") or 0]
    return {"content": [{**entries[0], "top_logprobs": top}], "refusal": None}


def call_delta(position: int, call: Mapping[str, Any]) -> dict[str, Any]:
    """One tool call, or a piece of one, as a delta carries it."""
    given = call.get("arguments", {})
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    name = {"name": call["name"]} if call.get("name") else {}
    known = {"id": call["id"], "type": "function"} if call.get("id") else {}
    return {"index": call.get("index", position), **known, "function": {**name, "arguments": text}}


def delta_of(chunk: Any) -> dict[str, Any]:
    """A chunk of a turn as a delta."""
    delta = {"content": chunk} if isinstance(chunk, str) else dict(chunk)
    if delta.get("tool_calls"):
        delta["tool_calls"] = [call_delta(i, call) for i, call in enumerate(delta["tool_calls"])]
    return delta


def streamed(turn: Turn, body: Mapping[str, Any], requested: Asked) -> Sequence[Step]:
    """A turn as an event stream."""
    chat = requested.path.endswith("/chat/completions")
    chunks, finish = obeyed(turn, body)
    fails = turn.get("fail_after")
    out: list[Step] = [do.choice({"role": "assistant", "content": None})] if chat else [do.opened()]
    for number, chunk in enumerate(chunks):
        if fails == number:
            return [*out, *failure(turn.get("how", "drop"))]
        if turn.get("delay_ms"):
            out.append(wait(turn["delay_ms"] / 1000))
        delta = delta_of(chunk)
        more = {}
        if body.get("logprobs") and delta.get("content"):
            more["logprobs"] = probabilities(delta["content"], body, chat=chat)
        out.append(do.choice(delta, **more))
    if fails == len(chunks):
        return [*out, *failure(turn.get("how", "drop"))]
    last = {"content": turn["last"]} if turn.get("last") else {}
    out.append(do.choice(last, reason(chunks, finish, chat)))
    if (body.get("stream_options") or {}).get("include_usage"):
        counts = counts_of(turn, chunks)
        facts = {"usage": usage_of(*counts), "timings": timings(*counts)}
        out.append(account(facts))
    return [*out, do.done()]


def account(facts: Mapping[str, Any]) -> Step:
    """The event without choices that tells what the generation took."""

    async def step(connection: Connection) -> None:
        await do.event({"choices": [], **head_of(connection), **facts})(connection)

    return step


def wait(seconds: float) -> Step:
    """A pause that the next script ends."""

    async def step(connection: Connection) -> None:
        await connection.server.until_next_script(seconds, connection.requested.arrived)

    return step


def failure(how: str) -> Sequence[Step]:
    """The steps that break a stream."""
    return {
        "drop": [do.cut()],
        "die": [do.cut()],
        "garbage": [do.garbage()],
        "event": [do.event(BROKEN)],
        "end": [],
    }[how]


def whole(turn: Turn, body: Mapping[str, Any], requested: Asked) -> Sequence[Step]:
    """A turn as one JSON object."""
    chat = requested.path.endswith("/chat/completions")
    chunks, finish = obeyed(turn, body)
    waits = [wait(turn["delay_ms"] / 1000) for _ in chunks] if turn.get("delay_ms") else []
    if turn.get("fail_after") is not None:
        return [*waits, *broken(turn.get("how", "drop"))]
    deltas = [delta_of(chunk) for chunk in chunks]
    text = "".join(delta.get("content") or "" for delta in deltas) + turn.get("last", "")
    reported = [
        probabilities(delta["content"], body, chat=chat)
        for delta in deltas
        if body.get("logprobs") and delta.get("content")
    ]
    one: dict[str, Any] = {"index": 0, "finish_reason": reason(chunks, finish, chat)}
    if chat:
        one["message"] = message(deltas, text)
        entries = [entry for each in reported for entry in each["content"]]
        one["logprobs"] = {"content": entries, "refusal": None} if reported else None
    else:
        one["text"] = text
        joined = (
            {key: [x for each in reported for x in each[key]] for key in reported[0]}
            if reported
            else None
        )
        one["logprobs"] = joined
    counts = counts_of(turn, chunks)
    answer = {
        "id": ("chatcmpl-" if chat else "cmpl-") + "Scripted0000000000",
        "object": "chat.completion" if chat else "text_completion",
        "created": CREATED,
        "model": body.get("model"),
        "choices": [one],
        "usage": usage_of(*counts),
        "timings": timings(*counts),
    }
    return [*waits, do.answer(200, answer)]


def message(deltas: Sequence[Mapping[str, Any]], text: str) -> dict[str, Any]:
    """What the deltas of a chat add up to."""
    calls: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        for piece in delta.get("tool_calls") or []:
            blank = {"type": "function", "function": {"name": "", "arguments": ""}, "id": ""}
            call = calls.setdefault(piece["index"], blank)
            call["function"]["name"] += piece["function"].get("name", "")
            call["function"]["arguments"] += piece["function"]["arguments"]
            call["id"] = piece.get("id") or call["id"]
    thoughts = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    out: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if thoughts:
        out["reasoning_content"] = thoughts
    if calls:
        out["tool_calls"] = [calls[index] for index in sorted(calls)]
    return out


def broken(how: str) -> Sequence[Step]:
    """The steps that break an answer of one object."""
    if how == "event":
        return [do.answer(500, BROKEN)]
    if how in ("garbage", "end"):
        return [do.answer(200, "{not json" if how == "garbage" else "")]
    part = b'{"choices":[{"index":0,"mess'
    return [
        do.opened(media_type="application/json", headers={"Content-Length": "1000"}, chunked=False),
        do.raw(part),
        do.cut(),
    ]
