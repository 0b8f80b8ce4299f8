"""The official JavaScript clients, installed once beside the scripts that use them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.service import ROOT

CLIENTS = ("ollama@0.6.4", "openai@7.57.0", "@anthropic-ai/sdk@1.13.0")
CACHE = ROOT / ".cache" / "javascript"

needs_node = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs Node and npm"
)


def beside_the_clients(script: Path) -> Path:
    """The script where it finds them, because a module looks nowhere else."""
    CACHE.mkdir(parents=True, exist_ok=True)
    mark = CACHE / "installed"
    wanted = " ".join(CLIENTS)
    if not mark.exists() or mark.read_text() != wanted:
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-save", *CLIENTS]
        subprocess.run(command, cwd=CACHE, check=True, capture_output=True, timeout=300)
        mark.write_text(wanted)
    return Path(shutil.copy(script, CACHE))


def run(script: Path, url: str, step: str) -> Any:
    """What the client saw in one step of a script against the service at `url`."""
    command = ["node", str(script), url, step]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)
