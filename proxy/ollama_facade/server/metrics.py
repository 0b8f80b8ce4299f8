"""What `/metrics` counts, in Prometheus' terms.

No label takes a word from outside: routes are templates of the contract, methods and kinds are
lists, statuses are numbers of three digits; whatever else comes is `other`. With more than one
process the counts lie in files of the folder that PROMETHEUS_MULTIPROC_DIR names, which the
library reads when it is imported, and any of the processes tells the sum of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OTHER = "other"
METHODS = frozenset(("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"))
KINDS = frozenset(
    (
        "compressed",
        "credentials",
        "error_event",
        "idle",
        "lost",
        "not_found",
        "oversize",
        "redirect",
        "status_1xx",
        "status_2xx",
        "status_3xx",
        "status_4xx",
        "status_5xx",
        "timeout",
        "tool_call",
        "truncated",
        "unreachable",
        "unreadable",
    )
)
"""The words of BackendError.kind."""

_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)


TOGETHER = 64
"""Requests that are counted at once, at half the price of one after another."""


@dataclass(slots=True)
class RequestMetrics:
    """One request as it ended. Times are seconds; `first` is None where nothing was streamed.

    `failure` is the kind of the backend's error, empty for none; `left` says that the client went
    away or stopped reading.
    """

    method: str
    route: str
    status: int
    seconds: float
    first: float | None = None
    frames: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    failure: str = ""
    left: bool = False


def forget(process: int, folder: str) -> None:
    """What a process that has ended had in flight is no longer; what it counted stays."""
    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]


class Metrics:
    """The counts of one service; `shared` says that other processes add to them."""

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._under_way = 0
        self._waiting: list[RequestMetrics] = []
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "facade_requests",
            "Requests that ended, by route, method and status (0: the client left before one)",
            ("route", "method", "status"),
            registry=registry,
        )
        self._duration = Histogram(
            "facade_request_duration_seconds",
            "Time from the arrival of a request to the end of its answer",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._first = Histogram(
            "facade_first_frame_seconds",
            "Time from the arrival of a request to the first frame of its stream",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._frames = Counter(
            "facade_frames", "Lines and events of streams", ("route",), registry=registry
        )
        self._tokens = Counter(
            "facade_tokens", "Tokens as the backend counted them", ("kind",), registry=registry
        )
        self._failures = Counter(
            "facade_backend_errors",
            "Answers that failed because of the backend",
            ("kind",),
            registry=registry,
        )
        self._left = Counter(
            "facade_client_hangups",
            "Requests whose client left or stopped reading",
            ("route",),
            registry=registry,
        )
        self._in_flight = Gauge(
            "facade_requests_in_flight",
            "Requests under way, but for those that ask after the service itself",
            registry=registry,
            multiprocess_mode="livesum",
        )
        # A label costs a lock and a tuple each time it is looked up; there are few.
        self._count = cache(self._requests.labels)
        self._durations = cache(self._duration.labels)
        self._firsts = cache(self._first.labels)
        self._frames_of = cache(self._frames.labels)
        self._prompt_tokens = self._tokens.labels("prompt")
        self._answer_tokens = self._tokens.labels("answer")

    def arrived(self) -> None:
        """A request is under way."""
        self._under_way += 1
        if self._shared:
            self._in_flight.set(self._under_way)

    def ended(self, seen: RequestMetrics) -> None:
        """Counts a request that `arrived` was told of; where nobody else can look, when asked."""
        self._under_way -= 1
        self._waiting.append(seen)
        if self._shared or len(self._waiting) >= TOGETHER:
            self._count_waiting()

    def _count_waiting(self) -> None:
        self._in_flight.set(self._under_way)
        for seen in self._waiting:
            self._add(seen)
        self._waiting.clear()

    def _add(self, seen: RequestMetrics) -> None:
        route = seen.route or OTHER
        method = seen.method if seen.method in METHODS else OTHER
        status = seen.status if 100 <= seen.status <= 599 else 0
        self._count(route, method, str(status)).inc()
        self._durations(route).observe(seen.seconds)
        if seen.first is not None:
            self._firsts(route).observe(seen.first)
        if seen.frames:
            self._frames_of(route).inc(seen.frames)
        if seen.prompt_tokens:
            self._prompt_tokens.inc(seen.prompt_tokens)
        if seen.answer_tokens:
            self._answer_tokens.inc(seen.answer_tokens)
        if seen.failure:
            self._failures.labels(seen.failure if seen.failure in KINDS else OTHER).inc()
        if seen.left:
            self._left.labels(route).inc()

    def exposition(self) -> bytes:
        """Everything in Prometheus' text form."""
        self._count_waiting()
        if not self._shared:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
