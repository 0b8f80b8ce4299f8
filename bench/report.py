"""What came of a run: JSON, a table of ratios, a plot, and docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.scenarios import SCENARIOS, Figure
from bench.subjects import BARE, OURS, ROOT

BEGIN = "<!-- begin: the last run -->"
END = "<!-- end: the last run -->"


def fresh() -> dict[str, Any]:
    """Results without any scenario yet, with the date and the machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "notes": [],
        "scenarios": {},
    }


def load(folder: Path) -> dict[str, Any]:
    """The results that are there, or fresh ones."""
    file = folder / "results.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else fresh()


def save(folder: Path, results: dict[str, Any]) -> None:
    """Writes results.json, and plot.svg where matplotlib is there."""
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text + "\n", encoding="utf-8")
    (folder / "table.md").write_text(table(results) + "\n", encoding="utf-8")
    plot(folder / "plot.svg", results)


def machine() -> str:
    """Cores, processor, memory, Python, and the commit that was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
        check=False,
    ).stdout.strip()  # fmt: skip
    return (
        f"{len(os.sched_getaffinity(0))} cores ({model}), {pages / 2**30:.0f} GB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
        + (f", commit {commit}" if commit else "")
    )


def real(seen: dict[str, Any]) -> str:
    """A sentence on the embedded llama.cpp, directly and through this service."""
    reported = {
        name: f"{seen[name]['median']:.1f} tokens/s ({seen[name]['least']:.1f} to "
        f"{seen[name]['most']:.1f})"
        for name in ("direct", "through")
    }
    return (
        f"Streams of {seen['tokens']} tokens of {seen['model']} by the embedded llama.cpp: "
        f"{reported['direct']} asked directly, {reported['through']} through this service."
    )


def subject_names(results: dict[str, Any]) -> list[str]:
    """Everybody who was measured, in the order of the run."""
    names: dict[str, None] = {}
    for figures in results["scenarios"].values():
        names |= dict.fromkeys(figures)
    return list(names)


def table(results: dict[str, Any]) -> str:
    """A Markdown table: a row a figure, a column a subject, our ratios and targets."""
    names = subject_names(results)
    lines = [
        "| scenario | figure | " + " | ".join(names) + " | ours : bare | target |",
        "|---|---|" + "---:|" * (len(names) + 1) + "---|",
    ]
    for scenario in SCENARIOS:
        found = results["scenarios"].get(scenario.name)
        if found is None:
            continue
        for figure in scenario.figures:
            if figure.key == "errors" and not any(f.get("errors") for f in found.values()):
                continue
            cells = [_cell(found.get(name, {}), figure) for name in names]
            ratio = _ratio(found, figure.key, OURS, BARE)
            lines.append(
                f"| {scenario.title} | {figure.label} | " + " | ".join(cells)
                + f" | {'' if ratio is None else f'{ratio:.2f}'} | {_targets(found, figure)} |"
            )  # fmt: skip
    return "\n".join(lines)


def _ratio(found: dict[str, Any], key: str, one: str, other: str) -> float | None:
    first, second = found.get(one, {}).get(key), found.get(other, {}).get(key)
    return first / second if first is not None and second else None


def _targets(found: dict[str, Any], figure: Figure) -> str:
    """Each target with what it came to: ✓ met, ✗ not."""
    reported = []
    for beside, limit in figure.targets:
        own = found.get(OURS, {})
        if beside == "p50":
            value = own["p95"] / own["p50"] if own.get("p50") else None
            name = "× p50"
        elif beside:
            value = _ratio(found, figure.key, OURS, beside)
            name = f"× {beside}"
        else:
            value, name = own.get(figure.key), figure.unit
        if value is None:
            continue
        met = value >= limit if figure.more else value <= limit
        sign = "≥" if figure.more else "≤"
        reported.append(
            f"{sign} {limit:g} {name}".rstrip() + f": {value:.2f} {'✓' if met else '✗'}"
        )
    return "; ".join(reported)


def _cell(figures: dict[str, Any], figure: Figure) -> str:
    value = figures.get(figure.key)
    if value == 0 and figures.get("errors") and figure.key != "errors":
        return "failed"
    return _number(value, figure.unit)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    text = f"{value:,.{digits}f}"
    if digits == 2 and value == int(value):
        text = f"{value:.0f}"
    return f"{text} {unit}".strip()


def plot(path: Path, results: dict[str, Any]) -> None:
    """A bar a subject in every scenario, as its ratio to the least translator."""
    try:
        import matplotlib as mpl
    except ImportError:
        return
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot as plt

    shown = [
        (scenario, scenario.figures[0], results["scenarios"][scenario.name])
        for scenario in SCENARIOS
        if results["scenarios"].get(scenario.name, {}).get(BARE, {}).get(scenario.figures[0].key)
    ]
    if not shown:
        return
    names = [name for name in subject_names(results) if name != "direct"]
    height, axes = 0.8 / len(names), plt.subplots(figsize=(9, 1.5 + 0.75 * len(shown)))[1]
    for place, name in enumerate(names):
        ratios = [_ratio(found, figure.key, name, BARE) for _, figure, found in shown]
        where = [at + place * height for at in range(len(shown))]
        # Who was not measured, or failed, has no bar: a short one would look like a good figure.
        bars = axes.barh(where, [one or float("nan") for one in ratios], height, label=name)
        axes.bar_label(bars, [f"{one:.2f}" if one else "" for one in ratios], fontsize=7, padding=2)
    axes.set_yticks(
        [at + 0.4 - height / 2 for at in range(len(shown))],
        [
            f"{scenario.name}: {figure.label}\n({'more' if figure.more else 'less'} is better)"
            for scenario, figure, _ in shown
        ],
        fontsize=8,
    )
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("beside the bare translator (1 = the same)")
    axes.set_title(f"{results['date']} · {results['machine']}", fontsize=7)
    axes.legend(fontsize=8)
    plt.tight_layout()
    plt.savefig(path, metadata={"Date": None})
    plt.close()


def document(path: Path, results: dict[str, Any]) -> None:
    """Puts the run between the two marks of docs/performance.md, and the plot beside it."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    notes = "".join(f"\n- {note}" for note in results["notes"])
    run = (
        f"{results['date']}, {results['machine']}. Medians.\n\n{table(results)}\n"
        + (f"\n{real(results['real'])}\n" if "real" in results else "")
        + (f"\nNotes:\n{notes}\n" if notes else "")
        + "\n![Every scenario beside the bare translator](performance.svg)\n"
    )
    path.write_text(f"{before}{BEGIN}\n{run}{END}{after}", encoding="utf-8")
    plot(path.with_suffix(".svg"), results)
