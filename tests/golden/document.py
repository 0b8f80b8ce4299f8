"""Writes the part of docs/compatibility.md that the test data decides.

python -m tests.golden.document
"""

from __future__ import annotations

import collections
from pathlib import Path

from tests.golden.recordings import cases, comparable, decisions, due, exclusions, fits

FILE = Path(__file__).parent.parent.parent / "docs" / "compatibility.md"
BEGIN = "<!-- from the recordings: written by `python -m tests.golden.document` -->"
END = "<!-- end of what the recordings say -->"


def written() -> str:
    """The generated part, markers included."""
    compared = [case.name for case in comparable()]
    everything = [name for name, case in cases().items() if due(case)]
    lines = [BEGIN, "", "## Measured against the real server", ""]
    lines += [
        f"{len(everything)} recorded exchanges of the native API with Ollama 0.33 belong to",
        f"the tests. {len(compared)} of them are sent to this service, byte for byte, and its",
        "answer has to be the recorded one in status, headers and body; only times, ids and the",
        "like are masked. Streams may be cut into other frames that add up to the same answer.",
        "",
        "| area | recorded | compared | otherwise on purpose |",
        "|---|--:|--:|--:|",
    ]
    recorded = collections.Counter(name.partition("/")[0] for name in everything)
    decided = [name for name in compared if any(one.fits(name) for one in decisions())]
    for area, count in sorted(recorded.items()):
        numbers = [
            sum(name.startswith(f"{area}/") for name in some) for some in (compared, decided)
        ]
        lines.append(f"| {area} | {count} | {numbers[0]} | {numbers[1]} |")
    lines += ["", "### Answered otherwise on purpose", ""]
    lines += ["| recordings | this service | why |", "|---|---|---|"]
    for one in decisions():
        number = sum(one.fits(name) for name in compared)
        what = f"status {one.status}" if one.status else "another text"
        lines.append(f"| {names(one.patterns)} ({number}) | {what} | {one.reason} |")
    lines += ["", "### Not compared", "", "| recordings | why |", "|---|---|"]
    for patterns, reason in exclusions():
        number = sum(fits(name, patterns) for name in everything)
        if number:
            lines.append(f"| {names(patterns)} ({number}) | {reason} |")
    return "\n".join([*lines, "", END])


def names(patterns: tuple[str, ...]) -> str:
    shown = [f"`{pattern}`" for pattern in patterns if not pattern.startswith("!")]
    return ", ".join(shown)


def merged(text: str) -> str:
    """The document with this part of it replaced."""
    return replaced(text, BEGIN, END, written())


def replaced(text: str, begin: str, end: str, part: str) -> str:
    """The document with what stands between two markers replaced, or `part` added at its end."""
    before, found, rest = text.partition(begin)
    if found:
        return before + part + rest.partition(end)[2]
    return f"{text.rstrip() or '# Compatibility'}\n\n{part}\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(merged(FILE.read_text("utf-8") if FILE.exists() else ""), "utf-8")
