"""This service on the embedded backend, for a test that is given no URL."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

OURS = ("OLLAMA_", "OPENAI_", "FACADE_")
START_SECONDS = 180.0
MODEL = "smollm2"
"""What is served: it also embeds, although it does not say so."""


@contextmanager
def running() -> Iterator[str]:
    """The URL of `ollama-facade serve --local` on a free port, with a folder of models of its own.

    Raises LookupError, with what it wrote, when it does not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        retained = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
        process = subprocess.Popen(
            [sys.executable, "-m", "ollama_facade", "serve", "--local", "--port", "0"],
            env={
                **retained,
                "OLLAMA_MODELS": folder,
                "PYTHONUNBUFFERED": "1",
                "PYTHONPATH": os.pathsep.join((str(Path(__file__).parent.parent), *sys.path)),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield _address(process)
        finally:
            _end(process)


def _drain(written: IO[str]) -> None:
    with written:
        for _line in written:
            continue


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _address(process: subprocess.Popen[str]) -> str:
    """Where it says that it listens; what it writes later is read and forgotten."""
    assert process.stdout is not None
    out_of_time = threading.Timer(START_SECONDS, process.kill)
    out_of_time.start()
    written = []
    for line in process.stdout:
        written.append(line)
        if found := re.search(r" listens on (http://\S+)", line):
            out_of_time.cancel()
            threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
            return found[1]
    out_of_time.cancel()
    process.stdout.close()
    raise LookupError(f"the service did not start:\n{''.join(written)[-3000:]}")
