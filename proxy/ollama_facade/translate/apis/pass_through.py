"""Bodies and answers of `/v1/responses` and `/v1/messages` that go through as they are.

Only the model's name is exchanged: the backend's goes out, the client's comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from ollama_facade.errors import BackendError
from ollama_facade.translate.chunks import unreadable
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.failures import failure_status, failure_text
from ollama_facade.translate.generation import Think
from ollama_facade.translate.models import Model
from ollama_facade.translate.requests import BackendRequest, Endpoint

MAX_HEADER_LENGTH = 1000
"""Characters of a client's header that is passed on: some thirty names of betas."""

_ENDS: Mapping[str, frozenset[str]] = {
    "responses": frozenset(("response.completed", "response.incomplete", "response.failed")),
    "messages": frozenset(("message_stop",)),
}
"""The events after which an answer is whole. OpenAI tells of a failed one as a whole answer too."""

_INNER: Mapping[str, str] = {"responses": "response", "messages": "message"}
"""The member of an event that is an answer, or its beginning, with a model's name."""

_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "overloaded_error": 503,
}
"""What the types of Anthropic's errors, and the codes of OpenAI's, mean as a status."""


class Event(Protocol):
    """One event of a backend's stream as it came."""

    @property
    def value(self) -> Mapping[str, Any]:
        """The event itself."""

    @property
    def finish(self) -> str:
        """Not empty when the answer is complete with this event."""


E = TypeVar("E", bound=Event)


class PassThrough(Protocol[E]):
    """A request in the client's own words, and how the backend's answer goes on to the client."""

    @property
    def endpoint(self) -> Endpoint:
        """The backend's route."""

    def build(self, model: Model, dialect: Dialect, think: Think, /) -> BackendRequest:
        """The backend request."""

    def parse_event(self, value: Any, /) -> E | None:
        """Reads one JSON value of the stream; None where it says nothing. Raises BackendError."""

    def render_event(self, event: E, /) -> dict[str, Any]:
        """The event as the client receives it."""

    def render_response(self, value: Any, /) -> dict[str, Any]:
        """The whole answer as the client receives it. Raises BackendError for what is none."""


@dataclass(slots=True)
class NativeEvent:
    """One event; `finish` is its type when the answer is complete with it."""

    value: dict[str, Any]
    finish: str


@dataclass(frozen=True, slots=True)
class NativePassThrough:
    """A `body` for a route that the backend may have itself, and the answer from there."""

    endpoint: Literal["responses", "messages"]
    body: Mapping[str, Any]

    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the client's, passed on where they are plain and short."""

    def build(self, model: Model, _dialect: Dialect, _think: Think, /) -> BackendRequest:
        """The body with every field, for the model as the backend calls it."""
        stream = self.body.get("stream") is True
        body = {**self.body, "model": model.backend_id, "stream": stream}
        headers = {name: text for name, text in self.headers.items() if _is_plain(text)}
        return BackendRequest(self.endpoint, body, headers=headers)

    def parse_event(self, value: Any, /) -> NativeEvent | None:
        """An event; None for what is none, such as a whole answer. Raises BackendError."""
        if not isinstance(value, Mapping):
            raise unreadable()
        kind = value.get("type")
        if kind == "error" or value.get("error"):
            raise _failed(value)
        if not isinstance(kind, str) or kind == "message":
            return None
        event = dict(value)
        inner = _INNER[self.endpoint]
        if isinstance(event.get(inner), Mapping) and "model" in event[inner]:
            event[inner] = self._named(event[inner])
        return NativeEvent(event, kind if kind in _ENDS[self.endpoint] else "")

    def render_event(self, event: NativeEvent, /) -> dict[str, Any]:
        """The event as it came."""
        return event.value

    def render_response(self, value: Any, /) -> dict[str, Any]:
        """An answer that was not streamed. Raises BackendError for what is none."""
        if isinstance(value, Mapping):
            if value.get("object") == "response" or value.get("type") == "message":
                return self._named(value)
            if value.get("error"):
                raise _failed(value)
        raise not_a_completion()

    def _named(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """With the model's name as the client wrote it."""
        return {**answer, "model": self.body.get("model")}


def not_a_completion() -> BackendError:
    """A page, or JSON of another kind, with status 200."""
    return BackendError(
        502, "backend answered with something that is not a completion", kind="unreadable"
    )


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and 0 < len(text) <= MAX_HEADER_LENGTH


def has_presets(model: Model) -> bool:
    """True for a model that says something of its own, which only a translated request tells."""
    return bool(model.system or model.parameters or model.messages)


def _failed(event: Mapping[str, Any]) -> BackendError:
    error = event["error"] if isinstance(event.get("error"), Mapping) else event
    words = (error.get("type"), error.get("code"))
    statuses = (_STATUS[word] for word in words if isinstance(word, str) and word in _STATUS)
    status = failure_status(event) or next(statuses, 502)
    text = failure_text(event) or "backend reported an error without a message"
    return BackendError(status, text, kind="error_event")
