"""The service with short times over the scripted backend, and how it has to be after a fault."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import raw
from tests.service import CANARY, NEVER, Service, wait_until
from tests.upstream import Scenario, Upstream

LIMIT = 1024 * 1024
QUEUE = 40
HI = [{"role": "user", "content": "Hi"}]
TIMES = {
    "FACADE_HEADER_TIMEOUT": "0.6",
    "FACADE_BODY_TIMEOUT": "0.6",
    "FACADE_WRITE_TIMEOUT": "0.6",
    "FACADE_FIRST_TOKEN_TIMEOUT": "1",
    "FACADE_IDLE_TIMEOUT": "0.8",
    "FACADE_TAIL_TIMEOUT": "0.2",
    "FACADE_CONNECT_TIMEOUT": "1",
    "FACADE_MODELS_TTL": "60",
}
ROOMY = {"FACADE_MAX_BODY": str(LIMIT), "OLLAMA_MAX_QUEUE": str(QUEUE), "FACADE_LOG_FORMAT": "json"}
NAMED = {
    "FACADE_ALLOWED_HOSTS": "models.example",
    "OLLAMA_ORIGINS": "https://pages.example",
}
CHAT = {"model": "native", "messages": HI}
BAD_WORDS = ("Traceback", *NEVER, CANARY)


class Bench:
    """One service and its backend."""

    def __init__(self, upstream: Upstream, service: Service) -> None:
        self.upstream, self.service = upstream, service
        self.written = self.looked = 0
        self.descriptors = self.count_descriptors()

    @property
    def port(self) -> int:
        return self.service.port

    @property
    def process(self) -> int:
        assert self.service.process is not None
        return self.service.process.pid

    def script(self, *scenarios: Scenario, path: str = "") -> None:
        self.upstream.script(*scenarios, path=path)

    def post(
        self,
        value: object,
        path: str = "/api/chat",
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
    ) -> raw.Answer:
        """A POST of a JSON value, or of bytes as they are."""
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        fields = {"Host": f"localhost:{self.port}", **(headers or {})}
        return raw.exchange("127.0.0.1", self.port, "POST", path, fields, data, timeout)

    def chat(self, *scenarios: Scenario, stream: bool = True, **more: Any) -> raw.Answer:
        """A chat, with what the backend then does."""
        if scenarios:
            self.script(*scenarios)
        return self.post({**CHAT, "stream": stream, **more})

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> raw.Answer:
        fields = {"Host": f"localhost:{self.port}", **(headers or {})}
        return raw.exchange("127.0.0.1", self.port, "GET", path, fields, timeout=10)

    def talk(self, data: bytes, timeout: float = 5.0) -> bytes:
        """Everything that comes back for some bytes until the service closes."""
        with raw.RawClient("127.0.0.1", self.port, timeout) as client:
            client.send(data)
            return client.file.read()

    def connected(self, timeout: float = 5.0) -> raw.RawClient:
        return raw.RawClient("127.0.0.1", self.port, timeout)

    def asking(self, stream: bool = True, **more: Any) -> raw.RawClient:
        """A connection on which a chat was asked for, and nothing read."""
        client = self.connected()
        client.send(self.request({**CHAT, "stream": stream, **more}))
        return client

    def request(self, value: object, path: str = "/api/chat") -> bytes:
        host = {"Host": f"localhost:{self.port}"}
        return raw.request_bytes("POST", path, host, json.dumps(value).encode())

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over all labels but those given."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            match = re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line)
            if match and all(
                f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()
            ):
                total += float(match[2])
        return total

    def peak(self) -> int:
        """The most memory in MiB since `forget_peak`."""
        return self._memory("VmHWM")

    def forget_peak(self) -> int:
        """The memory of now in MiB, from which the peak is measured anew."""
        Path(f"/proc/{self.process}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    def _memory(self, field: str) -> int:
        text = Path(f"/proc/{self.process}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+)", text)[1]) // 1024  # type: ignore[index]

    def worked(self) -> float:
        """Seconds of the processor that the service has had."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def count_descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process}/fd").iterdir()))

    def news(self) -> str:
        """What was logged since this was last asked for."""
        text = self.service.output()
        new, self.written = text[self.written :], len(text)
        return new

    def lines(self) -> list[dict[str, Any]]:
        """The same as values."""
        return [json.loads(line) for line in self.news().splitlines() if line.startswith("{")]

    def settle(self) -> None:
        """After any fault: nothing under way, nothing leaked, and the next request works (P9)."""
        self.upstream.forget("/v1/models")
        self.upstream.turns([{}])
        wait_until(
            lambda: not self.metric("facade_requests_in_flight"), 5, "something is in flight"
        )
        answer = self.chat()
        assert answer.status == 200, answer.text
        assert answer.lines()[-1]["done"] is True, answer.text
        # Connections to the backend are kept for some seconds, as many as there were requests.
        most = self.descriptors + QUEUE
        wait_until(lambda: self.count_descriptors() <= most, 10, "descriptors leak")
        written = self.service.output()
        new, self.looked = written[self.looked :], len(written)
        for word in BAD_WORDS:
            assert word not in new, new[-3000:]


def error_of(answer: raw.Answer) -> str:
    """The text of an answer that is an error, or of the last line of a stream."""
    assert not answer.cut
    last = answer.lines()[-1]
    assert set(last) == {"error"}, answer.text
    return str(last["error"])


def frames_of(answer: raw.Answer) -> str:
    """The content of the frames before an error or the end."""
    return "".join(frame["message"]["content"] for frame in answer.lines() if "message" in frame)
