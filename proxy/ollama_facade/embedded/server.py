"""The process of the embedded backend: llama.cpp's OpenAI server on a free port of 127.0.0.1.

Started by `process.py` as `python -m ollama_facade.embedded.server`. It reads one line, a Launch
as JSON, from standard input and ends when that is closed; it writes one line, the URL, to standard
output once the model is loaded.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
BATCH_TOKENS = 2048
MAX_METADATA_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Launch:
    """The parameters of the server: a GGUF file, its name, the key that clients send."""

    model: str
    name: str
    key: str
    parent: int
    threads: int
    context_length: int
    parallel: int
    chat_template: str = ""
    temperature: float | None = None
    top_p: float | None = None
    port: int = 0

    def line(self) -> bytes:
        """Returns one line of JSON for `read`."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Launch:
        """Reads the line of `line`."""
        return cls(**json.loads(line))


def has_pooling(model: str) -> bool:
    """Tests whether the GGUF file sets the pooling of embeddings, as embedding models do.

    The metadata is at the start of the file; a chat model has none and needs mean pooling.
    """
    with Path(model).open("rb") as file:
        return b".pooling_type" in file.read(MAX_METADATA_BYTES)


def end_with_parent(parent: int) -> None:
    """Makes this process end when its parent does, even by SIGKILL.

    Linux sends a signal; elsewhere standard input is closed. A parent that has ended before this
    call is detected at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def serve(launch: Launch) -> None:
    """Loads the model, writes the URL to standard output, and serves until the process is ended."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = launch.model
    parameters.model_alias = {launch.name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = launch.port
    parameters.api_keys = [launch.key]
    parameters.ui = False
    parameters.use_jinja = True
    parameters.embedding = True
    if not has_pooling(launch.model):
        parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    # A text to embed must fit into one physical batch.
    parameters.n_batch = parameters.n_ubatch = BATCH_TOKENS
    parameters.n_ctx = launch.context_length
    parameters.n_parallel = launch.parallel
    # All slots share the context, so that one long conversation may use all of it.
    parameters.kv_unified = True
    parameters.cpuparams.n_threads = launch.threads
    if launch.chat_template:
        parameters.chat_template = launch.chat_template
    if launch.temperature is not None:
        parameters.sampling.temp = launch.temperature
    if launch.top_p is not None:
        parameters.sampling.top_p = launch.top_p
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        sys.exit(str(error))
    os.write(1, server.listening_address.encode() + b"\n")
    threading.Event().wait()


def main() -> None:
    """Reads the Launch from standard input and serves it."""
    launch = Launch.read(sys.stdin.buffer.readline())
    end_with_parent(launch.parent)
    serve(launch)


if __name__ == "__main__":
    main()
