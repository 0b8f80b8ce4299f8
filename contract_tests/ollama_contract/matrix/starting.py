"""How each backend is started, and the service over it.

What a backend needs beyond this project goes into an environment of its own under .matrix/, which
`make clean` removes; nothing of it is a dependency of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from ollama_contract.matrix.listing import Backend
from ollama_facade.embedded import process as local
from tests import raw
from tests.service import ROOT, Service, free_port, wait_until
from tests.upstream import Upstream
from tests.upstream.family import play_family

FOLDER = ROOT / ".matrix"
# Of LiteLLM, 1.82.7, 1.82.8 and 1.107.0 were malicious and are gone from the registry; this version
# is none of them and is months old. Later versions of FastAPI lack what it imports.
LITELLM = ("litellm[proxy]==1.95.1", "fastapi<0.140")
TRANSFORMERS = ("transformers[serving]==5.24.0", "torch", "gguf")
GATEWAY_KEY = "sk-matrix-gateway"


@dataclass(frozen=True)
class Started:
    """A service over a backend, and what runs."""

    url: str
    versions: str


@contextmanager
def started(backend: Backend) -> Iterator[Started]:
    """The service over the backend while the block runs.

    Raises SettingsError, RuntimeError, TimeoutError, OSError or SubprocessError when it cannot be
    started here.
    """
    with WAYS[backend.start](backend) as (settings, versions), Service(settings) as service:
        yield Started(service.url, versions)


Way = Callable[[Backend], AbstractContextManager[tuple[Mapping[str, str], str]]]


@contextmanager
def _scripted(backend: Backend) -> Iterator[tuple[Mapping[str, str], str]]:
    with Upstream() as upstream:
        yield play_family(upstream, backend.name).settings(upstream), "scripted"


@contextmanager
def _llamacpp(_: Backend) -> Iterator[tuple[Mapping[str, str], str]]:
    from importlib.metadata import version

    with local.running(local.find_model()) as running:
        settings = {"OPENAI_BASE_URL": running.url, "OPENAI_API_KEY": running.key}
        yield settings, f"xllamacpp {version('xllamacpp')}"


@contextmanager
def _gateway(backend: Backend) -> Iterator[tuple[Mapping[str, str], str]]:
    home = _environment("litellm", LITELLM)
    with _llamacpp(backend) as (behind, versions), tempfile.TemporaryDirectory() as folder:
        parameters = {
            "model": f"openai/{local.MODEL_NAME}",
            "api_base": behind["OPENAI_BASE_URL"],
            "api_key": behind["OPENAI_API_KEY"],
        }
        entry = {"model_name": local.MODEL_NAME, "litellm_params": parameters}
        general = {"master_key": GATEWAY_KEY}
        config = Path(folder) / "config.yaml"
        config.write_text(yaml.safe_dump({"model_list": [entry], "general_settings": general}))
        command = [str(home / "bin" / "litellm"), "--config", str(config), "--host", "127.0.0.1"]
        more = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
        with _process(command, folder, "/health/liveliness", more) as url:
            settings = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": GATEWAY_KEY}
            yield settings, f"{_version(home, 'litellm')}, {versions}"


@contextmanager
def _transformers(_: Backend) -> Iterator[tuple[Mapping[str, str], str]]:
    home = _environment("transformers", TRANSFORMERS)
    script = Path(__file__).with_name("serve_gguf.py")
    with tempfile.TemporaryDirectory() as folder:
        weights = local.find_model().path
        # The name under which it is served is that of the folder and the file.
        stored = Path(folder) / local.MODEL_NAME
        stored.mkdir()
        shutil.copy(weights, stored)
        name = f"{local.MODEL_NAME}:{weights.name}"
        command = [str(home / "bin" / "python"), str(script), "serve", name, "--device", "cpu"]
        with _process([*command, "--host", "127.0.0.1"], folder, "/health", {}) as url:
            settings = {"OPENAI_BASE_URL": f"{url}/v1"}
            yield settings, _version(home, "transformers")


@contextmanager
def _process(
    command: Sequence[str], folder: str, path: str, more: Mapping[str, str]
) -> Iterator[str]:
    """A server that answers at `path`; it sees nothing of our environment but where things are."""
    port = free_port()
    retained = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = {**retained, "HOME": folder, "HF_HUB_OFFLINE": "1", **more}
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended: {Path(folder, 'log').read_text()[-500:]}")
            try:
                return raw.ask(url, "GET", path, timeout=5).status == 200
            except (OSError, raw.NoAnswerError):
                return False

        try:
            wait_until(answers, 180, f"{command[0]} did not answer")
            yield url
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _environment(name: str, packages: Sequence[str]) -> Path:
    """A virtual environment with these packages, made once; wheels only, so that nothing is run."""
    home = FOLDER / name
    stamp = home / "installed"
    if not stamp.exists() or stamp.read_text() != "\n".join(packages):
        sys.stderr.write(f"matrix: installing {', '.join(packages)}\n")
        venv.create(home, with_pip=True, clear=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
        options = ["install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([*pip, *options, *packages], check=True, timeout=900)
        stamp.write_text("\n".join(packages))
    return home


def _version(home: Path, package: str) -> str:
    script = f"import importlib.metadata as m; print(m.version({package!r}))"
    command = [str(home / "bin" / "python"), "-c", script]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return f"{package} {printed.strip()}"


WAYS: Mapping[str, Way] = {
    "local": _llamacpp,
    "gateway": _gateway,
    "transformers": _transformers,
    "scripted": _scripted,
}
