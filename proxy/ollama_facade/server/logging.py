"""The log: one line a request, on a terminal or as JSON; never a body, a key, a header or a URL.

Everything goes through structlog: its processors, then a LogWriter on standard error.
"""

from __future__ import annotations

import codecs
import json
import logging
import sys
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ollama_facade.clock import SECOND, Clock, format_seconds
from ollama_facade.config.settings import Settings
from ollama_facade.server.log_writer import LineHandler, LogWriter
from ollama_facade.server.request_record import RequestRecord

MAX_FIELD_LENGTH = 200
"""Characters of a field that came from outside."""

_CODECS = ("ascii", "idna", "latin-1", "unicode_escape", "utf-8")
"""Codecs that Python would load from a file when it first needs them, which may be when no file can
be opened (faults.md row 87)."""

_clock = Clock()
_log = structlog.get_logger("ollama_facade.request")


def log_request(record: RequestRecord, finished: int) -> None:
    """Writes the line of a request that ended at `finished` (monotonic nanoseconds)."""
    fields: dict[str, Any] = {"method": record.method, "path": shortened(record.path)}
    if record.model:
        fields["model"] = shortened(record.model)
    fields["status"] = record.status
    if record.frames:
        fields["frames"] = record.frames
    fields["ms"] = round((finished - record.started) / 1_000_000, 1)
    fields["bytes"] = record.bytes
    fields["outcome"] = record.outcome
    if record.failure:
        fields["failure"] = record.failure
    if record.request_id:
        fields["request_id"] = record.request_id
    if record.status >= 500 or record.outcome == "backend_error":
        _log.warning("request", **fields)
    elif record.unlogged:
        _log.debug("request", **fields)
    else:
        _log.info("request", **fields)


def shortened(text: str) -> str:
    """Returns at most 200 characters of the text."""
    return text if len(text) <= MAX_FIELD_LENGTH else text[: MAX_FIELD_LENGTH - 1] + "…"


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging for the whole process.

    Lines go to `stream` (standard error). Libraries may log warnings only: at the level `debug` the
    SDK and its HTTP client print headers and bodies.
    """
    for codec in _CODECS:
        codecs.lookup(codec)
    target = stream or sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [structlog.stdlib.add_log_level, add_timestamp]
    if settings.log_format == "json":
        renderer: list[Processor] = [structlog.processors.format_exc_info, render_json]
    else:
        # The default formatter of tracebacks prints local variables: bodies and keys.
        console = structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        renderer = [escape, console]
    writer = LogWriter(target)
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=writer,
        cache_logger_on_first_use=False,
    )
    handler = LineHandler(writer)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    logging.raiseExceptions = False


def add_timestamp(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Adds the time, in microseconds."""
    second, rest = divmod(_clock.wall(), SECOND)
    event["timestamp"] = f"{format_seconds(second)}.{rest // 1000:06d}Z"
    return event


def escape(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escapes what moves a cursor or hides text; the console quotes blanks, quotes and ``=``."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception" and not value.isprintable():
            event[name] = "".join(
                character
                if character.isprintable()
                else character.encode("unicode_escape").decode("ascii")
                for character in value
            )
    return event


def render_json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    """Returns the line as JSON that holds printable characters only."""
    # orjson refuses lone surrogates; they become question marks.
    scrubbed = {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in event.items()
    }
    text = orjson.dumps(scrubbed, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    if text.isprintable():
        return text
    # What orjson leaves as it is may end a line elsewhere, or turn the text that follows.
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in text
    )
