"""Streams through a balancer while a replica is lost: the others finish, new requests are served.

    python deploy/compose/lose_replica.py URL MODEL COMMAND…

Opens eight streams at URL, runs COMMAND once all have begun (`docker kill …-facade-1`, or
`docker stop …` for a replica that drains), then asks ten times more. Prints what became of them and
ends with 1 when every stream was lost, a lost one looks complete, or a new request failed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

STREAMS = 8
REQUESTS = 10


def body(model: str, tokens: int, *, stream: bool) -> bytes:
    """A chat request for a long answer or a short one."""
    question = {"role": "user", "content": "Count from 1 to 500, with commas."}
    options = {"num_predict": tokens, "temperature": 0}
    return json.dumps(
        {"model": model, "messages": [question], "options": options, "stream": stream}
    ).encode()


def stream(url: str, model: str, begun: threading.Barrier) -> str:
    """`whole`, `cut` (the client sees that it is not whole) or `wrong`."""
    received = b""
    try:
        with urllib.request.urlopen(  # noqa: S310
            f"{url}/api/chat", body(model, 400, stream=True), timeout=120
        ) as answer:
            # Not by lines: Python's reader of lines takes a broken connection for an end.
            while piece := answer.read1():
                if not received:
                    begun.wait(60)
                received += piece
    except (OSError, HTTPException):
        return "wrong" if b'"done":true' in received else "cut"
    if b'"done":true' in received:
        return "whole"
    return "cut" if b'{"error":' in received else "wrong"


def served(url: str, model: str) -> bool:
    """Whether one more request is answered."""
    try:
        with urllib.request.urlopen(  # noqa: S310
            f"{url}/api/chat", body(model, 4, stream=False), timeout=120
        ) as answer:
            return bool(json.load(answer)["done"])
    except (OSError, HTTPException, ValueError, KeyError):
        return False


def main(url: str, model: str, *command: str) -> int:
    """The exit status."""
    begun = threading.Barrier(STREAMS + 1)
    with ThreadPoolExecutor(STREAMS) as pool:
        streams = [pool.submit(stream, url, model, begun) for _ in range(STREAMS)]
        begun.wait(60)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        answered = [served(url, model) for _ in range(REQUESTS)]
        ends = [one.result() for one in streams]
    told = ", ".join(f"{ends.count(kind)} {kind}" for kind in ("whole", "cut", "wrong"))
    print(f"streams: {told}; new requests served: {sum(answered)} of {REQUESTS}")  # noqa: T201
    return 0 if all(answered) and "whole" in ends and "wrong" not in ends else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
