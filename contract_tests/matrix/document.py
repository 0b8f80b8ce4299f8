"""Writes the table of backends and features in docs/compatibility.md from results.json."""

from __future__ import annotations

from contract_tests.matrix.listing import backends, results
from contract_tests.matrix.probes import PROBES
from tests.golden.document import FILE, replaced

BEGIN = "<!-- from contract_tests/matrix/results.json: written by `make generate` -->"
END = "<!-- end of the table of backends -->"


def written() -> str:
    """The generated part, markers included."""
    kept, notes = results(), list[str]()
    lines = [BEGIN, "", "## Backends", ""]
    lines += [
        "A cell is the outcome of one question, the same for all, that `make matrix` asks through",
        "this service: **real**: it worked on the server itself · **scripted**: on a scripted server",
        "with its habits, each from a named source (`tests/upstream/families.yaml`) · **no**: the",
        "backend cannot, and the note says how a client is told · **unknown**: not found out.",
        "",
        "| | " + " | ".join(backend.title for backend in backends()) + " |",
        "|---|" + "---|" * len(backends()),
    ]
    for feature in PROBES:
        cells = []
        for backend in backends():
            found = kept[backend.name].found.get(feature) if backend.name in kept else None
            cell = backend.cell(found)
            if found is not None and found.told and cell in ("no", "unknown"):
                if found.told not in notes:
                    notes.append(found.told)
                cell += f" ({notes.index(found.told) + 1})"
            cells.append(cell)
        name = f"`/{feature.replace(' ', '/')}`" if feature.startswith("v1") else feature
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""]
    ran = [f"{one.title} ({kept[one.name].versions})" for one in backends() if one.name in kept]
    lines += [f"Asked: {', '.join(ran)}.", "", END]
    return "\n".join(lines)


def merged(text: str) -> str:
    """The document with its table of backends replaced."""
    return replaced(text, BEGIN, END, written())


if __name__ == "__main__":
    FILE.write_text(merged(FILE.read_text("utf-8")), "utf-8")
