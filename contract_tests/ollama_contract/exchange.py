"""Requests to the server under test: `Asker` sends what a test wants, `Clients` are Ollama's own.

Both go through the recording transports, so that a finding can show what was sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import ollama

from ollama_contract.recording import AsyncRecordingTransport, Recorder, RecordingTransport
from ollama_contract.target import Target

TIMEOUT = 120.0


@dataclass(frozen=True)
class Answer:
    """What came back, byte for byte; `pieces` with the seconds after which each arrived."""

    status: int
    headers: httpx.Headers
    body: bytes
    pieces: tuple[tuple[float, bytes], ...]

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    @property
    def absent(self) -> bool:
        """The server does not have this path, and says so as it does of any."""
        return self.status == 404 and self.media_type == "text/plain"

    def json(self) -> Any:
        """The body as one JSON value; raises AssertionError when it is none."""
        return _value(self.body)

    def lines(self) -> list[dict[str, Any]]:
        """The objects of an NDJSON body; raises AssertionError when a line is none."""
        values = [_value(line) for line in self.body.split(b"\n") if line]
        for value in values:
            assert isinstance(value, dict), f"a line that is no object: {value!r}"
        return values

    def error(self) -> str:
        """The text of `{"error": …}`; empty when the body is something else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return ""
        stated = value.get("error") if isinstance(value, dict) else None
        return stated if isinstance(stated, str) else ""


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AssertionError(f"no JSON ({error}): {text[:300]!r}") from None


class Asker:
    """`ask("POST", "/api/chat", {...})`: one request, its whole answer.

    A dict or list is sent as JSON with its content type, a string or bytes as they stand, None is
    no body. Raises httpx.HTTPError when no whole answer comes.
    """

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target = target
        self._client = httpx.Client(transport=RecordingTransport(recorder), trust_env=False)
        self._client.headers.clear()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> Answer:
        sent = dict(headers or {})
        content = body.encode() if isinstance(body, str) else body
        if isinstance(body, (dict, list)):
            content = json.dumps(body).encode()
            if not any(name.lower() == "content-type" for name in sent):
                sent["Content-Type"] = "application/json"
        given = {**self._target.headers(), **sent}
        request = self._client.build_request(
            method, self._target.url + path, content=content, headers=given, timeout=timeout
        )
        began = time.monotonic()
        response = self._client.send(request, stream=True)
        try:
            pieces = tuple((time.monotonic() - began, piece) for piece in response.iter_raw())
        finally:
            response.close()
        body_bytes = b"".join(piece for _, piece in pieces)
        return Answer(response.status_code, response.headers, body_bytes, pieces)

    def close(self) -> None:
        self._client.close()


class Clients:
    """Ollama's own Python clients on the target: `sync`, and `new_async()` inside a loop."""

    def __init__(self, target: Target, recorder: Recorder) -> None:
        self._target, self._recorder = target, recorder
        self.sync = ollama.Client(
            target.url,
            headers=target.headers(),
            transport=RecordingTransport(recorder),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def new_async(self) -> ollama.AsyncClient:
        """An asynchronous client; it belongs to the event loop that uses it first."""
        return ollama.AsyncClient(
            self._target.url,
            headers=self._target.headers(),
            transport=AsyncRecordingTransport(self._recorder),
            timeout=TIMEOUT,
            trust_env=False,
        )

    def close(self) -> None:
        self.sync._client.close()
