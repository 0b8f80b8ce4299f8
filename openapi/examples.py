"""How the request of an operation is written for curl, Python and JavaScript.

The body is the example in the document. Python and JavaScript use Ollama's own libraries where
these have a method for it, Python OpenAI's for its routes, and JavaScript plain `fetch` otherwise.
"""

from __future__ import annotations

import json
import pprint
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

BASE = "http://127.0.0.1:11434"

PYTHON = (
    "list", "ps", "show", "chat", "generate", "embed", "embeddings",
    "pull", "push", "create", "copy", "delete",
)  # fmt: skip
JAVASCRIPT = (*PYTHON, "version")
"""The operations for which Ollama's libraries have a method of the same name."""

STREAMS = ("chat", "generate", "pull", "push", "create")

OPENAI = {
    "list_openai_models": "models.list",
    "retrieve_openai_model": "models.retrieve",
    "create_chat_completion": "chat.completions.create",
    "create_completion": "completions.create",
    "create_embeddings": "embeddings.create",
    "create_response": "responses.create",
}
"""The method of OpenAI's Python library for an operation."""

FILES = {
    "create_blob": "--data-binary @weights.gguf",
    "create_transcription": "-F model=smollm2 -F file=@speech.wav",
}
"""What curl says to an operation whose body is no JSON."""

Node = Mapping[str, Any]


def examples(
    path: str, method: str, operation: Node, parameters: Iterable[Node]
) -> list[dict[str, str]]:
    """The language and the text of each example."""
    values = {one["name"]: one["example"] for one in parameters}
    address = BASE + path.format(**values)
    contents = operation.get("requestBody", {}).get("content", {})
    body = contents.get("application/json", {}).get("example")
    name = operation["operationId"]
    found = [{"language": "sh", "text": _curl(name, method, address, body)}]
    if method == "head" or name in FILES:
        return found
    python = _python(name, body, list(values.values()))
    if python:
        found.append({"language": "python", "text": python})
    return [*found, {"language": "js", "text": _javascript(name, method, address, body)}]


def _curl(name: str, method: str, address: str, body: Any) -> str:
    if method == "head":
        return f"curl -I {address}"
    data = FILES.get(name, "")
    if body is not None:
        data = f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    usual = "post" if data else "get"
    verb = "" if method == usual else f"-X {method.upper()}"
    return " ".join(part for part in ("curl", verb, address, data) if part)


def _python(name: str, body: Any, values: list[str]) -> str:
    arguments = dict(body or {})
    if name in OPENAI:
        call = f"client.{OPENAI[name]}({_listed(arguments, values)})"
        made = f'client = OpenAI(base_url="{BASE}/v1", api_key="any")'
        return f"from openai import OpenAI\n\n{made}\nprint({call})"
    if name not in PYTHON:
        return ""
    if "from" in arguments:  # which is a word of the language
        arguments["from_"] = arguments.pop("from")
    if name in STREAMS and "stream" not in arguments:
        call = f"ollama.{name}({_listed({**arguments, 'stream': True}, values)})"
        return f"import ollama\n\nfor part in {call}:\n    print(part)"
    return f"import ollama\n\nprint(ollama.{name}({_listed(arguments, values)}))"


def _listed(arguments: Node, values: list[str]) -> str:
    """Arguments of a call, as Python writes them."""
    first = [json.dumps(value) for value in values]
    rest = [f"{name}={_literal(value)}" for name, value in arguments.items()]
    return ", ".join([*first, *rest])


def _literal(value: Any) -> str:
    # Double quotes, as the rest of the page has them, wherever no text holds one.
    text = pprint.pformat(value, width=10_000, sort_dicts=False)
    return text if '"' in text else text.replace("'", '"')


def _javascript(name: str, method: str, address: str, body: Any) -> str:
    if name in JAVASCRIPT:
        arguments = dict(body or {})
        start = "import ollama from 'ollama'\n\n"
        if name in STREAMS and "stream" not in arguments:
            call = f"ollama.{name}({_object({**arguments, 'stream': True})})"
            return f"{start}for await (const part of await {call}) console.log(part)"
        return f"{start}console.log(await ollama.{name}({_object(arguments)}))"
    stated = {} if method == "get" else {"method": method.upper()}
    options = _object(stated)
    if body is not None:
        options = f"{options[:-2]}, body: JSON.stringify({_object(body)}) }}"
    call = f"fetch('{address}'{f', {options}' if options else ''})"
    return f"const answer = await {call}\nconsole.log(await answer.text())"


def _object(value: Any) -> str:
    """A literal of JavaScript; an empty object of arguments is nothing at all."""
    if value == {}:
        return ""
    if isinstance(value, Mapping):
        members = ", ".join(f"{key}: {_object(one)}" for key, one in value.items())
        return f"{{ {members} }}"
    if isinstance(value, list):
        return f"[{', '.join(_object(one) for one in value)}]"
    if isinstance(value, str) and "'" not in value and "\\" not in value:
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False)
