"""Sends a recorded request to the service over the scripted backend, and grades the answer."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests import raw
from tests.golden import preparation, speech
from tests.golden.grading import Graded, Live, grade
from tests.golden.recordings import Case
from tests.service import Service, wait_until
from tests.upstream import Asked, Upstream

PORT = "11434"
LOCAL = re.compile(r"(localhost|127\.0\.0\.1):11434\b")


class Bed:
    """A scripted backend, and a service for each kind of settings, started when it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.services = folder, dict[str, Service]()
        self.upstream, self.nothing = Upstream(), Upstream(models=[])

    def __enter__(self) -> Self:
        self.upstream.__enter__()
        self.nothing.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for service in self.services.values():
            service.__exit__()
        self.upstream.__exit__()
        self.nothing.__exit__()

    def service(self, profile: str) -> Service:
        """The running service with these settings."""
        if profile not in self.services:
            upstream = self.nothing if profile == "empty" else self.upstream
            made = preparation.service(profile, upstream.base_url, self.folder / profile)
            self.services[profile] = made.__enter__()
        return self.services[profile]

    def replay(self, case: Case) -> Graded:
        """The whole of one case."""
        graded, _ = self.replay_and_listen(case)
        return graded

    def replay_and_listen(self, case: Case) -> tuple[Graded, list[Asked]]:
        """The grade, and what the backend was asked."""
        target = self.service(case.settings)
        before, after = preparation.steps(case)
        self.upstream.turns([{}])
        problems = preparation.perform(target, before)
        end = self._fill(target) if case.settings == "busy" else None
        if end is None:
            self.upstream.turns(speech.turns(case))
        try:
            live = send(target, case)
            graded = grade(case, live)
            graded.live = live
        except (OSError, raw.NoAnswerError, ValueError) as failure:
            graded = Graded("differs", [f"{type(failure).__name__}: {failure}"])
        heard = self.upstream.generations()
        if end is not None:
            end()
        self.upstream.turns([{}])
        preparation.perform(target, after)  # deleting what a refused case did not make may fail
        graded.differences = problems + graded.differences
        return graded, heard

    def _fill(self, target: Service) -> Callable[[], None]:
        """Keeps the queue full until the function that it gives is called."""
        self.upstream.turns([{"delay_ms": 20_000}])
        body = {"model": "native", "messages": [{"role": "user", "content": "slow"}]}
        waiting = [
            threading.Thread(target=target.ask, args=("POST", "/api/chat", body), daemon=True)
            for _ in range(4)
        ]
        for thread in waiting:
            thread.start()
        self.upstream.wait_for_request()
        # One is under way; the others are refused, and whoever comes next is refused as well.
        wait_until(lambda: sum(thread.is_alive() for thread in waiting) == 1, 60)

        def end() -> None:
            self.upstream.turns([{}])
            for thread in waiting:
                thread.join(10)
            time.sleep(0.05)

        return end


def send(target: Service, case: Case) -> Live:
    """The recorded bytes to the service, its answer with the port put back."""
    port = str(target.port)
    headers = {
        name: LOCAL.sub(rf"\g<1>:{port}", value) if name.lower() in ("host", "origin") else value
        for name, value in case.request["headers"].items()
        if value is not None
    }
    method, path = case.request["method"], case.request["path"]
    answer = raw.exchange("127.0.0.1", target.port, method, path, headers, case.data())
    return Live(
        answer.status,
        {name: value.replace(port, PORT) for name, value in joined(answer).items()},
        answer.text,
        answer.cut,
        len(answer.chunks),
    )


def joined(answer: raw.Answer) -> dict[str, str]:
    """Headers by lower-case name; several of a name joined by a comma."""
    names = {name.lower() for name, _ in answer.headers}
    return {name: answer.header(name) or "" for name in names}
