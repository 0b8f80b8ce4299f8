"""A server that knows three routes of Ollama's, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-contract-canary"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    missing: tuple[int, str, bytes] = (404, "text/plain", b"404 page not found")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _any(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        known: dict[str, Any] = {
            "/api/version": {"version": "0.33.0"},
            "/api/tags": {"models": [{"name": "m:latest"}]},
            "/api/show": {"capabilities": ["completion"]},
            "/api/generate": {"response": "a"},
        }
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._answer(401, "application/json", b'{"error": "no key"}')
        elif self.path in known:
            self._answer(200, "application/json", json.dumps(known[self.path]).encode())
        else:
            self._answer(*self.missing)

    do_GET = do_POST = _any  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(*, good: bool) -> Iterator[str]:
    """The URL of a server; a bad one says in JSON that a path is not there, and repeats the key."""
    bad = (404, "application/json", json.dumps({"detail": f"not for {KEY}"}).encode())
    retained = {} if good else {"missing": bad}
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), retained)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
