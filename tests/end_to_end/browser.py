"""A headless Chromium, driven over its pipe by the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
"""The browser of this machine, empty when there is none."""

FLAGS = (
    "--headless",
    "--no-sandbox",  # it refuses to run as root otherwise, and sees only our own page
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)


class Browser:
    """One page of one browser; a context manager that ends it. `folder` is for its profile.

    `events` are all that the page reported: requests, lines of its console, exceptions.
    """

    def __init__(self, folder: Path, wait_seconds: float = 60.0) -> None:
        self.events: list[dict[str, Any]] = []
        self._folder, self._wait_seconds = folder, wait_seconds
        self._number, self._session, self._buffer = 0, "", b""

    def __enter__(self) -> Self:
        read, self._commands = os.pipe()
        self._answers, write = os.pipe()
        # Chromium reads descriptor 3 and writes descriptor 4.
        line = f'exec "$0" "$@" 3<&{read} 4>&{write}'
        self._process = subprocess.Popen(
            ["bash", "-c", line, PROGRAM, f"--user-data-dir={self._folder}", *FLAGS, "about:blank"],
            pass_fds=(read, write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read)
        os.close(write)
        try:
            page = self.do("Target.createTarget", url="about:blank")["targetId"]
            attached = self.do("Target.attachToTarget", targetId=page, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Network", "Log", "Runtime"):
                self.do(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._commands)  # which ends it
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        os.close(self._answers)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends one command and gives its result; raises RuntimeError where it is an error."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def run(self, program: str) -> Any:
        """The value of a JavaScript expression in the page, or of the promise that it is."""
        requested = {"expression": program, "awaitPromise": True, "returnByValue": True}
        result = self.do("Runtime.evaluate", **requested)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"].get("description"))
        return result["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Comes back as soon as the expression counts as true."""
        look = f"({expression}) ? resolve() : setTimeout(look, 20)"
        self.run(f"new Promise((resolve) => {{ const look = () => {{ {look} }}; look() }})")

    def open(self, url: str) -> None:
        """Goes to a page."""
        self.do("Page.navigate", url=url)

    def requests(self) -> list[str]:
        """The address of every request of the page; what lies in the page itself is none."""
        sent = [one for one in self.events if one["method"] == "Network.requestWillBeSent"]
        addresses = [one["params"]["request"]["url"] for one in sent]
        return [address for address in addresses if not address.startswith("data:")]

    def complaints(self) -> list[str]:
        """Every line of the console and every exception."""
        found = []
        for event in self.events:
            parameters = event["params"]
            if event["method"] == "Log.entryAdded":
                found.append(parameters["entry"]["text"])
            elif event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(parameters["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                found.append(json.dumps(parameters["args"]))
        return found

    def picture(self) -> bytes:
        """What the page looks like, as PNG."""
        return base64.b64decode(self.do("Page.captureScreenshot")["data"])

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + self._wait_seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has ended")
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))
