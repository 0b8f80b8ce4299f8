"""The log: what its lines hold and what they never hold (faults.md §5, rows 96 and 97)."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ollama_facade.config.settings import Settings
from ollama_facade.server.logging import configure, log_request, shortened
from ollama_facade.server.request_record import RequestRecord
from ollama_facade.server.request_state import RequestState
from tests.server.asgi import Seen, ask, stack

SECOND = 1_000_000_000


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level, logging.raiseExceptions = before[0], before[1], before[2]


def record(**fields: Any) -> RequestRecord:
    return RequestRecord(**{"method": "POST", "path": "/api/chat", "started": SECOND, **fields})


def written(log_format: str, *records: RequestRecord, level: str = "info") -> str:
    stream = io.StringIO()
    configure(Settings(log_format=log_format, log_level=level), stream)
    for one in records:
        one.finish()
        log_request(one, SECOND + 12_345_678)
    return stream.getvalue()


def test_a_line_says_what_a_request_was_and_how_it_ended() -> None:
    one = record(model="gen", status=200, frames=3, bytes=120, request_id="a-1")
    line = json.loads(written("json", one))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "POST",
        "path": "/api/chat",
        "model": "gen",
        "status": 200,
        "frames": 3,
        "ms": 12.3,
        "bytes": 120,
        "outcome": "ok",
        "request_id": "a-1",
    }


def test_the_console_says_the_same_on_one_line() -> None:
    text = written("console", record(model="gen", status=200, bytes=2))
    assert text.count("\n") == 1
    for part in ("method=POST", "path=/api/chat", "model=gen", "status=200", "outcome=ok"):
        assert part in text
    assert "\x1b" not in text


def test_what_does_not_apply_is_left_out() -> None:
    line = json.loads(written("json", record(method="GET", path="/", status=200)))
    assert not {"model", "frames", "request_id"} & line.keys()


@pytest.mark.parametrize(
    ("status", "outcome", "shown", "level"),
    (
        (200, "", "ok", "info"),
        (307, "", "ok", "info"),
        (404, "", "refused", "info"),
        (502, "", "backend_error", "warning"),
        (503, "busy", "busy", "warning"),
        (500, "internal_error", "internal_error", "warning"),
        (200, "backend_error", "backend_error", "warning"),
        (0, "client_gone", "client_gone", "info"),
    ),
)
def test_the_outcome_follows_from_the_status_unless_somebody_knows_better(
    status: int, outcome: str, shown: str, level: str
) -> None:
    line = json.loads(written("json", record(status=status, outcome=outcome)))
    assert (line["outcome"], line["level"]) == (shown, level)


def test_the_level_is_obeyed() -> None:
    records = record(status=200), record(status=502)
    assert len(written("json", *records, level="warning").splitlines()) == 1
    assert written("json", *records, level="error") == ""


@pytest.mark.parametrize("log_format", ("console", "json"))
@pytest.mark.parametrize(
    "text",
    (
        "a\nlevel=error faked",
        "a\r\n\x1b[2J",
        "x status=500",
        'x" status="500',
        "\u202egnp",
        "\ud800",
        "\x00",
        "x" * 1_000_000,
    ),
    ids=ascii,
)
def test_nobody_writes_into_the_log_from_outside(log_format: str, text: str) -> None:
    written_text = written(log_format, record(path=text, model=text, status=200))
    assert written_text.count("\n") == 1
    assert len(written_text) < 1500
    if log_format == "console":
        assert written_text[:-1].isprintable()
        unquoted = re.sub(r"""(["'])(\\.|(?!\1).)*\1""", "", written_text)
        assert unquoted.count("status=") == 1
    else:
        assert json.loads(written_text)["status"] == 200


def test_a_long_text_is_shortened() -> None:
    assert shortened("x" * 200) == "x" * 200
    assert len(shortened("x" * 201)) == 200


@pytest.mark.parametrize("log_format", ("console", "json"))
def test_a_traceback_shows_no_variables(log_format: str) -> None:
    stream = io.StringIO()
    configure(Settings(log_format=log_format), stream)

    def fails(key: str) -> None:
        raise ValueError("broken")

    async def app(*_: object) -> None:
        fails("sk-" + "canary")

    assert ask(stack(app), "POST", "/api/show", body=b'{"prompt":"hidden"}').status == 500
    text = stream.getvalue()
    assert text.count("ValueError: broken") == 1
    assert text.count("Traceback") == 1
    assert "sk-canary" not in text
    assert "hidden" not in text


def test_neither_headers_nor_body_nor_query_come_into_the_log() -> None:
    stream = io.StringIO()
    configure(Settings(log_format="json", log_level="debug"), stream)
    headers = {"Authorization": "Bearer canary", "Cookie": "canary", "User-Agent": "canary"}
    ask(stack(Seen(b"canary")), "POST", "/api/chat?key=canary", headers, b'{"x":"canary"}')
    ask(stack(Seen()), "POST", "/api/show/?key=canary", headers, b"canary")
    assert len(stream.getvalue().splitlines()) == 2
    assert "canary" not in stream.getvalue()


def test_the_frames_of_a_stream_are_counted_however_they_were_written() -> None:
    stream = io.StringIO()
    configure(Settings(log_format="json"), stream)
    lines = b'{"a":1}\n{"a":2}\n'
    ask(stack(Seen(lines, b"application/x-ndjson")), "POST", "/api/chat", body=b"{}")
    line = json.loads(stream.getvalue())
    assert (line["frames"], line["bytes"], line["outcome"]) == (2, len(lines), "ok")


def test_a_stream_that_ends_in_an_error_is_no_success() -> None:
    stream = io.StringIO()
    configure(Settings(log_format="json"), stream)
    ask(
        stack(Seen(b'{"error":"gone"}\n', b"application/x-ndjson")),
        "POST",
        "/api/chat",
        body=b"{}",
    )
    assert json.loads(stream.getvalue())["outcome"] == "backend_error"


def test_the_application_names_the_model() -> None:
    stream = io.StringIO()
    configure(Settings(log_format="json"), stream)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        RequestState.of(scope).record.model = "gen"
        await Seen()(scope, receive, send)

    ask(stack(app), "POST", "/api/chat", body=b"{}")
    assert json.loads(stream.getvalue())["model"] == "gen"


@pytest.mark.parametrize("log_format", ("console", "json"))
def test_libraries_say_warnings_in_the_same_form_and_no_more(log_format: str) -> None:
    stream = io.StringIO()
    configure(Settings(log_format=log_format, log_level="debug"), stream)
    logging.getLogger("openai").debug("Authorization: canary")
    logging.getLogger("uvicorn.error").info("noise")
    logging.getLogger("aiohttp").warning("odd %s", "thing")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert "odd thing" in text
    if log_format == "json":
        assert json.loads(text)["level"] == "warning"


def test_lines_come_whole_and_in_their_order() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as reported, os.fdopen(writing, "w") as stream:
        configure(Settings(log_format="json"), stream)

        async def busy() -> None:
            for status in range(200, 260):
                log_request(record(status=status), 2 * SECOND)
            logging.getLogger("x").warning("between")
            log_request(record(status=499), 2 * SECOND)

        asyncio.run(busy())
        stream.close()
        lines = [json.loads(line) for line in reported]
    assert [line["event"] for line in lines] == [*["request"] * 60, "between", "request"]
    assert [line.get("status") for line in lines[:60]] == list(range(200, 260))


def test_a_full_pipe_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        configure(Settings(log_format="json"), stream)
        for _ in range(2000):
            log_request(record(status=200), 2 * SECOND)


def test_a_closed_stream_harms_nobody() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        configure(Settings(log_format="console"), stream)
        os.close(reading)
        log_request(record(status=200), 2 * SECOND)
        logging.getLogger("x").warning("y")
    closed = io.StringIO()
    configure(Settings(), closed)
    closed.close()
    log_request(record(status=200), 2 * SECOND)
