"""What backends.yaml lists, and what was found out about it (results.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

FILE = Path(__file__).parent.parent / "backends.yaml"
RESULTS = Path(__file__).with_name("results.json")

Outcome = Literal["works", "no", "unknown", "wrong"]

IGNORED = "the backend ignores it without a word, so that no client is told"


@dataclass(frozen=True)
class Found:
    """What a probe found: `told` is what a client sees where it does not work, or what came."""

    outcome: Outcome
    reported: str = ""


@dataclass(frozen=True)
class Backend:
    """One backend of the table; the fields are explained in backends.yaml."""

    name: str
    title: str
    start: Literal["local", "gateway", "transformers", "scripted", "absent"]
    model: str = ""
    expected: Mapping[str, Outcome] = field(default_factory=dict)
    because: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def expects(self, feature: str) -> Outcome:
        """The outcome that a feature should have."""
        return self.expected.get(feature, "works")

    def judged(self, feature: str, found: Found) -> Found:
        """What is found out of the backend: nothing where the probe could not tell."""
        if found.outcome != "wrong" and feature in self.because:
            return Found("unknown", self.because[feature])
        if found.outcome == "unknown" and feature in self.ignored:
            return Found("no", IGNORED)
        return found

    def cell(self, found: Found | None) -> str:
        """What the table shows."""
        if found is None or found.outcome in ("unknown", "wrong"):
            return "unknown"
        if found.outcome == "no":
            return "no"
        return "scripted" if self.start == "scripted" else "real"


def backends() -> list[Backend]:
    """All that are listed, in order."""
    listed = yaml.safe_load(FILE.read_text("utf-8"))["backends"]
    return [Backend(name, **one) for name, one in listed.items()]


@dataclass(frozen=True)
class Results:
    """What was found out about one backend: `versions` names what ran."""

    versions: str
    found: Mapping[str, Found]


def results() -> dict[str, Results]:
    """What is kept of the last run, by backend."""
    if not RESULTS.exists():
        return {}
    retained: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return {
        name: Results(
            one["versions"], {feature: Found(*pair) for feature, pair in one["found"].items()}
        )
        for name, one in retained.items()
    }


def keep(new: Mapping[str, Results]) -> None:
    """Writes the results of a run; those of backends that it left out stay."""
    order = [backend.name for backend in backends()]
    both = {**results(), **new}
    value = {
        name: {
            "versions": both[name].versions,
            "found": {
                feature: [one.outcome, one.reported] for feature, one in both[name].found.items()
            },
        }
        for name in order
        if name in both
    }
    RESULTS.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
