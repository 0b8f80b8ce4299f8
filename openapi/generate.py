"""Make everything again that is made from openapi/ollama.yaml and from the settings.

    python -m openapi.generate            write it
    python -m openapi.generate --check    say in a diff what is stale, and end with 1 if anything is

What is made: the reference page, the README's table of routes, and the page of settings.
docs/compatibility.md is made from the recordings instead (tests/golden/document.py).
"""

from __future__ import annotations

import difflib
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from openapi import reference

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "openapi" / "ollama.yaml"

BEGIN = "<!-- routes: made from openapi/ollama.yaml by `make generate` -->"
END = "<!-- end of routes -->"


def readme(document: Any, root: Path = ROOT) -> str:
    """README.md with the table of routes between its two marks. Raises ValueError without them."""
    text = (root / "README.md").read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md does not hold the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{reference.routes(document)}\n\n{END}{after}"


def settings(_document: Any) -> str:
    """The text of docs/settings.md."""
    return str(runpy.run_path(str(ROOT / "docs" / "generate_settings.py"))["document"]())


MADE: Mapping[str, Callable[[Any], str]] = {
    "openapi/reference.md": reference.reference,
    "README.md": readme,
    "docs/settings.md": settings,
}
"""Each file that is made, and what makes its text from the document."""


def stale(document: Any, root: Path = ROOT) -> dict[str, str]:
    """The wanted text of every file under `root` that does not have it."""
    wanted = {name: make(document) for name, make in MADE.items()}
    return {name: text for name, text in wanted.items() if _there(root / name) != text}


def difference(name: str, wanted: str, root: Path = ROOT) -> str:
    """A diff from the file that is there to the one that is wanted."""
    lines = difflib.unified_diff(
        _there(root / name).splitlines(keepends=True),
        wanted.splitlines(keepends=True),
        name,
        f"{name}, as `make generate` makes it",
    )
    return "".join(lines)


def main(arguments: list[str]) -> int:
    """Write what is stale, or with ``--check`` only tell. Gives the exit status of the process."""
    found = stale(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    if arguments != ["--check"]:
        for name, text in found.items():
            (ROOT / name).write_text(text, encoding="utf-8")
        return 0
    for name, text in found.items():
        sys.stdout.write(difference(name, text))
    if found:
        sys.stdout.write(f"\nstale: {', '.join(found)}. Run `make generate`.\n")
    return int(bool(found))


def _there(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
