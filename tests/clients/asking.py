"""Runs a script beside this module with the client that it needs, against a service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.fetch import HOME

HERE = Path(__file__).resolve().parent
CALLS = [{"name": "get_weather", "args": {"city": "Paris"}}]


def needs(client: str) -> pytest.MarkDecorator:
    """Leaves tests out, and says so, where `make clients` did not fetch a client."""
    there = (HOME / client).exists()
    return pytest.mark.skipif(not there, reason=f"needs {client} from `make clients`")


def reported(client: str, script: str, url: str, model: str) -> dict[str, Any]:
    """What the script printed of its talk with the service at `url`; fails with its complaint."""
    python = str(HOME / client / "bin" / "python")
    command = ["node", str(HERE / script), str(HOME / client)]
    command = command if script.endswith(".cjs") else [python, str(HERE / script)]
    done = subprocess.run(
        [*command, url, model], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))
