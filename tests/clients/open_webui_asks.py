"""Starts Open WebUI's own server on a service and asks it what its page does; prints JSON."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

url, model = sys.argv[1:]

SETTINGS = {
    "OLLAMA_BASE_URL": url,
    "ENABLE_OPENAI_API": "False",
    "RAG_EMBEDDING_ENGINE": "ollama",
    "RAG_EMBEDDING_MODEL": "emb:latest",
    "WEBUI_AUTH": "False",
    "WEBUI_SECRET_KEY": "not a secret",
    "OFFLINE_MODE": "True",
    "ANONYMIZED_TELEMETRY": "False",
    "FROM_INIT_PY": "true",
}
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


class Page:
    """What a browser that is signed in sends to the server."""

    def __init__(self, address: str) -> None:
        self.address, self.token = address, ""
        self.token = self.ask("POST", "/api/v1/auths/signin", {"email": "", "password": ""})[
            "token"
        ]

    def send(self, method: str, path: str, body: bytes | None, kind: str) -> str:
        """The body of an answer; an error status raises."""
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.token}"}
        requested = urllib.request.Request(self.address + path, body, headers, method=method)
        with urllib.request.urlopen(requested, timeout=60) as answer:
            return str(answer.read().decode())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The object of an answer."""
        sent = None if body is None else json.dumps(body).encode()
        return json.loads(self.send(method, path, sent, "application/json"))

    def lines(self, path: str, body: Any) -> list[Any]:
        """The objects of a stream of lines or events."""
        text = self.send("POST", path, json.dumps(body).encode(), "application/json")
        found = [line.removeprefix("data: ") for line in text.splitlines() if line]
        return [json.loads(line) for line in found if line != "[DONE]"]

    def upload(self, text: str) -> Any:
        """A file, as a person drops it on the page."""
        head = '--part\r\nContent-Disposition: form-data; name="file"; filename="note.txt"\r\n'
        body = f"{head}Content-Type: text/plain\r\n\r\n{text}\r\n--part--\r\n".encode()
        path = "/api/v1/files/?process=true&process_in_background=false"
        return json.loads(self.send("POST", path, body, "multipart/form-data; boundary=part"))


def reported(page: Page) -> dict[str, Any]:
    """What a person sees who looks at the connection, chats, and drops a file."""
    requested = {"model": model, "messages": QUESTION}
    called = page.lines("/api/chat/completions", {**requested, "stream": True, "tools": [TOOL]})
    streamed = page.lines("/api/chat/completions", {**requested, "stream": True})
    whole = page.ask("POST", "/api/chat/completions", {**requested, "stream": False})
    file = page.upload("A note to be found again.")
    result = {
        "verified": page.ask("POST", "/ollama/verify", {"url": url})["version"],
        "models": [one["id"] for one in page.ask("GET", "/api/models")["data"]],
        "abilities": page.ask("POST", "/ollama/api/show", {"model": model})["capabilities"],
        "calls": [
            call["function"]
            for one in called
            for choice in one.get("choices", [])
            for call in choice["delta"].get("tool_calls", [])
        ],
        "streamed": [
            one["choices"][0]["delta"].get("content") for one in streamed if one["choices"]
        ],
        "usage": [one["usage"]["completion_tokens"] for one in streamed if one.get("usage")],
        "whole": whole["choices"][0]["message"]["content"],
        "lines": [one["message"]["content"] for one in page.lines("/ollama/api/chat", requested)],
        "loaded": [one["model"] for one in page.ask("GET", "/ollama/api/ps")["models"]],
        "file": page.ask("GET", f"/api/v1/files/{file['id']}")["data"],
        "pulled": page.lines("/ollama/api/pull", {"model": model})[-1],
        "unloaded": page.ask("POST", "/ollama/api/unload", {"model": model}),
    }
    page.ask("POST", "/ollama/api/copy", {"source": model, "destination": "mine"})
    copied = [one["name"] for one in page.ask("GET", "/ollama/api/tags/0")["models"]]
    page.ask("DELETE", "/ollama/api/delete/0", {"model": "mine"})
    return {**result, "copied": copied}


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def main() -> None:
    """Runs the server for as long as it is asked."""
    port = str(free_port())
    server = [sys.executable, "-m", "uvicorn", "open_webui.main:app", "--port", port]
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w+") as log:
        retained = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        settings = {**retained, **SETTINGS, "DATA_DIR": folder}
        process = subprocess.Popen(server, cwd=folder, env=settings, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(240):
                with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health"):
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.25)
            json.dump(reported(Page(address)), sys.stdout)
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read()[-3000:])
            raise
        finally:
            process.terminate()
            process.wait(10)


main()
