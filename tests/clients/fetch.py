"""Fetches the clients that are programs of their own, each into a folder of its own.

    python -m tests.clients.fetch [frameworks] [open-webui] [home-assistant] [n8n]

A client that cannot be had here (no fitting Python, no npm) is named and left out; its tests then
say that they did not run.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement

HOME = Path(__file__).resolve().parents[2] / ".venv-clients"
FRAMEWORKS = ("langchain-ollama", "llama-index-llms-ollama")
OPEN_WEBUI = "open-webui==0.12.4"
# What Open WebUI computes with when it is not Ollama that computes: five gigabytes.
HEAVY = (
    "accelerate",
    "einops",
    "faster-whisper",
    "opencv-python-headless",
    "opensearch-py",
    "pyarrow",
    "rapidocr",
    "sentence-transformers",
    "sentencepiece",
    "soundfile",
    "transformers",
)
N8N = "@n8n/n8n-nodes-langchain@2.41.1"
# What its three nodes for Ollama import, of the 180 packages that it asks for.
IMPORTED = (
    "@langchain/classic",
    "@langchain/core",
    "@langchain/ollama",
    "@n8n/ai-utilities",
    "@n8n/json-schema-to-zod",
    "generate-schema",
    "n8n-core",
    "n8n-workflow",
    "zod",
    "zod-to-json-schema",
)


class MissingError(Exception):
    """This machine lacks what a client needs; the text says what."""


def run(*command: str | Path, folder: Path | None = None) -> str:
    """What a command printed; its complaints go to the terminal, and a failure ends all."""
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def version_of(python: str) -> tuple[int, int]:
    """The version of an interpreter, (0, 0) where it does not run."""
    tell = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", tell], capture_output=True, text=True, check=False)
    major, minor = done.stdout.split() if done.returncode == 0 else ("0", "0")
    return int(major), int(minor)


def interpreters() -> Iterator[str]:
    """This Python, and what others there are."""
    yield sys.executable
    for minor in range(15, 10, -1):
        named = shutil.which(f"python3.{minor}")
        retained = Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")
        yield from (*([named] if named else []), *map(str, retained))


def environment(name: str, lowest: tuple[int, int], highest: tuple[int, int]) -> Path:
    """The Python of a new environment, or of the one that was made before."""
    made = HOME / name / "bin" / "python"
    if made.exists():
        return made
    fitting = {version_of(one): one for one in interpreters()}
    versions = [one for one in fitting if lowest <= one <= highest]
    if not versions:
        raise MissingError("needs a Python from {}.{} to {}.{}".format(*lowest, *highest))
    run(fitting[max(versions)], "-m", "venv", HOME / name)
    return made


def pip(python: Path, *words: str | Path) -> None:
    """Installs or downloads, quietly."""
    run(python, "-m", "pip", "--disable-pip-version-check", "--quiet", *words)


def frameworks() -> None:
    """LangChain and LlamaIndex, the newest."""
    pip(environment("frameworks", (3, 10), (3, 14)), "install", "--upgrade", *FRAMEWORKS)


def open_webui() -> None:
    """Open WebUI's server, without what it would compute with itself."""
    python = environment("open-webui", (3, 11), (3, 12))
    folder = HOME / "open-webui" / "wheel"
    pip(python, "download", "--no-deps", "--dest", folder, OPEN_WEBUI)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        [reported] = [name for name in opened.namelist() if name.endswith("/METADATA")]
        requested = (
            HeaderParser().parsestr(opened.read(reported).decode()).get_all("Requires-Dist", [])
        )
    wanted = map(Requirement, requested)
    light = [
        f"{one.name}{'[' + ','.join(one.extras) + ']' if one.extras else ''}{one.specifier}"
        for one in wanted
        if one.name not in HEAVY and (not one.marker or one.marker.evaluate({"extra": ""}))
    ]
    pip(python, "install", *light)
    pip(python, "install", "--no-deps", wheel)


def home_assistant() -> None:
    """Home Assistant, the newest for the Pythons here, with what three of its parts ask for."""
    python = environment("home-assistant", (3, 12), (3, 15))
    pip(python, "install", "homeassistant")
    where = "import homeassistant.components as c; print(*c.__path__)"
    parts = Path(run(python, "-c", where).strip())
    requested: list[str] = []
    for part in ("ollama", "conversation", "intent", "http"):
        requested += json.loads((parts / part / "manifest.json").read_text()).get(
            "requirements", []
        )
    pip(python, "install", *requested)


def n8n() -> None:
    """n8n's package of nodes as it is, and those of its dependencies that the nodes import."""
    if not (shutil.which("node") and shutil.which("npm")):
        raise MissingError("needs Node and npm")
    folder = HOME / "n8n"
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "node_modules" / N8N.rpartition("@")[0]
    folder.mkdir(parents=True)
    [packed] = run("npm", "pack", "--silent", N8N, folder=folder).split()
    with tarfile.open(folder / packed) as opened:
        requested = json.load(opened.extractfile("package/package.json") or sys.stdin)[
            "dependencies"
        ]
        named = [f"{one}@{requested[one]}" for one in IMPORTED]
        (folder / "package.json").write_text('{"private": true}')
        quiet = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--omit=optional")
        run("npm", "install", *quiet, "--legacy-peer-deps", *named, folder=folder)
        package.parent.mkdir(exist_ok=True)
        opened.extractall(folder, filter="data")
    (folder / "package").rename(package)


CLIENTS: dict[str, Callable[[], None]] = {
    "frameworks": frameworks,
    "open-webui": open_webui,
    "home-assistant": home_assistant,
    "n8n": n8n,
}


def main(names: Sequence[str]) -> None:
    """Fetches the named clients, or all."""
    for name in names or CLIENTS:
        try:
            CLIENTS[name]()
        except MissingError as why:
            sys.stdout.write(f"{name}: not fetched: {why}\n")
        else:
            sys.stdout.write(f"{name}: fetched\n")


if __name__ == "__main__":
    main(sys.argv[1:])
