"""What is measured: processes that are started, watched through /proc, and ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
MODELS = ("answer", "flood", "long", "paced", "endless", "vectors")
"""The names that the scripted backend knows (tool/backend.go)."""

OURS = "this service"
WORKERS = "this service, 2 workers"
BARE = "bare"
DIRECT = "direct"


class Missing(Exception):  # noqa: N818 - no error: a peer that is not there is left out
    """Something that a run can do without is not there."""


@dataclass
class Subject:
    """One server. `share`: it is asked so much less, because it would take too long."""

    name: str
    command: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    share: float = 1.0
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def start(self, folder: Path, is_ready: Callable[[int], bool] | None = None) -> float:
        """Starts it on a free port; the seconds until it answered a first chat (or `is_ready`)."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        for name, text in self.files.items():
            (folder / name).write_text(self._filled(text, folder), encoding="utf-8")
        extra = {name: self._filled(value, folder) for name, value in self.environment.items()}
        retained = {
            name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ
        }
        log = (folder / "log.txt").open("wb")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self._filled(part, folder) for part in self.command],
            env={**retained, **extra},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        while not (is_ready or _answers)(self.port):
            if self.process.poll() is not None or time.monotonic() - began > 60:
                text = (folder / "log.txt").read_text(encoding="utf-8", errors="replace")
                self.stop()
                raise RuntimeError(f"{self.name} does not start: {text[-1500:]}")
            time.sleep(0.005)
        return time.monotonic() - began

    def stop(self) -> None:
        """Ends it and its children."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def cpu(self) -> float:
        """Microseconds of processor time that it has used, with its children and their threads."""
        return (
            sum(
                int((thread / "schedstat").read_text().split()[0])
                for process in self._processes()
                for thread in (process / "task").iterdir()
            )
            / 1000
        )

    def memory(self) -> tuple[float, float]:
        """Megabytes in memory, now and at most since `forget_peak`."""
        now = peak = 0.0
        for process in self._processes():
            for line in (process / "status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    now += int(line.split()[1]) / 1024
                elif line.startswith("VmHWM:"):
                    peak += int(line.split()[1]) / 1024
        return now, peak

    def forget_peak(self) -> None:
        """Lets the peak of memory begin again."""
        for process in self._processes():
            (process / "clear_refs").write_text("5")

    def descriptors(self) -> int:
        """Open files and sockets."""
        return sum(len(list((process / "fd").iterdir())) for process in self._processes())

    def _processes(self) -> list[Path]:
        if self.process is None:
            return []
        found, waiting = [], [self.process.pid]
        while waiting:
            number = waiting.pop()
            found.append(Path(f"/proc/{number}"))
            children = Path(f"/proc/{number}/task/{number}/children")
            waiting += [int(child) for child in children.read_text().split()]
        return found

    def _filled(self, text: str, folder: Path) -> str:
        for name, value in {"port": str(self.port), "folder": str(folder)}.items():
            text = text.replace("{" + name + "}", value)
        return text


def backend(tool: Path) -> Subject:
    """The scripted backend, started; it says its port itself."""
    subject = Subject(DIRECT)
    subject.process = subprocess.Popen(
        [str(tool), "backend"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert subject.process.stdout is not None
    subject.port = int(subject.process.stdout.readline())
    return subject


def ours(backend_url: str, arguments: tuple[str, ...] = (), name: str = OURS) -> Subject:
    """This service, from this checkout; without settings but for one, to let 1,000 streams in."""
    return Subject(
        name,
        [sys.executable, "-m", "ollama_facade", "serve", "--port", "{port}", *arguments],
        {
            "OPENAI_BASE_URL": f"{backend_url}/v1",
            "OLLAMA_MAX_QUEUE": "2048",
            "PYTHONPATH": str(ROOT),
        },
    )


def bare(backend_url: str) -> Subject:
    """The least that a translator can be."""
    return Subject(BARE, [sys.executable, str(HERE / "bare.py"), backend_url, "{port}"])


def peer(path: Path, backend_url: str) -> Subject:
    """The peer that a file describes. Raises Missing when what it needs is not there."""
    reported: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    needed = reported["needs"]
    if not os.environ.get(needed):
        raise Missing(
            f"{reported['name']} is left out: {needed} is not set ({path.name} says to what)"
        )
    each = reported.get("each_model", {}).get("text", "")
    values = {
        needed: os.environ[needed],
        "backend": backend_url,
        "models": "".join(each.replace("{model}", model) for model in MODELS),
    }

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text

    return Subject(
        reported["name"],
        [filled(part) for part in reported["command"]],
        {name: filled(text) for name, text in reported.get("environment", {}).items()},
        {name: filled(text) for name, text in reported.get("files", {}).items()},
        reported.get("share", 1.0),
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = b'{"model":"answer","stream":false,"messages":[{"role":"user","content":"Hello"}]}'
    try:
        connection.request("POST", "/api/chat", body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
