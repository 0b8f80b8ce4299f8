"""Asks backends for every feature, keeps what was found, and rewrites the table.

python -m ollama_contract.matrix              all that can start here
python -m ollama_contract.matrix vllm openai  only these

What cannot start here keeps its old row, is named at the end, and makes the exit status 1.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping

from ollama_contract.matrix import document
from ollama_contract.matrix.listing import Backend, Found, Results, backends, keep
from ollama_contract.matrix.probes import PROBES, Asker
from ollama_contract.matrix.starting import started
from ollama_facade.errors import SettingsError
from tests import raw

CANNOT_START = (SettingsError, RuntimeError, TimeoutError, OSError, subprocess.SubprocessError)


def examined(backend: Backend) -> Results:
    """What is found out about one backend. Raises what `started` raises."""
    found: dict[str, Found] = {}
    with started(backend) as running:
        models = raw.ask(running.url, "GET", "/api/tags", timeout=60).json()["models"]
        asker = Asker(running.url, backend.model or models[0]["name"])
        for feature, probe in PROBES.items():
            try:
                one = probe(asker)
            except (OSError, raw.NoAnswerError, ValueError) as error:
                one = Found("wrong", f"{type(error).__name__}: {error}"[:120])
            found[feature] = backend.judged(feature, one)
            sys.stdout.write(f"{backend.name:13} {feature:15} {one.outcome:8} {one.reported}\n")
            sys.stdout.flush()
    return Results(running.versions, found)


def main() -> int:
    """The exit status: 1 where something is not as backends.yaml expects it."""
    # What was started ends with us, however we are told to.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    listed = [backend for backend in backends() if backend.start != "absent"]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", choices=[[], *(one.name for one in listed)])
    wanted = parser.parse_args().name
    new: dict[str, Results] = {}
    missing: dict[str, str] = {}
    problems: list[str] = []
    for backend in listed:
        if wanted and backend.name not in wanted:
            continue
        try:
            new[backend.name] = examined(backend)
        except CANNOT_START as error:
            missing[backend.name] = str(error)
            sys.stdout.write(f"{backend.name:13} not started: {error}\n")
            continue
        problems += unexpected(backend, new[backend.name])
    keep(new)
    document.FILE.write_text(document.merged(document.FILE.read_text("utf-8")), "utf-8")
    sys.stdout.write("\n".join(["", *problems, *summary(new, missing), ""]))
    return 1 if problems or missing else 0


def summary(requested: Iterable[str], missing: Mapping[str, str]) -> list[str]:
    """What ran and what did not, in lines for a person."""
    absent = [backend.name for backend in backends() if backend.start == "absent"]
    lines = [f"asked: {', '.join(requested) or 'none'}"]
    lines += [f"not started, its old row stays: {name}: {why}" for name, why in missing.items()]
    return [*lines, f"no such server can be had here: {', '.join(absent)}"]


def unexpected(backend: Backend, retained: Results) -> list[str]:
    """Where a backend is other than backends.yaml says."""
    return [
        f"{backend.name}: {feature} should be {backend.expects(feature)!r}, "
        f"is {one.outcome!r} ({one.reported})"
        for feature, one in retained.found.items()
        if one.outcome != backend.expects(feature)
    ]


if __name__ == "__main__":
    sys.exit(main())
