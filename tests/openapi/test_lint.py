"""Redocly's linter has nothing to say against the contract."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ollama_facade import contract

HERE = contract.file().parent
CACHE = HERE.parent / ".cache" / "redocly"

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs Node and npm"
)


@pytest.fixture(scope="module")
def linter() -> Path:
    """The program, in the version that openapi/package.json names."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted, mark = (HERE / "package.json").read_text("utf-8"), CACHE / "installed"
    if not mark.exists() or mark.read_text("utf-8") != wanted:
        (CACHE / "package.json").write_text(wanted, "utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run(command, cwd=CACHE, check=True, capture_output=True, timeout=300)
        mark.write_text(wanted, "utf-8")
    return CACHE / "node_modules" / ".bin" / "redocly"


def lint(linter: Path, document: Path) -> subprocess.CompletedProcess[str]:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return subprocess.run(
        [str(linter), "lint", "--config", str(HERE / "redocly.yaml"), str(document)],
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_contract_is_clean(linter: Path) -> None:
    done = lint(linter, contract.file())
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_contract_with_a_flaw_is_not(linter: Path, tmp_path: Path) -> None:
    flawed = tmp_path / "ollama.yaml"
    text = contract.file().read_text("utf-8")
    flawed.write_text(text.replace("operationId: chat\n", "operationId: generate\n"), "utf-8")
    done = lint(linter, flawed)
    assert done.returncode == 1
    assert "operation-operationId-unique" in done.stdout + done.stderr
