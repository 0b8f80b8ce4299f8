"""The log: one line a request, on a terminal or as JSON; never a body, a key, a header or a URL.

Lines go to standard error and never hold up a request: what a full pipe or a closed stream does
not take is left out (faults.md rows 96, 97).
"""

from __future__ import annotations

import codecs
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TextIO

import orjson
import structlog
from starlette.types import Scope
from structlog.typing import EventDict, Processor, WrappedLogger

from ollama_facade.clock import SECOND
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.operations.context import RequestContext
from ollama_facade.server.log_writer import LineHandler, LogWriter, RequestLog, stamped
from ollama_facade.server.metrics import RequestMetrics
from ollama_facade.server.plain import Plain, printable

LONGEST = 200
"""Characters of a field that came from outside."""

_CODECS = ("ascii", "idna", "latin-1", "unicode_escape", "utf-8")
"""What Python would read from a file when it is first needed, which may be when none can be opened
(faults.md row 87)."""


def _not_configured(level: int, fields: EventDict) -> None:
    structlog.get_logger("ollama_facade.request").log(level, **fields)


_write: Callable[[int, EventDict], None] = _not_configured


@dataclass(slots=True)
class RequestRecord:
    """What the line of one request says. `started` is monotonic nanoseconds.

    It lies in the scope as `facade.record`; whoever reads the body sets `model`, whoever knows
    better than the status sets `outcome` (`ok`, `refused`, `busy`, `client_gone`,
    `client_stalled`, `backend_error`, `internal_error`). `route` is the template of the path,
    `first` the seconds until the first frame, `failure` the kind of the backend's error, `call`
    what the operation left behind. A `quiet` request is one that asks after the service itself.
    """

    method: str
    path: str
    started: int
    request_id: str = ""
    model: str = ""
    status: int = 0
    frames: int = 0
    bytes: int = 0
    outcome: str = ""
    route: str = ""
    first: float | None = None
    failure: str = ""
    call: RequestContext | None = None
    quiet: bool = False

    def seen(self, finished: int) -> RequestMetrics:
        """The request for the meter, once its line was made."""
        call = self.call or RequestContext(self.started)
        return RequestMetrics(
            self.method,
            self.route,
            self.status,
            (finished - self.started) / SECOND,
            self.first,
            self.frames,
            call.prompt_tokens,
            call.answer_tokens,
            self.failure,
            self.outcome in ("client_gone", "client_stalled"),
        )


def note_failure(scope: Scope, error: OllamaError) -> None:
    """Keeps for the log and the meter that the backend is the reason of `error`, if it is."""
    record: RequestRecord | None = scope.get("facade.record")
    known = error if isinstance(error, BackendError) else error.__cause__
    if record is not None and isinstance(known, BackendError):
        record.failure = known.kind


def log_request(record: RequestRecord, finished: int) -> None:
    """Writes the line of a request that ended at `finished` (monotonic nanoseconds)."""
    call = record.call
    if call is not None and call.failure is not None:
        note_failure({"facade.record": record}, call.failure)
    outcome = record.outcome or _outcome(record.status, record.failure)
    fields: dict[str, Any] = {
        "event": "request",
        "method": record.method,
        "path": shortened(record.path),
    }
    if record.model:
        fields["model"] = shortened(record.model)
    fields["status"] = record.status
    if record.frames:
        fields["frames"] = record.frames
    fields["ms"] = round((finished - record.started) / 1_000_000, 1)
    fields["bytes"] = record.bytes
    fields["outcome"] = outcome
    if record.failure:
        fields["failure"] = record.failure
    if record.request_id:
        fields["request_id"] = record.request_id
    if record.status >= 500 or outcome == "backend_error":
        _write(logging.WARNING, fields)
    else:
        _write(logging.DEBUG if record.quiet else logging.INFO, fields)


def _outcome(status: int, failure: str) -> str:
    if status < 400:
        return "backend_error" if failure else "ok"
    # The 503 of a full queue or of a service that stops is ours.
    return "backend_error" if status >= 500 and (failure or status != 503) else "refused"


def shortened(text: str) -> str:
    """At most 200 characters of the text."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging for the whole process.

    Lines go to `stream` (standard error). Libraries may say warnings only: at the level `debug`
    the SDK and its HTTP client print headers and bodies.
    """
    for codec in _CODECS:
        codecs.lookup(codec)
    target = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        stamped,
    ]
    if settings.log_format == "json":
        final: list[Processor] = [structlog.processors.format_exc_info, _as_json]
    else:
        colors = target.isatty()
        # The default formatter of tracebacks prints local variables: bodies and keys.
        console = structlog.dev.ConsoleRenderer(
            colors=colors, exception_formatter=structlog.dev.plain_traceback
        )
        final = [printable, console] if colors else [Plain(console)]
    lines = LogWriter(target)
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lines,
        cache_logger_on_first_use=False,
    )
    global _write
    _write = RequestLog(level, lines).write
    handler = LineHandler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.raiseExceptions = False


def _as_json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    text = orjson.dumps(_scrubbed(event), default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    if text.isprintable():
        return text
    # What orjson leaves as it is may end a line elsewhere, or turn the text that follows.
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def _scrubbed(event: EventDict) -> dict[str, Any]:
    """Lone surrogates, which orjson refuses, become question marks."""
    return {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in event.items()
    }
