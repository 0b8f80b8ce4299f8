"""An answer as Anthropic's message and its events (management.md §4.7)."""

from __future__ import annotations

import secrets
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.deltas import Completion, Output, OutputDelta, each_output
from ollama_facade.translate.metrics import counts

Event = dict[str, Any]


class MessagesRenderer:
    """One answer. `name` is the model as the client wrote it, `estimate` the tokens until known."""

    def __init__(self, name: str, estimate: int) -> None:
        self._name = name
        self._estimate = estimate
        self._id = "msg_" + secrets.token_hex(12)
        self._index = 0
        self._open = ""
        self._started = False

    def render_deltas(self, output: Output, _created_at: str, /) -> list[Event]:
        """The events of deltas, after `message_start` where they are the first."""
        events = self._start(self._estimate)
        for delta in each_output(output):
            events += self._deltas(delta)
        return events

    def render_end(
        self, completion: Completion, _created_at: str, _metrics: dict[str, int], /
    ) -> list[Event]:
        """The events from the last text to `message_stop`."""
        tokens_in, tokens_out = counts(completion)
        events = self._start(tokens_in)
        events += [*self._deltas(completion.output), *self._close()]
        for call in completion.calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            partial = dumps(call.arguments).decode()
            events.append(self._event("content_block_start", content_block=block))
            events.append(
                self._event(
                    "content_block_delta",
                    delta={"type": "input_json_delta", "partial_json": partial},
                )
            )
            events.append(self._event("content_block_stop"))
            self._index += 1
        usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
        delta = {"stop_reason": _stop_reason(completion)}
        events.append({"type": "message_delta", "delta": delta, "usage": usage})
        return [*events, {"type": "message_stop"}]

    def render_error(self, error: OllamaError, /) -> list[Event]:
        """Nothing of its own: the error in its envelope is what Anthropic's stream has for it."""
        raise error

    def render_response(
        self, completion: Completion, _created_at: str, _metrics: dict[str, int], /
    ) -> dict[str, Any]:
        """The answer that was not streamed; `content` is null when nothing was said."""
        content: list[dict[str, Any]] = []
        if completion.output.thinking:
            content.append({"type": "thinking", "thinking": completion.output.thinking})
        if completion.output.content:
            content.append({"type": "text", "text": completion.output.content})
        content += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            for call in completion.calls
        ]
        tokens_in, tokens_out = counts(completion)
        return {
            **self._message(),
            "content": content or None,
            "stop_reason": _stop_reason(completion),
            "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out},
        }

    def _message(self) -> dict[str, Any]:
        return {"id": self._id, "type": "message", "role": "assistant", "model": self._name}

    def _start(self, tokens: int) -> list[Event]:
        if self._started:
            return []
        self._started = True
        usage = {"input_tokens": tokens or self._estimate, "output_tokens": 0}
        message = {**self._message(), "content": [], "usage": usage}
        return [{"type": "message_start", "message": message}]

    def _deltas(self, output: OutputDelta) -> list[Event]:
        events: list[Event] = []
        for kind, text in (("thinking", output.thinking), ("text", output.content)):
            if not text:
                continue
            if self._open != kind:
                events += self._close()
                self._open = kind
                block = {"type": kind, kind: ""}
                events.append(self._event("content_block_start", content_block=block))
            delta = {"type": f"{kind}_delta", kind: text}
            events.append(self._event("content_block_delta", delta=delta))
        return events

    def _close(self) -> list[Event]:
        if not self._open:
            return []
        self._open = ""
        event = self._event("content_block_stop")
        self._index += 1
        return [event]

    def _event(self, kind: str, **fields: Any) -> Event:
        return {"type": kind, "index": self._index, **fields}


def _stop_reason(completion: Completion) -> str:
    if completion.calls:
        return "tool_use"
    return "max_tokens" if completion.done_reason == "length" else "end_turn"
