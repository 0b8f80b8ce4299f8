"""Every command in README.md is run here, as it is written but for the port."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ollama_facade.embedded.process import find_model
from tests.service import OURS, Service, free_port, wait_until

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
ADDRESS = "127.0.0.1:11434"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line]
SERVING = [line for line in COMMANDS if " serve" in line]
CURLS = [line for line in COMMANDS if line.startswith("curl ")]
CHECKS = [line for line in COMMANDS if " check " in line]
MAKES = ["make run", "make test"]


def environment(port: int) -> dict[str, str]:
    retained = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {
        **retained,
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "MAKEFLAGS": "",
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def started(command: str, port: int, folder: Path) -> Iterator[str]:
    """What a command said until it listened; it is ended afterwards, as by Ctrl-C."""
    log = folder / "log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            ["bash", "-c", f"exec {command}" if command.startswith("make") else command],
            cwd=folder,
            env=environment(port),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            wait_until(
                lambda: "listens on" in log.read_text() or process.poll() is not None,
                60,
                log.read_text,
            )
            yield log.read_text()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            process.wait(30)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service(arguments=["--local"]) as running:
        yield running


def test_every_command_is_one_that_is_tested_here() -> None:
    assert COMMANDS
    assert sorted(COMMANDS) == sorted([*MAKES, *SERVING, *CURLS, *CHECKS])


@pytest.mark.parametrize("command", CURLS)
def test_a_curl_line_streams_an_answer_about_paris(command: str, service: Service) -> None:
    line = command.replace(ADDRESS, f"127.0.0.1:{service.port}")
    answer = subprocess.run(
        ["bash", "-c", f"{line} --silent --show-error --max-time 60"],
        capture_output=True,
        text=True,
        check=True,
    )
    frames = [json.loads(frame) for frame in answer.stdout.splitlines()]
    assert len(frames) > 1
    assert frames[-1]["done"] is True
    assert "Paris" in "".join(frame["message"]["content"] for frame in frames)


@pytest.mark.parametrize("program", blocks("python"))
def test_a_python_program_prints_what_the_model_says(program: str, service: Service) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(service.port),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


@pytest.mark.parametrize("command", CHECKS)
def test_check_finds_service_and_model(command: str, service: Service) -> None:
    words = shlex.split(command.replace(ADDRESS, f"127.0.0.1:{service.port}"))
    words[0] = words[0].replace(".venv/bin", str(BIN))
    answer = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 0, answer.stdout
    assert "smollm2" in answer.stdout


@pytest.mark.parametrize("command", SERVING)
def test_a_serving_command_listens(command: str, tmp_path: Path) -> None:
    (tmp_path / "openai.key").write_text("sk-canary-5d1f0c7e9b")
    (tmp_path / "model.gguf").symlink_to(find_model().path)
    port = free_port()
    with started(command.replace(".venv/bin", str(BIN)), port, tmp_path) as stated:
        assert f"listens on http://127.0.0.1:{port}" in stated


def test_make_run_serves_the_packaged_model_and_says_what_to_try(tmp_path: Path) -> None:
    port = free_port()
    # The environment is this one: it was made, and may not be made again while tests run in it.
    command = f"make -C {ROOT} --old-file=.venv/run.stamp run BIN={BIN}"
    with started(command, port, tmp_path) as stated:
        assert f"listens on http://127.0.0.1:{port}" in stated
        assert "curl " in stated


def test_make_test_runs_the_tests_the_contract_the_linter_and_the_types() -> None:
    """Only asked what it would do: doing it would run this test again."""
    answer = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/test.stamp", "test"],
        cwd=ROOT,
        env=environment(0),
        capture_output=True,
        text=True,
        check=True,
    )
    for word in ("pytest -q ", "ollama-facade contract", "ruff check", "ruff format", "mypy"):
        assert word in answer.stdout


def test_make_alone_lists_the_targets() -> None:
    answer = subprocess.run(["make"], cwd=ROOT, env=environment(0), capture_output=True, check=True)
    for target in ("run", "test", "check", "lint", "format", "types", "generate", "contract"):
        assert f"make {target} ".encode() in answer.stdout


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", README))
def test_what_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link.partition("#")[0]).exists()
