"""What an operation takes besides the body, and the five forms of what it returns."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ollama_facade.errors import OllamaError
from ollama_facade.translate.chunks import read_usage

Frame: TypeAlias = "dict[str, Any] | bytes"
"""One object of a stream, or the JSON of one or more, a line each."""


DROPPED_HEADER = "Facade-Dropped"
"""Names what the client asked for and was not sent, because the backend cannot take it."""


@dataclass(slots=True)
class RequestContext:
    """One request as the operations see it: no framework, no socket."""

    started: int
    """When the request arrived, monotonic nanoseconds."""

    user_agent: str = ""
    authorization: str = ""
    request_id: str = ""

    anthropic: Mapping[str, str] = field(default_factory=dict)
    """The headers by which clients of Anthropic's API choose what they are answered."""

    path: Mapping[str, str] = field(default_factory=dict)
    """The decoded path parameters."""

    content_type: str = ""
    content: bytes = b""
    """The body as it was sent, for the operation that takes another than JSON."""

    response_headers: dict[str, str] = field(default_factory=dict)
    """Headers that the operation adds to the response."""

    prompt_tokens: int = 0
    answer_tokens: int = 0
    """Tokens as the backend counted them, for the log and the metrics."""

    failure: OllamaError | None = None
    """A failure that the operation has reported to the client by itself."""

    def note_dropped(self, names: Sequence[str]) -> None:
        """Names in a header of the response what is not sent to the backend."""
        if names:
            self.response_headers[DROPPED_HEADER] = ", ".join(names)

    def count(self, value: object) -> None:
        """Keeps the tokens of a backend's value that has `usage`, itself or in its response."""
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
    """The last frames of a stream: they are sent together with the end of the body."""


@dataclass(slots=True)
class NdjsonStream:
    """NDJSON: a frame a line. The status goes out with the first batch, not before it.

    A `FinalBatch` is the last one.
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


Generated: TypeAlias = "Json | NdjsonStream | SseStream"
"""What an operation that generates returns."""

Frames: TypeAlias = "AsyncGenerator[Sequence[Frame], None]"


@dataclass(frozen=True, slots=True)
class Form:
    """How the frames of an API are sent."""

    stream: Callable[[Frames], NdjsonStream | SseStream]
    media_type: str = "application/json; charset=utf-8"
    """Of an answer that is not streamed."""

    streams_loading: bool = True
    """Whether the answer to a request without input is a stream where one was asked for."""


async def once(frames: Sequence[Frame]) -> AsyncGenerator[Sequence[Frame], None]:
    """A stream of frames that are known already."""
    yield frames
