"""Writes down what the fetched clients send: `python -m tests.clients.record`.

A relay stands between client and service; its file is replayed by
`tests/end_to_end/test_programs.py`.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.clients.asking import reported
from tests.clients.fetch import HOME
from tests.clients.scenes import SCENES
from tests.service import Service
from tests.upstream import Upstream

FILE = Path(__file__).parents[1] / "end_to_end" / "data" / "programs.jsonl"
# What a client says of itself and of what it takes; the rest is the connection's.
RECORDED_HEADERS = ("accept", "authorization", "content-type", "user-agent")


def relay(port: int, heard: list[dict[str, Any]]) -> ThreadingHTTPServer:
    """A server that hands requests on to a port, whole, and notes them down."""

    class Recorder(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            onward = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            onward.request(self.command, self.path, body or None, headers)
            answer = onward.getresponse()
            data = answer.read()
            media_type = answer.headers.get_content_type()
            heard.append(
                {
                    "request": [self.command, self.path],
                    "headers": {k: v for k, v in headers.items() if k.lower() in RECORDED_HEADERS},
                    "body": body.decode() or None,
                    "status": answer.status,
                    "media_type": media_type,
                }
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["content-type"])
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = do_HEAD = handle_one  # noqa: N815 - the names it looks for

        def log_message(self, *_: object) -> None:
            """Nothing: what was heard is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Plays each scene through a relay, and writes the file."""
    lines = []
    for client, (script, model, turns) in SCENES.items():
        if not (HOME / client).exists():
            raise SystemExit(f"{client} is not there: make clients")
        heard: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as models, Upstream() as upstream:
            settings = {"OPENAI_BASE_URL": upstream.base_url, "OLLAMA_MODELS": models}
            with Service(settings) as service, relay(service.port, heard) as server:
                upstream.turns(turns)
                reported(client, script, f"http://127.0.0.1:{server.server_port}", model)
                server.shutdown()
        lines += [json.dumps({"client": client, **one}, ensure_ascii=False) for one in heard]
    FILE.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
