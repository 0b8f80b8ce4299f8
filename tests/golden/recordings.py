"""The recordings, and what is known of them beside their bytes."""

from __future__ import annotations

import base64
import fnmatch
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
CONTRACT = HERE.parent.parent / "openapi" / "ollama.yaml"


@dataclass(frozen=True)
class Case:
    """One exchange with the real server.

    `request` and `response` as tests/golden/README.md tells; `script` is what the runner said,
    `requested` the generating routes of the runner that were called, `asked_bodies` what
    `/v1/chat/completions` got where that is kept.
    """

    name: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    script: tuple[Mapping[str, Any], ...] = ()
    note: str = ""
    requested: tuple[str, ...] = ()
    asked_bodies: tuple[Mapping[str, Any], ...] = ()

    @property
    def area(self) -> str:
        return self.name.partition("/")[0]

    @property
    def path(self) -> str:
        """The path without its query."""
        return str(self.request["path"]).partition("?")[0]

    @property
    def rendered(self) -> bool:
        """Ollama rendered a Go template (and parsed the raw text that came back)."""
        return "/completion" in self.requested

    @property
    def parsed(self) -> bool:
        """The model has one of Ollama's built-in parsers."""
        body = self.request.get("body")
        return isinstance(body, dict) and body.get("model") in ("qwen3", "harmony")

    @property
    def stem(self) -> str:
        """The name that a case shares with its streamed siblings."""
        return re.sub(r"-stream(-usage)?$", "", self.name)

    @property
    def settings(self) -> str:
        """The kind of settings that the server ran with: a key of `preparation.PROFILES`."""
        if self.name in EMPTY or self.name.startswith("manage/pull-broken"):
            return "empty"
        if "OLLAMA_ORIGINS=*" in self.note or "listens on 0.0.0.0" in self.note:
            return "open"
        if "OLLAMA_NO_CLOUD" in self.note or "OLLAMA_ORIGINS=chrome" in self.note:
            return "restricted"
        if "queue is full" in self.note:
            return "busy"
        return "main"

    def data(self) -> bytes | None:
        """The body as it was sent: JSON values with a space after `:` and `,`."""
        if "body" in self.request:
            return json.dumps(self.request["body"]).encode()
        if "body_text" in self.request:
            return str(self.request["body_text"]).encode()
        if "body_base64" in self.request:
            return base64.b64decode(self.request["body_base64"])
        return None

    def text(self) -> str:
        """The body of the recorded answer."""
        if "lines" in self.response:
            lines = self.response["lines"]
            open_end = self.response.get("last_line_has_no_newline") or not lines
            return "\n".join(lines) + ("" if open_end else "\n")
        if "events" in self.response:
            return "".join(event + "\n\n" for event in self.response["events"])
        return str(self.response.get("body", ""))

    def documents(self) -> list[dict[str, Any]]:
        """The JSON objects of the recorded answer, in order."""
        texts = self.response.get("lines")
        if texts is None and "events" in self.response:
            lines = [line for event in self.response["events"] for line in event.split("\n")]
            texts = [line[5:].strip() for line in lines if line.startswith("data:")]
        found = []
        for text in [self.response.get("body", "")] if texts is None else texts:
            try:
                found.append(json.loads(text))
            except ValueError:
                continue
        return [document for document in found if isinstance(document, dict)]


EMPTY = ("models/tags-empty", "models/ps-empty", "openai/models-empty")


@functools.cache
def cases() -> dict[str, Case]:
    """Every recording by its name."""
    found = {}
    for path in sorted((HERE / "data").glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            if line:
                fields = json.loads(line)
                fields["requested"] = fields.pop("asked", None)
                for many in ("script", "requested", "asked_bodies"):
                    fields[many] = tuple(fields.get(many) or ())
                found[fields["name"]] = Case(**fields)
    return found


@dataclass(frozen=True)
class Decision:
    """A group of cases that are answered otherwise on purpose."""

    patterns: tuple[str, ...]
    reason: str
    grade: tuple[str, ...]
    status: int | None = None
    error: str | None = None

    def fits(self, name: str) -> bool:
        return fits(name, self.patterns)


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    """One of the patterns fits; one that begins with `!` takes a name out again."""
    wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
    unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted) and not any(
        fnmatch.fnmatchcase(name, pattern) for pattern in unwanted
    )


@functools.cache
def decisions() -> tuple[Decision, ...]:
    """decisions.yaml."""
    entries = yaml.safe_load((HERE / "decisions.yaml").read_text("utf-8")) or []
    return tuple(
        Decision(
            tuple(entry["cases"]),
            entry["reason"],
            tuple(entry.get("grade", ["shape", "differs"])),
            entry.get("status"),
            entry.get("error"),
        )
        for entry in entries
    )


def decision(name: str) -> Decision | None:
    """The decision about a case, None when it has to be equal."""
    return next((one for one in decisions() if one.fits(name)), None)


@functools.cache
def exclusions() -> tuple[tuple[tuple[str, ...], str], ...]:
    """incomparable.yaml: patterns and the reason."""
    entries = yaml.safe_load((HERE / "incomparable.yaml").read_text("utf-8"))
    return tuple((tuple(entry["cases"]), entry["reason"]) for entry in entries)


def exclusion(name: str) -> str | None:
    """Why a case cannot be compared, None when it can."""
    return next((reason for patterns, reason in exclusions() if fits(name, patterns)), None)


LATER = ("/v1/messages", "/v1/responses")
"""Routes whose recordings wait until the contract has them."""


@functools.cache
def served(path: str) -> bool:
    """The contract has this route."""
    return f"\n  {path}:\n" in CONTRACT.read_text("utf-8")


def due(case: Case) -> bool:
    """The case is about routes that exist."""
    return case.path not in LATER or served(case.path)


def comparable(*, later: bool = False) -> Iterator[Case]:
    """The cases that are run; `later` adds those whose routes do not exist yet."""
    for case in cases().values():
        if exclusion(case.name) is None and (later or due(case)):
            yield case
