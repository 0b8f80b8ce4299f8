"""What is known of one request at its end, for the log and for the metrics."""

from __future__ import annotations

from dataclasses import dataclass

from ollama_facade.clock import SECOND
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.operations.context import RequestContext


@dataclass(slots=True)
class RequestMetrics:
    """One request as the metrics count it."""

    method: str
    route: str
    status: int
    seconds: float

    first: float | None = None
    """Seconds until the first frame; None where nothing was streamed."""

    frames: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    failure: str = ""
    """The kind of the backend's error, empty for none."""

    left: bool = False
    """Whether the client went away or stopped reading."""


@dataclass(slots=True)
class RequestRecord:
    """One request as the log describes it."""

    method: str
    path: str
    started: int
    """Monotonic nanoseconds."""

    request_id: str = ""
    model: str = ""
    status: int = 0
    frames: int = 0
    bytes: int = 0

    outcome: str = ""
    """Set by those who know better than the status: `ok`, `refused`, `busy`, `client_gone`,
    `client_stalled`, `backend_error` or `internal_error`."""

    route: str = ""
    """The template of the path, empty for none."""

    first: float | None = None
    """Seconds until the first frame."""

    failure: str = ""
    """The kind of the backend's error, empty for none."""

    context: RequestContext | None = None
    """What the operation has counted."""

    unlogged: bool = False
    """Whether the request asks after the service itself."""

    def note_failure(self, error: OllamaError) -> None:
        """Sets `failure` where the backend is the reason of `error`."""
        reason = error if isinstance(error, BackendError) else error.__cause__
        if isinstance(reason, BackendError):
            self.failure = reason.kind

    def finish(self) -> None:
        """Sets `failure` and `outcome` where they follow from the rest."""
        if self.context is not None and self.context.failure is not None:
            self.note_failure(self.context.failure)
        if self.outcome:
            return
        if self.status < 400:
            self.outcome = "backend_error" if self.failure else "ok"
        else:
            # The 503 of a full queue or of a service that stops is not the backend's.
            failed = self.status >= 500 and (self.failure or self.status != 503)
            self.outcome = "backend_error" if failed else "refused"

    def metrics(self, finished: int) -> RequestMetrics:
        """Returns the values that the metrics count; `finished` is monotonic nanoseconds."""
        context = self.context or RequestContext(self.started)
        return RequestMetrics(
            self.method,
            self.route,
            self.status,
            (finished - self.started) / SECOND,
            self.first,
            self.frames,
            context.prompt_tokens,
            context.answer_tokens,
            self.failure,
            self.outcome in ("client_gone", "client_stalled"),
        )
