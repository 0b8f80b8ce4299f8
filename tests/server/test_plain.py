"""Lines of the log beside those of structlog's own console."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from structlog.dev import ConsoleRenderer, plain_traceback

from ollama_facade.server.plain import Plain, printable

CONSOLE = ConsoleRenderer(colors=False, exception_formatter=plain_traceback)
FIELDS = st.dictionaries(
    st.sampled_from(["method", "path", "model", "status", "ms", "exception", "logger", "stack"]),
    st.text() | st.sampled_from(["a b", "a=b", '"', "", "/api/chat"]),
) | st.dictionaries(st.sampled_from(["status", "ms", "some"]), st.integers() | st.floats())


@given(
    fields=FIELDS,
    level=st.sampled_from(["debug", "info", "warning", "error", "critical"]),
    event=st.sampled_from(["request", "", "a long name of an event that needs more room"]),
)
def test_a_line_is_that_of_the_console(fields: dict[str, Any], level: str, event: str) -> None:
    line = {"timestamp": "2026-11-24T15:14:42.1Z", "level": level, "event": event, **fields}
    known = CONSOLE(None, "info", printable(None, "info", dict(line)))
    assert Plain(CONSOLE)(None, "info", dict(line)) == known
