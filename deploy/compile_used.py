"""Compile what a running service imports, and nothing else: a third of the size of all there is.

    python deploy/compile_used.py PYTHON

Starts `PYTHON -m ollama_facade serve` with a backend that is not there, asks it once, and stops it.
Python writes the bytecode of what it imported meanwhile. Run while the image is built.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORT = 11434
URL = f"http://127.0.0.1:{PORT}"
NOWHERE = "http://127.0.0.1:9/v1"
QUESTION = {"model": "any", "messages": [{"role": "user", "content": "Hi"}]}


def asked(path: str, body: object = None) -> int:
    """The status of an answer; 0 where nobody answered."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(f"{URL}{path}", data, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def main(python: str) -> None:
    """Raises CalledProcessError or TimeoutError when the service does not do what is expected."""
    environment = {"OPENAI_BASE_URL": NOWHERE, "OLLAMA_HOST": f"127.0.0.1:{PORT}"}
    with subprocess.Popen([python, "-m", "ollama_facade", "serve"], env=environment) as service:  # noqa: S603
        try:
            deadline = time.monotonic() + 60
            while asked("/") != 200:
                if time.monotonic() > deadline or service.poll() is not None:
                    raise TimeoutError("the service did not start")
                time.sleep(0.1)
            if asked("/api/chat", QUESTION) not in (502, 504):
                raise TimeoutError("the service did not ask its backend")
            subprocess.run([python, "-m", "ollama_facade", "check", "--alive", URL], check=True)  # noqa: S603
        finally:
            service.terminate()


if __name__ == "__main__":
    main(sys.argv[1])
