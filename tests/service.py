"""The real service as a process of its own, on a port of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests import canary, peers, raw

ROOT = Path(__file__).parent.parent
# Every service under test gets this key; it may never come out again (tests/canary.py).
CANARY = canary.OURS
OURS = ("OLLAMA_", "OPENAI_", "FACADE_")
SECRET = ("OPENAI_API_KEY", "FACADE_API_KEYS", "FACADE_BACKEND_HEADERS")
NEVER = ("never retrieved", "never awaited", "Unclosed", peers.STRAY)
"""What no service may write: warnings of what was forgotten, and of connections elsewhere."""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


class Service:
    """`ollama-facade serve`; a context manager that ends it, whatever happens.

    `settings` are environment variables; all others of Ollama's, OpenAI's and ours are taken away.
    Its end fails where a key, or one of `secrets`, was sent to a client or written to the log,
    where a connection went elsewhere than the settings say (or `told`), or where something was
    forgotten.
    """

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        *,
        host: str = "127.0.0.1",
        wait_seconds: float = 180.0,
        secrets: Sequence[str] = (),
        reported: Sequence[str] | None = None,
        module: str = "tests.watched",
    ) -> None:
        self.host, self.port, self.wait_seconds = host, free_port(), wait_seconds
        self.settings, self.arguments = dict(settings or {}), list(arguments)
        self.module = module
        self.secrets = self._keys() | set(secrets)
        self.peers = peers.reported(self.settings, self.arguments) if reported is None else reported
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What the process finds."""
        retained = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        retained |= {key: os.environ[key] for key in ("FACADE_SENDER",) if key in os.environ}
        own = {"OLLAMA_HOST": f"{self.host}:{self.port}", "OPENAI_API_KEY": CANARY, "TZ": "UTC"}
        watched = {**canary.to_environment(self.secrets), **peers.to_environment(self.peers)}
        return {**retained, **own, "PYTHONUNBUFFERED": "1", **watched, **self.settings}

    def _keys(self) -> set[str]:
        """The keys of its backend and of its clients."""
        given = " ".join(self.settings.get(name, "") for name in SECRET)
        words = {CANARY, canary.INBOUND, canary.FORWARDED, *re.split(r"[\s,]+", given)}
        return {word for word in words if len(word) >= canary.SHORTEST and not word.endswith(":")}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", self.module, "serve", *self.arguments]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until(self._answers, self.wait_seconds, self._why_not)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _answers(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(self._why_not())
        try:
            return raw.ask(self.url, "GET", "/", timeout=5).status == 200
        except (OSError, raw.NoAnswerError):
            return False

    def _why_not(self) -> str:
        return f"the service did not start:\n{self.output()[-3000:]}"

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        written = self.output()
        self.log.close()
        assert canary.LEAK not in written, written[-3000:]
        assert not [secret for secret in self.secrets if secret in written], "a key in the log"
        for word in NEVER:
            assert word not in written, written[-3000:]

    def output(self) -> str:
        """What the process wrote until now."""
        self.log.flush()
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode("utf-8", "replace")

    def ask(self, method: str, path: str, value: Any = None, timeout: float = 30.0) -> raw.Answer:
        """One request with a JSON value."""
        return raw.ask(self.url, method, path, value, timeout)


def wait_until(
    holds: Callable[[], bool],
    seconds: float,
    why_not: Callable[[], str] | str = "it did not happen",
) -> None:
    """Looks again and again until it holds; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(why_not if isinstance(why_not, str) else why_not())
        time.sleep(0.02)
