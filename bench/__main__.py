"""`python -m bench`: this service beside a direct call, the least translator and its peers.

All of them run at once and are asked in turn, round by round, so that what the machine does
besides hits each alike; a figure is the median of its rounds. Nothing listens but on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import real, report, subjects
from bench.scenarios import SCENARIOS, Figures, Lab, Scenario
from bench.subjects import DIRECT, HERE, ROOT, WORKERS, Missing, Subject


def main() -> int:
    """Runs the scenarios that are asked for. 0 when every subject answered."""
    options = _options()
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    tool = compiled(folder)
    if tool is None:
        print("bench: Go is needed to compile bench/tool (Debian: golang-go)", file=sys.stderr)
        return 2
    wanted = [one for one in SCENARIOS if not options.scenario or one.name in options.scenario]
    results = report.load(folder) if options.keep else report.fresh()
    with tempfile.TemporaryDirectory() as temporary:
        measure(wanted, options, results, tool, Path(temporary))
        if not options.scenario or options.real:
            _measure_real(results, Path(temporary))
    report.save(folder, results)
    print(report.table(results))
    if options.document:
        report.document(ROOT / "docs" / "performance.md", results)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = [one.name for one in SCENARIOS]
    parser.add_argument("--scenario", action="append", choices=names, help="only this one; again")
    parser.add_argument("--real", action="store_true", help="the embedded llama.cpp, too")
    parser.add_argument("--quick", action="store_true", help="one short round: does it work?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subject", action="append", help="only those whose name holds this")
    parser.add_argument("--output", default=str(ROOT / "build" / "bench"))
    parser.add_argument("--keep", action="store_true", help="add to the results that are there")
    parser.add_argument("--document", action="store_true", help="rewrite docs/performance.md")
    parser.add_argument("--workers", default="1", help="processes of this service")
    return parser.parse_args()


def compiled(folder: Path) -> Path | None:
    """The program of `tool/`, or None where there is no Go."""
    if shutil.which("go") is None:
        return None
    target = (folder / "bench-tool").resolve()
    subprocess.run(["go", "build", "-o", str(target), "."], cwd=HERE / "tool", check=True)
    return target


def measure(
    wanted: list[Scenario],
    options: argparse.Namespace,
    results: dict[str, Any],
    tool: Path,
    folder: Path,
) -> None:
    """Starts everybody, asks everybody in turn, and fills in `results`."""
    backend = subjects.backend(tool)
    there = [backend]
    try:
        others = _others(f"http://{backend.address}", options, results)
        # One by one, so that those that run are ended whatever happens.
        there.extend(one for one in others if _started(one, folder, results))
        lab = Lab(tool, folder, backend, 0.1 if options.quick else 1.0)
        for scenario in wanted:
            print(f"{scenario.name}: {scenario.title}", flush=True)
            found = results["scenarios"][scenario.name] = _rounds(
                scenario, lab, there, 1 if options.quick else options.rounds
            )
            for subject in there[1:]:
                # What broke under one load is not to be judged by it under another.
                if found.get(subject.name, {}).get("errors"):
                    subject.stop()
                    if not _started(subject, folder, results):
                        there.remove(subject)
    finally:
        for subject in there:
            subject.stop()


def _started(subject: Subject, folder: Path, results: dict[str, Any]) -> bool:
    try:
        subject.start(folder / subject.name)
    except RuntimeError as error:
        _leave_out(results, str(error))
        return False
    return True


def _measure_real(results: dict[str, Any], folder: Path) -> None:
    print("real: the embedded llama.cpp, directly and through this service", flush=True)
    try:
        results["real"] = real.measure(folder / "real")
        print(f"  {report.real(results['real'])}", flush=True)
    except Missing as missing:
        _leave_out(results, str(missing))


def _others(url: str, options: argparse.Namespace, results: dict[str, Any]) -> list[Subject]:
    arguments = ("--workers", options.workers) if options.workers != "1" else ()
    found = [
        subjects.ours(url, arguments),
        subjects.bare(url),
        subjects.ours(url, ("--workers", "2"), WORKERS),
    ]
    for path in sorted((HERE / "peers").glob("*.toml")):
        try:
            found.append(subjects.peer(path, url))
        except Missing as missing:
            _leave_out(results, str(missing))
    if options.subject:
        found = [one for one in found if any(part in one.name for part in options.subject)]
    return found


def _leave_out(results: dict[str, Any], text: str) -> None:
    print(f"note: {text}", flush=True)
    if text not in results["notes"]:
        results["notes"].append(text)


def _rounds(scenario: Scenario, lab: Lab, there: list[Subject], rounds: int) -> dict[str, Figures]:
    """The medians of each subject; every round begins with another one."""
    left_out = {*(() if scenario.direct else (DIRECT,)), *(() if scenario.workers else (WORKERS,))}
    requested = [one for one in there if one.name not in left_out]
    seen: dict[str, list[Figures]] = {one.name: [] for one in requested}
    for number in range(rounds):
        start = number % len(requested)
        for subject in requested[start:] + requested[:start]:
            seen[subject.name].append(scenario.run(lab, subject))
    medians = {
        name: {key: statistics.median(one[key] for one in figures) for key in figures[0]}
        for name, figures in seen.items()
    }
    if any(figure.key == "added" for figure in scenario.figures):
        for name, figures in medians.items():
            if name != DIRECT:
                figures["added"] = figures["p50"] - medians[DIRECT]["p50"]
    for name, figures in medians.items():
        reported = ", ".join(f"{key} {value:.4g}" for key, value in figures.items())
        print(f"  {name}: {reported}", flush=True)
    return medians


if __name__ == "__main__":
    sys.exit(main())
