"""HTTP for the fake servers: a request in, a reply out, streams sent as they are made."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"
PER_TOKEN = 0.002
"""How many seconds a token takes."""


@dataclass(frozen=True)
class Request:
    """What came; `path` is without its query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: str = ""

    def value(self) -> dict[str, Any]:
        """The body where it is a JSON object, else nothing."""
        with suppress(ValueError):
            found = json.loads(self.body)
            if isinstance(found, dict):
                return found
        return {}


@dataclass
class Reply:
    """What goes out. `frames` are the objects of a stream, each after `pace` seconds."""

    status: int = 200
    body: Any = None
    frames: list[dict[str, Any]] | None = None
    media: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)
    pace: float = 0.0
    together: bool = False
    ending: bytes = b"\n"

    def encoded(self) -> bytes:
        """The body of a reply without frames."""
        if self.body is None:
            return b""
        if isinstance(self.body, (bytes, str)):
            return self.body if isinstance(self.body, bytes) else self.body.encode()
        return written(self.body)

    def pieces(self) -> Iterable[bytes]:
        """The frames of a stream, as text."""
        for frame in self.frames or ():
            if self.media == "text/event-stream":
                yield b"data: " + written(frame) + b"\n\n"
            else:
                yield written(frame) + self.ending


Handle = Callable[[Request], Reply]


def written(value: Any) -> bytes:
    """Compact JSON; the letters that Go escapes are escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode()


class Server:
    """A server on a port of its own, in a thread; a context manager."""

    def __init__(self, handle: Handle) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(handle))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(handle: Handle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def handle(self) -> None:
            with suppress(ConnectionError):  # a client that left
                super().handle()

        def finish(self) -> None:
            with suppress(ConnectionError):
                super().finish()

        def version_string(self) -> str:
            return ""

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            path, requested, query = self.path.partition("?")
            request = Request(self.command, path, headers, self._body(), requested + query)
            with suppress(ConnectionError):
                self._send(handle(request))

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("Transfer-Encoding", ""):
                return self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def _send(self, reply: Reply) -> None:
            chunked = reply.frames is not None and self.request_version != "HTTP/1.0"
            self.send_response_only(reply.status)
            self.send_header("Date", self.date_time_string())
            if reply.media is not None:
                self.send_header("Content-Type", reply.media)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if self.close_connection and (reply.frames is None or chunked):
                self.send_header("Connection", "close")
            if reply.frames is not None:
                self.send_header(
                    *(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close"))
                )
                self.end_headers()
                self._stream(reply, chunked=chunked)
                return
            body = reply.encoded()
            if reply.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            self.wfile.flush()

        def _stream(self, reply: Reply, *, chunked: bool) -> None:
            held = b""
            for piece in reply.pieces():
                time.sleep(reply.pace)
                held += piece
                if not reply.together:
                    self._chunk(held, chunked=chunked)
                    held = b""
            if held:
                self._chunk(held, chunked=chunked)
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
            self.wfile.flush()
            self.close_connection = self.close_connection or not chunked

        def _chunk(self, data: bytes, *, chunked: bool) -> None:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)
            self.wfile.flush()

    return Handler
