"""What cannot be is refused, with the status and in the words of Ollama; nothing is pretended."""

from __future__ import annotations

from typing import Any

import ollama
import pytest

from ollama_contract.checking import demand, expect, not_applicable
from ollama_contract.exchange import Asker, Clients
from ollama_contract.requests import ABSENT, COUNT, GENERATING, NOWHERE, asking
from ollama_contract.target import Target

MESSAGES = [{"role": "user", "content": "Hi"}]
UNKNOWN: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "chat": ("POST", "/api/chat", {"messages": MESSAGES}, f"model '{ABSENT}' not found"),
    "chat, loaded": ("POST", "/api/chat", {}, f"model '{ABSENT}' not found"),
    "generate": ("POST", "/api/generate", {"prompt": "Hi"}, f"model '{ABSENT}' not found"),
    "generate, whole": (
        "POST",
        "/api/generate",
        {"prompt": "Hi", "stream": False},
        f"model '{ABSENT}' not found",
    ),
    "generate, unloaded": (
        "POST",
        "/api/generate",
        {"keep_alive": 0},
        f"model '{ABSENT}' not found",
    ),
    "embed": (
        "POST",
        "/api/embed",
        {"input": "x"},
        f'model "{ABSENT}" not found, try pulling it first',
    ),
    "embeddings": (
        "POST",
        "/api/embeddings",
        {"prompt": "x"},
        f'model "{ABSENT}" not found, try pulling it first',
    ),
    "show": ("POST", "/api/show", {}, f"model '{ABSENT}:latest' not found"),
    "delete": ("DELETE", "/api/delete", {}, f"model '{ABSENT}' not found"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_model_that_is_not_there_is_a_404(case: str, ask: Asker) -> None:
    method, path, more, wanted = UNKNOWN[case]
    answer = ask(method, path, {"model": ABSENT, **more})
    got = f"{answer.status} {answer.body[:300]!r}"
    expect(answer.status == 404, "status 404 for a model that is not there", got)
    expect(answer.error() == wanted, f"the error {wanted!r}", got)


def test_a_copy_of_what_is_not_there_fails(ask: Asker) -> None:
    body = {"source": ABSENT, "destination": f"{ABSENT}-copy"}
    answer = ask("POST", "/api/copy", body)
    wanted = f'model "{ABSENT}" not found'
    right = (answer.status, answer.error()) == (404, wanted)
    expect(right, f"404 and the error {wanted!r}", f"{answer.status} {answer.body[:300]!r}")


@pytest.mark.parametrize("path", ["/api/pull", "/api/push", "/api/create"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_nothing_is_pretended(path: str, stream: bool, ask: Asker) -> None:
    name = path.rpartition("/")[2]
    body: dict[str, Any] = {"model": NOWHERE, "stream": stream}
    if name == "create":
        body |= {"model": f"{ABSENT}-made", "from": NOWHERE}
    answer = ask("POST", path, body)
    got = f"{answer.status} {answer.body[:300]!r}"
    expect(b'"success"' not in answer.body, f"a {name} that fails: there is no such model", got)
    if answer.status == 200 and stream:
        lines = answer.lines()
        right = bool(lines) and isinstance(lines[-1].get("error"), str)
        expect(right, f"a {name} that fails ends with a line with error", got)
    else:
        right = answer.status >= 400 and bool(answer.error())
        expect(right, f"a {name} that fails has an error status and the error as text", got)


REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "top_logprobs": (
        "/api/generate",
        {"top_logprobs": 21},
        400,
        "top_logprobs must be between 0 and 20",
    ),
    "think": (
        "/api/chat",
        {"think": "extreme"},
        400,
        'invalid think value: "extreme" (must be "high", "medium", "low", "max", true, or false)',
    ),
    "think, a list": (
        "/api/generate",
        {"think": []},
        400,
        'think must be a boolean or string ("high", "medium", "low", "max", true, or false)',
    ),
    "format": (
        "/api/generate",
        {"format": "xml"},
        500,
        'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
    ),
    "keep_alive": ("/api/chat", {"keep_alive": "300"}, 400, 'time: missing unit in duration "300"'),
    "keep_alive, true": ("/api/generate", {"keep_alive": True}, 400, "Unsupported type: 'bool'"),
    "stop": ("/api/chat", {"options": {"stop": "x"}}, 500, 'option "stop" must be of type array'),
    "temperature": (
        "/api/generate",
        {"options": {"temperature": "hot"}},
        500,
        'option "temperature" must be of type float32',
    ),
    "seed": ("/api/chat", {"options": {"seed": "1"}}, 500, 'option "seed" must be of type integer'),
    "stream": (
        "/api/chat",
        {"stream": "no"},
        400,
        "json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool",
    ),
}


@pytest.mark.needs("completion")
@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_value_is_refused_in_ollamas_words(case: str, ask: Asker, target: Target) -> None:
    path, more, status, wanted = REFUSED[case]
    body = asking(target, path, "Hi", 1)
    if "options" not in more:
        del body["options"]
    answer = ask("POST", path, {**body, **more})
    got = f"{answer.status} {answer.body[:300]!r}"
    expect((answer.status, answer.error()) == (status, wanted), f"{status} and {wanted!r}", got)


@pytest.mark.parametrize("path", GENERATING)
def test_a_model_of_embeddings_does_not_write(path: str, ask: Asker, target: Target) -> None:
    name = target.embed_model
    if name is None or name == target.model:
        not_applicable("there is no model that is only for embeddings")
    stated = ask("POST", "/api/show", {"model": name}).json()
    if "completion" in stated.get("capabilities", ["completion"]):
        not_applicable(f"{name} writes as well")
    body = {**asking(target, path, COUNT, 2), "model": name}
    body.pop("think", None)
    answer = ask("POST", path, body)
    wanted = f'"{name}" does not support {path.rpartition("/")[2]}'
    got = f"{answer.status} {answer.body[:300]!r}"
    expect((answer.status, answer.error()) == (400, wanted), f"400 and {wanted!r}", got)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_the_client_raises_the_error_with_its_status(stream: bool, clients: Clients) -> None:
    def called() -> None:
        chat: Any = clients.sync.chat
        answer = chat(ABSENT, MESSAGES, stream=stream)
        for _ in answer:
            pass

    try:
        called()
    except ollama.ResponseError as error:
        demand(error.status_code == 404, "ResponseError with status_code 404", error.status_code)
        expect(f"'{ABSENT}' not found" in error.error, "its text in ResponseError", error.error)
    except Exception as error:  # noqa: BLE001 - whatever else the client makes of it is a finding
        expect(False, "ResponseError for a model that is not there", f"{type(error)}: {error}")
    else:
        expect(False, "ResponseError with status 404 for a model that is not there", "no error")
