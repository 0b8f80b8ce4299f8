"""What `/metrics` counts, in Prometheus' terms.

No label takes a word from outside: routes are templates of the contract, methods and kinds are
lists, statuses are numbers of three digits; anything else is `other`. With more than one process
the counts lie in files of the folder that PROMETHEUS_MULTIPROC_DIR names, which the library reads
when it is imported, and each process shows the sum of all.
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from ollama_facade.server.request_record import RequestMetrics

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


def forget(process: int, folder: str) -> None:
    """Takes a process that has ended out of the requests in flight; its counts stay."""
    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]


class Metrics:
    """The counts of one service; `shared` says that other processes add to them."""

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
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

    def begin(self) -> None:
        """Counts a request that has arrived."""
        self._in_flight.inc()

    def end(self, request: RequestMetrics) -> None:
        """Counts a request that has ended."""
        self._in_flight.dec()
        route = request.route or OTHER
        method = request.method if request.method in METHODS else OTHER
        status = request.status if 100 <= request.status <= 599 else 0
        self._count(route, method, str(status)).inc()
        self._durations(route).observe(request.seconds)
        if request.first is not None:
            self._firsts(route).observe(request.first)
        if request.frames:
            self._frames_of(route).inc(request.frames)
        if request.prompt_tokens:
            self._prompt_tokens.inc(request.prompt_tokens)
        if request.answer_tokens:
            self._answer_tokens.inc(request.answer_tokens)
        if request.failure:
            self._failures.labels(request.failure if request.failure in KINDS else OTHER).inc()
        if request.left:
            self._left.labels(route).inc()

    def exposition(self) -> bytes:
        """Returns everything in Prometheus' text form."""
        if not self._shared:
            return generate_latest(self._registry)
        sums = CollectorRegistry()
        MultiProcessCollector(sums)  # type: ignore[no-untyped-call]
        return generate_latest(sums)
