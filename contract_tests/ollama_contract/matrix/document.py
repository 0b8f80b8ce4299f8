"""Writes the table of backends and features in docs/compatibility.md from results.json."""

from __future__ import annotations

from ollama_contract.matrix.listing import Backend, Found, backends, results
from ollama_contract.matrix.probes import PROBES
from tests.golden.document import FILE, replaced

BEGIN = (
    "<!-- from contract_tests/ollama_contract/matrix/results.json: written by `make generate` -->"
)
END = "<!-- end of the table of backends -->"


def written() -> str:
    """The generated part, markers included."""
    retained, notes = results(), list[str]()
    requested = [backend for backend in backends() if backend.name in retained]
    absent = [backend.title for backend in backends() if backend.name not in retained]
    lines = [BEGIN, "", "## Backends", ""]
    lines += [
        "A cell is the outcome of one question, the same for all, that `make matrix` asks through",
        "this service. **real**: it worked on the server itself · **scripted**: on a scripted one",
        "with its habits, each from a named source (`tests/upstream/families.yaml`) · **no**: the",
        "backend cannot, and the note says how a client is told · **unknown**: not found out.",
        "",
        "| | " + " | ".join(backend.title for backend in requested) + " |",
        "|---|" + "---|" * len(requested),
    ]
    for feature in PROBES:
        cells = [
            _cell(backend, retained[backend.name].found.get(feature), notes)
            for backend in requested
        ]
        name = f"`/{feature.replace(' ', '/')}`" if feature.startswith("v1") else feature
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""]
    ran = [f"{one.title}: {retained[one.name].versions}" for one in requested]
    lines += [f"What ran: {'; '.join(ran)}.", ""]
    lines += [f"Nothing of this was asked of {', '.join(absent)}: all unknown.", "", END]
    return "\n".join(lines)


def _cell(backend: Backend, found: Found | None, notes: list[str]) -> str:
    """A cell with the number of its note, which is added to `notes`."""
    cell = backend.cell(found)
    if found is None or not found.reported or cell not in ("no", "unknown"):
        return cell
    if found.reported not in notes:
        notes.append(found.reported)
    return f"{cell} ({notes.index(found.reported) + 1})"


def merged(text: str) -> str:
    """The document with its table of backends replaced."""
    return replaced(text, BEGIN, END, written())


if __name__ == "__main__":
    FILE.write_text(merged(FILE.read_text("utf-8")), "utf-8")
