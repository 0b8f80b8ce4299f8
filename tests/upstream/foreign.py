"""The routes that not every backend has: `/v1/responses` and `/v1/messages`, as their makers do it.

The events are those of OpenAI's and Anthropic's own servers, in the words of `turns.py`
(platform.openai.com/docs/api-reference/responses-streaming,
docs.anthropic.com/en/docs/build-with-claude/streaming). Every answer has a member `backend_extra`
that no specification knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.upstream import steps as do
from tests.upstream.connection import Asked, Step
from tests.upstream.shapes import CREATED
from tests.upstream.turns import Turn, failure

PATHS = ("/v1/responses", "/v1/messages")
DEFAULT = ("Hello", " there", "!")


def foreign(turn: Turn) -> Callable[[Asked], Sequence[Step]]:
    """A turn as a scenario for either path."""

    def scenario(requested: Asked) -> Sequence[Step]:
        body = requested.body
        if turn.get("status"):
            return [do.answer(turn["status"], turn.get("error") or "")]
        say = _Messages(turn, body) if requested.path == "/v1/messages" else _Responses(turn, body)
        if not body.get("stream"):
            return [do.answer(200, say.whole())]
        events = say.events()
        fails = turn.get("fail_after")
        if fails is not None:
            return [*map(_event, events[:fails]), *failure(turn.get("how", "drop"))]
        return [_event(event) for event in events]

    return scenario


def _event(value: Mapping[str, Any]) -> Step:
    return do.raw(f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode())


def _blocks(turn: Turn) -> list[tuple[str, Any]]:
    """What is said, in order: `thinking` and `text` with their pieces, `call` with one call."""
    blocks: list[tuple[str, Any]] = []
    for chunk in turn.get("chunks", DEFAULT):
        parts = {"content": chunk} if isinstance(chunk, str) else chunk
        for key, kind in (("reasoning_content", "thinking"), ("content", "text")):
            if parts.get(key):
                if not blocks or blocks[-1][0] != kind:
                    blocks.append((kind, []))
                blocks[-1][1].append(parts[key])
        blocks += [("call", call) for call in parts.get("tool_calls") or ()]
    return blocks


class _Messages:
    def __init__(self, turn: Turn, body: Mapping[str, Any]) -> None:
        self.blocks, self.model = _blocks(turn), body["model"]
        called = any(kind == "call" for kind, _ in self.blocks)
        cut = turn.get("finish") == "limit"
        self.reason = "tool_use" if called else "max_tokens" if cut else "end_turn"

    def message(self, content: list[Any], reason: str | None) -> dict[str, Any]:
        return {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
            "usage": {"input_tokens": 8, "output_tokens": 3},
            "backend_extra": 1,
        }

    def whole(self) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        for kind, what in self.blocks:
            if kind == "call":
                call = {"id": what["id"], "name": what["name"], "input": what["arguments"]}
                content.append({"type": "tool_use", **call})
            else:
                signed = {"signature": "signed"} if kind == "thinking" else {}
                content.append({"type": kind, kind: "".join(what), **signed})
        return self.message(content, self.reason)

    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": self.message([], None)},
            {"type": "ping"},
        ]
        for index, (kind, what) in enumerate(self.blocks):
            if kind == "call":
                block = {"type": "tool_use", "id": what["id"], "name": what["name"], "input": {}}
                text = json.dumps(what["arguments"])
                deltas = [
                    {"type": "input_json_delta", "partial_json": part}
                    for part in (text[:5], text[5:])
                ]
            else:
                block = {"type": kind, kind: ""}
                deltas = [{"type": f"{kind}_delta", kind: piece} for piece in what]
            events += [
                {"type": "content_block_start", "index": index, "content_block": block},
                *(
                    {"type": "content_block_delta", "index": index, "delta": delta}
                    for delta in deltas
                ),
                {"type": "content_block_stop", "index": index},
            ]
        ending = {"stop_reason": self.reason, "stop_sequence": None}
        usage = {"output_tokens": 3}
        return [
            *events,
            {"type": "message_delta", "delta": ending, "usage": usage},
            {"type": "message_stop"},
        ]


class _Responses:
    def __init__(self, turn: Turn, body: Mapping[str, Any]) -> None:
        self.blocks, self.model = _blocks(turn), body["model"]
        self.cut = turn.get("finish") == "limit"

    def response(self, output: list[Any], status: str) -> dict[str, Any]:
        ended = status != "in_progress"
        usage = {
            "input_tokens": 8,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 11,
        }
        return {
            "id": "resp_scripted",
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if self.cut and ended else None,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage if ended else None,
            "backend_extra": 1,
        }

    def item(self, index: int, kind: str, what: Any) -> dict[str, Any]:
        if kind == "call":
            reported = {"call_id": what["id"], "name": what["name"]}
            arguments = json.dumps(what["arguments"])
            return {
                "id": f"fc_{index}",
                "type": "function_call",
                **reported,
                "arguments": arguments,
            }
        if kind == "thinking":
            summary = [{"type": "summary_text", "text": "".join(what)}]
            return {"id": f"rs_{index}", "type": "reasoning", "summary": summary}
        part = {"type": "output_text", "text": "".join(what), "annotations": []}
        return {"id": f"msg_{index}", "type": "message", "role": "assistant", "content": [part]}

    def whole(self) -> dict[str, Any]:
        output = [self.item(i, *block) for i, block in enumerate(self.blocks)]
        return self.response(output, "incomplete" if self.cut else "completed")

    def events(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": self.response([], "in_progress")},
            {"type": "response.in_progress", "response": self.response([], "in_progress")},
        ]
        for index, (kind, what) in enumerate(self.blocks):
            events += self._item_events(index, kind, what)
        end = "response.incomplete" if self.cut else "response.completed"
        events.append({"type": end, "response": self.whole()})
        return [{**event, "sequence_number": i} for i, event in enumerate(events)]

    def _item_events(self, index: int, kind: str, what: Any) -> list[dict[str, Any]]:
        item = self.item(index, kind, what)
        where = {"item_id": item["id"], "output_index": index}
        if kind == "call":
            empty, text = {**item, "arguments": ""}, item["arguments"]
            name = "response.function_call_arguments"
            inside: list[dict[str, Any]] = [
                {"type": f"{name}.delta", **where, "delta": part} for part in (text[:5], text[5:])
            ]
            inside.append({"type": f"{name}.done", **where, "arguments": text})
        elif kind == "thinking":
            empty, text = {**item, "summary": []}, "".join(what)
            place, name = {**where, "summary_index": 0}, "response.reasoning_summary"
            part = {"type": "summary_text", "text": ""}
            inside = [
                {"type": f"{name}_part.added", **place, "part": part},
                *({"type": f"{name}_text.delta", **place, "delta": piece} for piece in what),
                {"type": f"{name}_text.done", **place, "text": text},
                {"type": f"{name}_part.done", **place, "part": {**part, "text": text}},
            ]
        else:
            empty, text = {**item, "content": []}, "".join(what)
            place = {**where, "content_index": 0}
            part = {"type": "output_text", "text": "", "annotations": []}
            inside = [
                {"type": "response.content_part.added", **place, "part": part},
                *(
                    {
                        "type": "response.output_text.delta",
                        **place,
                        "delta": piece,
                        "logprobs": [],
                    }
                    for piece in what
                ),
                {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
                {
                    "type": "response.content_part.done",
                    **place,
                    "part": {**part, "text": text},
                },
            ]
        return [
            {"type": "response.output_item.added", "output_index": index, "item": empty},
            *inside,
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ]
