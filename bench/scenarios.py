"""The scenarios: what is asked of each subject, and the figures that come of it."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.subjects import DIRECT, Subject

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a scenario: how it is called, its unit, and how the issue's target reads.

    `target` is a limit of this service's figure: a number against that of the subject named in
    `beside` ("" for none: the figure itself is limited). `more`: more is better.
    """

    key: str
    label: str
    unit: str
    more: bool = False
    targets: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """`run` asks one subject once and gives its figures."""

    name: str
    title: str
    run: Callable[[Lab, Subject], Figures]
    figures: tuple[Figure, ...]
    direct: bool = True
    """Whether the backend itself can be asked, too."""
    workers: bool = False
    """Whether this service with two workers is asked, too: where more than one core is of use."""


@dataclass
class Lab:
    """The tools of a run: the compiled program, a folder for bodies, and how much is asked."""

    tool: Path
    folder: Path
    backend: Subject
    scale: float = 1.0

    def load(
        self,
        subject: Subject,
        body: Mapping[str, Any],
        *,
        requests: int,
        connections: int = 1,
        embed: bool = False,
        options: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Asks, and gives what `bench load` saw with the subject's CPU (`cpu_us`) beside it."""
        direct = subject.name == DIRECT
        path = ("/v1/embeddings" if direct else "/api/embed") if embed else ""
        path = path or ("/v1/chat/completions" if direct else "/api/chat")
        mark = "" if embed else "true"
        if direct and not embed:
            body, mark = _openai(body), "[DONE]" if body["stream"] else "finish_reason"
        file = self.folder / "body.json"
        file.write_text(json.dumps(body, separators=(",", ":")), encoding="utf-8")
        requested = max(round(requests * self.scale * subject.share), connections)
        before = subject.cpu()
        done = subprocess.run(
            [
                str(self.tool), "load", "-address", subject.address, "-path", path,
                "-body", str(file), "-mark", mark, "-requests", str(requested),
                "-connections", str(connections), *options,
            ],
            check=True, capture_output=True,
        )  # fmt: skip
        seen: dict[str, Any] = json.loads(done.stdout)
        seen["cpu_us"] = subject.cpu() - before
        if seen["errors"]:
            seen["error"] = f"{subject.name}: {seen['error'][:300]}"
        return seen


def _openai(body: Mapping[str, Any]) -> dict[str, Any]:
    turns = []
    for turn in body["messages"]:
        parts: list[dict[str, Any]] = [{"type": "text", "text": turn["content"]}]
        parts += [
            {"type": "image_url", "image_url": {"url": image}} for image in turn.get("images", ())
        ]
        turns.append({**turn, "content": parts} if len(parts) > 1 else turn)
    return {**body, "messages": turns}


def _chat(model: str, text: str = "Why is the sky blue?", *, stream: bool = False) -> Any:
    return {"model": model, "messages": [{"role": "user", "content": text}], "stream": stream}


def _errors(seen: Mapping[str, Any]) -> Figures:
    if seen["errors"]:
        print(f"  {seen['errors']} errors of {seen['requests']}; {seen['error']}")
    return {"errors": seen["errors"]}


def _timed(seen: Mapping[str, Any], what: str = "latency_us") -> Figures:
    return {
        "p50": seen[what]["p50"] / 1000,
        "p95": seen[what]["p95"] / 1000,
        "cpu": seen["cpu_us"] / max(seen["requests"], 1),
        **_errors(seen),
    }


def _sequential(lab: Lab, subject: Subject) -> Figures:
    return _timed(lab.load(subject, _chat("answer"), requests=400))


def _first(lab: Lab, subject: Subject) -> Figures:
    return _timed(lab.load(subject, _chat("answer", stream=True), requests=300), "first_us")


def _concurrent(lab: Lab, subject: Subject) -> Figures:
    seen = lab.load(subject, _chat("answer"), requests=4000, connections=32)
    return {
        "rate": seen["requests"] / seen["seconds"],
        "cpu": seen["cpu_us"] / seen["requests"],
        **_errors(seen),
    }


def _flood(lab: Lab, subject: Subject) -> Figures:
    seen = lab.load(subject, _chat("flood", stream=True), requests=64, connections=16)
    frames = seen["requests"] * 400
    return {"rate": frames / seen["seconds"], "cpu": seen["cpu_us"] / frames, **_errors(seen)}


def _paced(streams: int) -> Callable[[Lab, Subject], Figures]:
    def run(lab: Lab, subject: Subject) -> Figures:
        count = max(round(streams * lab.scale), 1)
        subject.forget_peak()
        seen = lab.load(
            subject,
            _chat("paced", stream=True),
            requests=streams,
            connections=count,
            options=("-ramp", "2s", "-pace", "200ms"),
        )
        return {
            "p95": seen["first_us"]["p95"] / 1000,
            "jitter": seen["jitter_us"]["p95"] / 1000,
            "peak": subject.memory()[1],
            "cpu": seen["cpu_us"] / max(seen["requests"] * 20, 1),
            **_errors(seen),
        }

    return run


def _prompt(lab: Lab, subject: Subject) -> Figures:
    return _timed(lab.load(subject, _chat("answer", "All work. " * 10_240), requests=150))


def _image(lab: Lab, subject: Subject) -> Figures:
    body = _chat("answer")
    picture = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * (5 * 4096)
    body["messages"][0]["images"] = [base64.b64encode(picture).decode()]
    return _timed(lab.load(subject, body, requests=20))


def _embed(lab: Lab, subject: Subject) -> Figures:
    body = {"model": "vectors", "input": [f"This is text {number}" for number in range(256)]}
    return _timed(lab.load(subject, body, requests=10, embed=True))


def _growth(lab: Lab, subject: Subject) -> Figures:
    def cost(model: str, frames: int, requests: int) -> float:
        seen = lab.load(subject, _chat(model, stream=True), requests=requests)
        return float(seen["cpu_us"]) / (seen["requests"] * frames)

    short, long = cost("flood", 400, 25), cost("long", 20_000, 1)
    return {"short": short, "long": long, "growth": long / max(short, 1e-9)}


def _history(lab: Lab, subject: Subject) -> Figures:
    def cost(turns: int) -> float:
        body = _chat("answer")
        body["messages"] = [
            {"role": ("user", "assistant")[at % 2], "content": f"Turn {at} of this conversation."}
            for at in range(turns)
        ]
        seen = lab.load(subject, body, requests=60)
        return float(seen["cpu_us"]) / seen["requests"]

    few, some, many = cost(1), cost(100), cost(1000)
    return {"one": few, "hundred": some, "thousand": many, "growth": many / some}


def _hang_up(lab: Lab, subject: Subject) -> Figures:
    reported = ("-leave", lab.backend.address)
    seen = lab.load(subject, _chat("endless", stream=True), requests=40, options=reported)
    closed = seen["closed_us"]
    return {"p50": closed["p50"] / 1000, "p95": closed["p95"] / 1000, **_errors(seen)}


def _leak(lab: Lab, subject: Subject) -> Figures:
    warm = {"connections": 32, "requests": 3000}
    lab.load(subject, _chat("answer"), **warm)
    lab.load(subject, _chat("answer", stream=True), **warm)
    memory, descriptors = subject.memory()[0], subject.descriptors()
    lab.load(subject, _chat("answer"), connections=32, requests=5000)
    seen = lab.load(subject, _chat("answer", stream=True), connections=32, requests=5000)
    return {
        "descriptors": subject.descriptors() - descriptors,
        "memory": subject.memory()[0] - memory,
        **_errors(seen),
    }


def _start(lab: Lab, subject: Subject) -> Figures:
    if subject.name == DIRECT:
        return {}
    again = Subject(subject.name, subject.command, subject.environment, subject.files)
    try:
        return {"seconds": again.start(lab.folder / "again")}
    finally:
        again.stop()


K0IN = "K0IN (Go)"
PYTHON = "ollama-openai-proxy 0.7.0"
_CPU = Figure("cpu", "CPU a request", "µs")
_ERRORS = Figure("errors", "errors", "", targets=(("", 0),))

SCENARIOS = (
    Scenario(
        "sequential", "one chat after another, not streamed", _sequential,
        (
            Figure("added", "added latency p50", "ms", targets=(("bare", 1.4), (K0IN, 2.5))),
            Figure("p50", "latency p50", "ms"),
            Figure("p95", "latency p95", "ms", targets=(("p50", 2.0),)),
            _CPU, _ERRORS,
        ),
    ),
    Scenario(
        "first", "one streamed chat after another: time to first frame", _first,
        (
            Figure("added", "added time p50", "ms", targets=(("bare", 1.4), (K0IN, 2.5))),
            Figure("p50", "first frame p50", "ms"),
            Figure("p95", "first frame p95", "ms", targets=(("p50", 2.0),)),
            _CPU, _ERRORS,
        ),
    ),
    Scenario(
        "concurrent", "32 chats at a time, not streamed", _concurrent,
        (
            Figure("rate", "requests/s", "", more=True,
                   targets=(("bare", 0.7), (K0IN, 1.0), (PYTHON, 10.0))),
            _CPU, _ERRORS,
        ),
        workers=True,
    ),
    Scenario(
        "flood", "16 streams of 400 chunks at once", _flood,
        (
            Figure("rate", "frames/s", "", more=True, targets=(("bare", 0.8),)),
            Figure("cpu", "CPU a frame", "µs", targets=(("bare", 1.25),)),
            _ERRORS,
        ),
        workers=True,
    ),
    *(
        Scenario(
            f"paced-{count}", f"{count:,} streams, a chunk each 200 ms", _paced(count),
            (
                Figure("p95", "first frame p95", "ms",
                       targets=(("bare", 2.0),) if count == 1000 else ()),
                Figure("jitter", "jitter p95", "ms"),
                Figure("peak", "peak memory", "MB",
                       targets=(("", 250.0),) if count == 1000 else ()),
                Figure("cpu", "CPU a frame", "µs"),
                _ERRORS,
            ),
        )
        for count in (200, 1000)
    ),
    *(
        Scenario(
            name, title, run,
            (
                Figure("p50", "latency p50", "ms", targets=(("bare", 1.3), (K0IN, 1.0))),
                Figure("p95", "latency p95", "ms"), _CPU, _ERRORS,
            ),
        )
        for name, title, run in (
            ("prompt", "a prompt of 100 KB", _prompt),
            ("image", "an image of 5 MB", _image),
            ("embed", "256 texts embedded in 1,024 dimensions", _embed),
        )
    ),
    Scenario(
        "growth", "a frame of a long answer beside one of a short", _growth,
        (
            Figure("short", "CPU a frame of 400", "µs"),
            Figure("long", "CPU a frame of 20,000", "µs"),
            Figure("growth", "long : short", "", targets=(("", 1.15),)),
        ),
    ),
    Scenario(
        "history", "a history that grows", _history,
        (
            Figure("one", "CPU with 1 message", "µs"),
            Figure("hundred", "CPU with 100", "µs"),
            Figure("thousand", "CPU with 1,000", "µs"),
            Figure("growth", "1,000 : 100", "", targets=(("", 10.0),)),
        ),
    ),
    Scenario(
        "hang-up", "the client leaves: when the backend sees it", _hang_up,
        (
            Figure("p50", "after, p50", "ms"),
            Figure("p95", "after, p95", "ms", targets=(("", 300.0),)), _ERRORS,
        ),
    ),
    Scenario(
        "leak", "after 10,000 requests more", _leak,
        (
            Figure("descriptors", "descriptors more", "", targets=(("", 0.0),)),
            Figure("memory", "memory more", "MB", targets=(("", 2.0),)), _ERRORS,
        ),
        direct=False,
    ),
    Scenario(
        "start", "from nothing to the first answer", _start,
        (Figure("seconds", "start", "s", targets=(("", 1.2),)),),
        direct=False,
    ),
)  # fmt: skip
