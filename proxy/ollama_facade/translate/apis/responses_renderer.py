"""An answer as a Response and its events (management.md §4.5).

One item is open at a time, and each has an index of its own. Ollama leaves a text open when a call
follows and gives both the same index, which the official clients cannot put together.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.deltas import Completion, Output, OutputDelta, each_output
from ollama_facade.translate.metrics import counts
from ollama_facade.translate.tool_calls import as_go

Event = dict[str, Any]


class ResponsesRenderer:
    """One answer to `body`; `created_at` is in seconds since 1970."""

    def __init__(self, body: Mapping[str, Any], created_at: int) -> None:
        self._body = body
        self._created_at = created_at
        self._id = f"resp_{secrets.randbelow(999_999)}"
        self._sequence = 0
        self._output: list[dict[str, Any]] = []
        self._open = ""
        self._item = ""
        self._text = ""

    def render_deltas(self, output: Output, _created_at: str, /) -> list[Event]:
        """The events of deltas, after the two that begin a stream where they are the first."""
        events = self._start()
        for delta in each_output(output):
            events += self._deltas(delta)
        return events

    def render_end(
        self, completion: Completion, _created_at: str, _metrics: dict[str, int], /
    ) -> list[Event]:
        """The events from the last text to `response.completed`."""
        events = [*self._start(), *self._deltas(completion.output), *self._close()]
        for call in completion.calls:
            arguments = dumps(call.arguments).decode()
            item = _call_item(_identity("fc"), call.id, call.name, arguments)
            at = {"item_id": item["id"], "output_index": len(self._output)}
            begun = {**item, "arguments": "", "status": "in_progress"}
            events += [
                self._item_event("added", begun),
                self._event("response.function_call_arguments.delta", delta=arguments, **at),
                self._event("response.function_call_arguments.done", arguments=arguments, **at),
                self._item_event("done", item),
            ]
            self._output.append(item)
        response = self._response("completed", self._output, _usage(completion))
        return [*events, self._event("response.completed", response=response)]

    def render_error(self, error: OllamaError, /) -> list[Event]:
        """The end of a stream that broke: what was said so far stays with the client."""
        response = self._response("failed", self._output, None)
        response["error"] = {"code": "server_error", "message": error.message}
        return [self._event("response.failed", response=response)]

    def render_response(
        self, completion: Completion, _created_at: str, _metrics: dict[str, int], /
    ) -> dict[str, Any]:
        """The answer that was not streamed; text beside calls is left out, as Ollama does."""
        output: list[dict[str, Any]] = []
        if completion.output.thinking:
            output.append(_reasoning_item(_identity("rs"), completion.output.thinking))
        for call in completion.calls:
            arguments = dumps(call.arguments).decode()
            output.append(_call_item(_identity("fc"), call.id, call.name, arguments))
        if not completion.calls:
            output.append(_message_item(_identity("msg"), completion.output.content))
        return self._response("completed", output, _usage(completion))

    def _start(self) -> list[Event]:
        if self._sequence:
            return []
        names = ("response.created", "response.in_progress")
        return [
            self._event(name, response=self._response("in_progress", [], None)) for name in names
        ]

    def _deltas(self, output: OutputDelta) -> list[Event]:
        events: list[Event] = []
        for kind, text in (("reasoning", output.thinking), ("message", output.content)):
            if not text:
                continue
            if self._open != kind:
                events += [*self._close(), *self._begin(kind)]
            self._text += text
            events.append(self._delta(text))
        return events

    def _begin(self, kind: str) -> list[Event]:
        self._open, self._text = kind, ""
        self._item = _identity("rs" if kind == "reasoning" else "msg")
        if kind == "reasoning":
            return [
                self._item_event("added", {"id": self._item, "type": "reasoning", "summary": []})
            ]
        item = {**_message_item(self._item, ""), "content": [], "status": "in_progress"}
        return [
            self._item_event("added", item),
            self._event("response.content_part.added", part=_part(""), **self._place()),
        ]

    def _delta(self, text: str) -> Event:
        if self._open == "reasoning":
            return self._event(
                "response.reasoning_summary_text.delta", delta=text, **self._place("summary_index")
            )
        return self._event("response.output_text.delta", delta=text, logprobs=[], **self._place())

    def _close(self) -> list[Event]:
        """The events that complete the open item; none where none is open."""
        kind, text = self._open, self._text
        if not kind:
            return []
        if kind == "reasoning":
            item = _reasoning_item(self._item, text)
            place = self._place("summary_index")
            events = [self._event("response.reasoning_summary_text.done", text=text, **place)]
        else:
            item = _message_item(self._item, text)
            place = self._place()
            events = [
                self._event("response.output_text.done", text=text, logprobs=[], **place),
                self._event("response.content_part.done", part=_part(text), **place),
            ]
        events.append(self._item_event("done", item))
        self._output.append(item)
        self._open = ""
        return events

    def _place(self, index: str = "content_index") -> dict[str, Any]:
        return {"item_id": self._item, "output_index": len(self._output), index: 0}

    def _item_event(self, what: str, item: Mapping[str, Any]) -> Event:
        kind = f"response.output_item.{what}"
        return self._event(kind, output_index=len(self._output), item=item)

    def _event(self, kind: str, **fields: Any) -> Event:
        """Keys in the order of the alphabet, as of a Go map."""
        event: Event = as_go({**fields, "sequence_number": self._sequence, "type": kind})
        self._sequence += 1
        return event

    def _response(
        self, status: str, output: Sequence[Mapping[str, Any]], usage: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        body = self._body
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created_at,
            "completed_at": self._created_at if status == "completed" else None,
            "status": status,
            "incomplete_details": None,
            "model": body.get("model") or "",
            "previous_response_id": None,
            "instructions": body.get("instructions") or None,
            "output": list(output),
            "error": None,
            "tools": [_tool(tool or {}) for tool in body.get("tools") or ()],
            "tool_choice": "auto",
            "truncation": body.get("truncation") or "disabled",
            "parallel_tool_calls": True,
            "text": {"format": (body.get("text") or {}).get("format") or {"type": "text"}},
            "top_p": _number(body.get("top_p")),
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_logprobs": 0,
            "temperature": _number(body.get("temperature")),
            "reasoning": _reasoning(body.get("reasoning") or {}),
            "usage": usage,
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": None,
            "store": False,
            "background": body.get("background") is True,
            "service_tier": "default",
            "metadata": {},
            "safety_identifier": None,
            "prompt_cache_key": None,
        }


def _identity(prefix: str) -> str:
    return f"{prefix}_{secrets.randbelow(999_999)}"


def _number(value: float | None) -> Any:
    return as_go(1 if value is None else value)


def _reasoning(wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    reasoning = {name: wanted.get(name) or None for name in ("effort", "summary")}
    return reasoning if any(reasoning.values()) else None


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("type", "name", "description", "strict", "parameters")
    return {name: as_go(tool.get(name)) for name in fields}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _message_item(identity: str, text: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [_part(text)],
    }


def _reasoning_item(identity: str, text: str) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text}]
    return {"id": identity, "type": "reasoning", "summary": summary, "encrypted_content": text}


def _call_item(identity: str, call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {
        "id": identity,
        "type": "function_call",
        "status": "completed",
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def _usage(completion: Completion) -> dict[str, Any]:
    tokens_in, tokens_out = counts(completion)
    return {
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
