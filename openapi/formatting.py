"""The form that the linter wants, for what is made: it reads Python also in Markdown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def formatted(text: str, name: str) -> str:
    """A text as `ruff format` leaves it in the file `name` of this repository."""
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(ROOT / name), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout
