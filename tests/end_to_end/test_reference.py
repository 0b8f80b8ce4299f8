"""Every example of the reference page is run, as it is written but for the address.

One process runs all programs of a language, since starting one takes longer than they do. The
answers of the scripted backend are nothing to compare: each example is answered without an error,
or with one that the page lists.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from openapi.examples import BASE
from tests.end_to_end.javascript import CACHE, beside_the_clients, needs_node
from tests.service import ROOT, Service
from tests.upstream import Upstream

PAGE = (ROOT / "openapi" / "reference.md").read_text("utf-8")
SECTIONS = {
    text.partition("\n")[0]: text
    for text in PAGE.split("\n### ")[1:]
    if re.match(r"[A-Z]+ /", text)
}

REFUSED = {
    "POST /api/push",
    "POST /api/blobs/{digest}",
    "POST /api/me",
    "POST /api/signout",
    "DELETE /api/user/keys/{encodedKey}",
    "POST /api/experimental/web_search",
    "POST /api/experimental/web_fetch",
    "POST /v1/audio/transcriptions",
}
"""What this service, or a backend that can only talk, answers with an error."""

ABSENT = {"HEAD /api/blobs/{digest}"}

ERROR = re.compile(r'"error":\s*["{]')

PYTHON = """
import contextlib, io, json, sys, traceback
import ollama
result = {}
for title, program in json.load(sys.stdin).items():
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            exec(program, {})
        result[title] = {"output": output.getvalue()}
    except Exception as error:
        result[title] = {"error": f"{type(error).__name__}: {error}"}
json.dump(result, sys.stdout)
"""

IMPORT = "import ollama from 'ollama'"


def programs(language: str, service: Service) -> dict[str, str]:
    """The example of each section in a language, with the address of the service."""
    found = {}
    for title, text in SECTIONS.items():
        for program in re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL):
            if "/embed" in title:
                program = program.replace("smollm2", "emb")  # the one that the backend embeds with
            found[title] = program.replace(BASE, service.url)
    assert found
    return found


def errors_of(title: str) -> list[str]:
    """Patterns of the error texts that a section lists."""
    texts = re.findall(r"^\| \d+ \| `(.*?)` \|", SECTIONS[title], re.MULTILINE)
    return [re.sub(r"\\\{[^}]*\}", ".*", re.escape(text)) for text in texts]


def is_listed(title: str, stated: str) -> bool:
    return any(re.search(pattern, stated) for pattern in errors_of(title))


@pytest.fixture(autouse=True)
def talkative(scripted_upstream: Upstream) -> None:
    scripted_upstream.turns([{}])


def test_every_line_of_curl_is_answered(scripted_service: Service, tmp_path: Path) -> None:
    (tmp_path / "weights.gguf").write_bytes(b"GGUF")
    (tmp_path / "speech.wav").write_bytes(b"RIFF")
    for title, line in programs("sh", scripted_service).items():
        answer = subprocess.run(
            ["bash", "-c", f"{line} --silent --show-error --max-time 30 -w '\\n%{{http_code}}'"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        stated, _, status = answer.stdout.rpartition("\n")
        if title in REFUSED:
            assert is_listed(title, stated), (title, answer.stdout)
        else:
            assert status == ("404" if title in ABSENT else "200"), (title, answer.stdout)
            assert not ERROR.search(stated), (title, stated)


def test_every_python_program_runs(scripted_service: Service) -> None:
    given = programs("python", scripted_service)
    done = subprocess.run(
        [sys.executable, "-c", PYTHON],
        input=json.dumps(given),
        env={"OLLAMA_HOST": scripted_service.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    result = json.loads(done.stdout)
    assert set(result) == set(given)
    for title, stated in result.items():
        if title in REFUSED:
            assert is_listed(title, stated["error"]), (title, stated)
        else:
            assert stated.get("output"), (title, stated)


@needs_node
def test_every_javascript_program_runs(scripted_service: Service) -> None:
    runner = beside_the_clients(Path(__file__).with_name("examples.mjs"))
    given = []
    for number, (title, program) in enumerate(programs("js", scripted_service).items()):
        # The library reads no variable that says where the server is.
        made = f"const ollama = new Ollama({{ host: '{scripted_service.url}' }})"
        file = CACHE / f"example-{number}.mjs"
        file.write_text(
            program.replace(IMPORT, f"import {{ Ollama }} from 'ollama'\n{made}"), "utf-8"
        )
        given.append((title, str(file)))
    done = subprocess.run(
        ["node", str(runner)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    result = json.loads(done.stdout)
    assert set(result) == {title for title, _ in given}
    for title, stated in result.items():
        text = stated.get("output") or stated["error"]
        if title in REFUSED:
            assert is_listed(title, text), (title, stated)
        else:
            assert stated.get("output"), (title, stated)
            assert not ERROR.search(text), (title, text)
