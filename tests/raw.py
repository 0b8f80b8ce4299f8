"""HTTP/1.1 by hand: requests go out byte for byte, answers come back as they were framed."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from tests import canary

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@dataclass
class Answer:
    """One HTTP answer.

    `headers` keeps the order and the spelling of what came, but Date. `chunks` are the sizes of the
    HTTP chunks of the body. `cut`: the connection ended before the body did.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunks: list[int] = field(default_factory=list)
    cut: bool = False

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        return json.loads(self.body)

    def lines(self) -> list[Any]:
        """The JSON values of an NDJSON body."""
        return [json.loads(line) for line in self.body.decode().split("\n") if line]

    def header(self, name: str) -> str | None:
        """The values of a header, joined by a comma; None when it is not there."""
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(found) if found else None


class NoAnswerError(Exception):
    """What came was no HTTP answer, or nothing."""


class RawClient:
    """One connection. Bytes go out as given; `read_answer` parses one answer."""

    def __init__(self, host: str, port: int, timeout: float = 30.0) -> None:
        self.socket = socket.create_connection((host, port), timeout)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Raises OSError when the other side is gone."""
        self.socket.sendall(data)

    def shutdown(self) -> None:
        """Closes the sending half."""
        self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def read_answer(self, method: str = "POST") -> Answer:
        """One answer, whole; raises NoAnswerError."""
        answer = self.read_head()
        if method != "HEAD" and answer.status not in (204, 304):
            for _ in self.read_body(answer):
                pass
        return answer

    def read_head(self) -> Answer:
        """Status and headers of an answer; interim (1xx) answers are skipped."""
        while True:
            first = self.file.readline()
            if not (match := STATUS.match(first)):
                raise NoAnswerError(repr(first[:80]))
            headers = []
            while line := self.file.readline().decode("latin-1").rstrip("\r\n"):
                name, _, value = line.partition(":")
                if name.lower() != "date":
                    headers.append((name, value.strip()))
            if int(match[1]) >= 200:
                return Answer(int(match[1]), headers)

    def read_body(self, answer: Answer) -> Iterator[bytes]:
        """Reads the body into the answer, giving each HTTP chunk (or the whole) as it comes."""
        length = answer.header("content-length")
        if "chunked" in (answer.header("transfer-encoding") or ""):
            while True:
                size = self.file.readline().strip()
                if not size:
                    answer.cut = True
                    return
                if (count := int(size.split(b";")[0], 16)) == 0:
                    self.file.readline()
                    return
                part = self.file.read(count)
                answer.body += part
                answer.chunks.append(count)
                yield part
                self.file.readline()
                if len(part) < count:
                    answer.cut = True
                    return
        elif length is not None:
            answer.body = self.file.read(int(length))
            answer.cut = len(answer.body) < int(length)
            yield answer.body
        else:
            answer.body = self.file.read()
            yield answer.body


def request_bytes(
    method: str, path: str, headers: Mapping[str, str] | None = None, data: bytes | None = None
) -> bytes:
    """A request; Content-Length is added when there is a body and nobody says otherwise."""
    fields = dict(headers or {"Host": "localhost"})
    if data is not None and not {"content-length", "transfer-encoding"} & {
        k.lower() for k in fields
    }:
        fields["Content-Length"] = str(len(data))
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    return head.encode("utf-8") + b"\r\n" + (data or b"")


def exchange(
    host: str,
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
    timeout: float = 30.0,
) -> Answer:
    """One request on a connection of its own; raises NoAnswerError and OSError."""
    with RawClient(host, port, timeout) as client:
        # An answer may come before all was sent.
        with suppress(BrokenPipeError, ConnectionResetError):
            client.send(request_bytes(method, path, headers, data))
        return client.read_answer(method)


def ask(url: str, method: str, path: str, value: object = None, timeout: float = 30.0) -> Answer:
    """The plain case: a JSON value (None: no body) to `http://host:port`."""
    host, _, port = url.removeprefix("http://").partition(":")
    data = None if value is None else json.dumps(value).encode()
    headers = {
        "Host": f"localhost:{port}",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {canary.FORWARDED}",
    }
    return exchange(host, int(port), method, path, headers, data, timeout)
