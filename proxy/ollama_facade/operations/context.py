"""What an operation is given besides the body, and the five shapes of what it gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ollama_facade.errors import OllamaError
from ollama_facade.translate.chunks import read_usage

Frame: TypeAlias = "dict[str, Any] | bytes"
"""One object of a stream, or the JSON of one or more, a line each."""


@dataclass(slots=True)
class RequestContext:
    """One request as the operations see it: no framework, no socket.

    `started` is monotonic nanoseconds, taken when the request arrived. `path` holds the decoded
    path parameters, `anthropic` the headers by which clients of that dialect choose what they are
    answered. An operation adds headers of the response to `response_headers`. `content_type` and
    `content` are the body as it was sent, for the operation that takes another than JSON.
    For the log and the metrics the operation leaves the backend's counts of tokens, and a `failure`
    that it told the client of by itself.
    """

    started: int
    user_agent: str = ""
    authorization: str = ""
    request_id: str = ""
    anthropic: Mapping[str, str] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    content: bytes = b""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    failure: OllamaError | None = None

    def count(self, value: object) -> None:
        """Keeps the tokens of a value of the backend's that has `usage`, alone or in its answer."""
        if not isinstance(value, Mapping):
            return
        for holder in (value, value.get("response"), value.get("message")):
            usage = read_usage(holder.get("usage")) if isinstance(holder, Mapping) else None
            if usage is not None:
                self.prompt_tokens = usage.prompt_tokens or self.prompt_tokens
                self.answer_tokens = usage.completion_tokens or self.answer_tokens


@dataclass(slots=True)
class Json:
    """One compact JSON value, or its bytes; without a newline at its end (management.md §1.4)."""

    value: object
    status: int = 200
    media_type: str = "application/json; charset=utf-8"


@dataclass(slots=True)
class Text:
    """A plain text, sent as it is."""

    text: str
    status: int = 200
    media_type: str = "text/plain; charset=utf-8"


@dataclass(slots=True)
class Empty:
    """No body: Content-Length 0 and no Content-Type (management.md §1.9)."""

    status: int = 200


class FinalBatch(list["Frame"]):
    """Frames after which nothing follows: they go out together with the end of the body."""


@dataclass(slots=True)
class NdjsonStream:
    """NDJSON: a frame a line. The status goes out with the first batch, not before it.

    After a batch that is `Last` no other is asked for.
    """

    batches: AsyncIterator[Sequence[Frame]]


@dataclass(slots=True)
class SseStream:
    """Server-sent events: every dict is the `data` of one. The status waits for the first batch.

    `named`: an event also carries the `type` of its data as its name. `done`: ``[DONE]`` follows
    the last one.
    """

    batches: AsyncIterator[list[dict[str, Any]]]
    named: bool = False
    done: bool = False
