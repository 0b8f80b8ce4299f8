"""The contract as the tests read it, and what it says about an answer."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from proxy import contract

METHODS = ("get", "head", "post", "put", "delete")
# Operations that change another server's account or models; they are sent only to our own service.
OWN_ONLY = ("signout", "delete_key", "delete", "create", "copy", "push", "pull", "create_blob")
GENERATING = ("chat", "generate", "embed", "embeddings")
LIMITS = {
    "create_chat_completion": "max_tokens",
    "create_completion": "max_tokens",
    "create_message": "max_tokens",
    "create_response": "max_output_tokens",
}
"""What keeps an answer short on the routes of OpenAI and Anthropic."""


@functools.cache
def document() -> dict[str, Any]:
    """The contract."""
    return contract.document()


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    name: str
    method: str
    path: str
    said: Mapping[str, Any]

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    def documented(self, status: int) -> Mapping[str, Any] | None:
        """What the contract says of an answer with this status; None when it is not foreseen."""
        responses = self.said["responses"]
        found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        said: Mapping[str, Any] | None = resolved(found or responses.get("default"))
        return said

    def example(self) -> Any:
        """The body of the request example; None where the operation has none."""
        body = resolved(self.said.get("requestBody")) or {}
        content = (body.get("content") or {}).get("application/json") or {}
        if "example" in content:
            return content["example"]
        return next((one["value"] for one in (content.get("examples") or {}).values()), None)

    def explains(self, status: int, error: str) -> bool:
        """The contract lists an error text that fits."""
        listed = self.said.get("x-ollama-errors", [])
        return any(
            entry["status"] == status and re.fullmatch(pattern(entry["error"]), error, re.DOTALL)
            for entry in listed
        )


def pattern(text: str) -> str:
    """An error text with `{something}` in it as a pattern."""
    return ".*".join(re.escape(part) for part in re.split(r"\{[^}]*\}", text))


def resolved(value: Any) -> Any:
    """Follows a `$ref` of the contract."""
    while isinstance(value, dict) and "$ref" in value:
        target: Any = document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def operations() -> Iterator[Operation]:
    """Every operation of the contract."""
    for path, item in document()["paths"].items():
        for method, said in item.items():
            if method in METHODS:
                yield Operation(said["operationId"], method.upper(), path, said)


@functools.cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Every path of the contract as a pattern; those without a parameter come first."""
    paths = sorted(document()["paths"], key=lambda path: "{" in path)
    return [
        (re.compile(re.sub(r"\\\{[^}]*\\\}", "[^?]+", re.escape(path)) + r"(\?.*)?"), path)
        for path in paths
    ]


def endpoint_of(method: str, path: str) -> str:
    """A request's operation as the contract writes it: `HEAD /api/blobs/{digest}`."""
    fitting = (written for pattern, written in _paths() if pattern.fullmatch(path))
    return f"{method} {next(fitting, path)}"


def json_schema(value: Any) -> Any:
    """An OpenAPI 3.0 schema in the words of JSON Schema draft 4."""
    if isinstance(value, list):
        return [json_schema(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    out = {key: json_schema(inner) for key, inner in value.items() if key != "example"}
    if "x-ollama-ref" in out:
        out["$ref"] = out["x-ollama-ref"]
    if value.get("nullable") is True:
        out.pop("nullable", None)
        return {"anyOf": [out, {"enum": [None]}]}
    return out


@functools.cache
def components() -> dict[str, Any]:
    return dict(json_schema(document()["components"]))


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Draft4Validator:
    whole = {**json_schema(json.loads(schema)), "components": components()}
    return jsonschema_rs.Draft4Validator(whole)


def problems(schema: Mapping[str, Any], value: Any) -> list[str]:
    """Where a value does not fit a schema of the contract."""
    found = _validator(json.dumps(schema)).iter_errors(value)
    return [f"{_place(error.instance_path)}: {error.message[:300]}" for error in found]


def _place(path: list[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def event_faults(text: str) -> list[str]:
    """What is wrong with an event stream: its framing, and data that is no JSON object."""
    found = [] if text.endswith("\n\n") else ["an event stream without an end"]
    for event in text.split("\n\n")[:-1]:
        data = [line[6:] for line in event.split("\n") if line.startswith("data: ")]
        if len(data) != 1:
            found.append(f"an event without one line of data: {event[:200]}")
        elif data[0] != "[DONE]" and not isinstance(json.loads(data[0]), dict):
            found.append(f"data that is no object: {data[0][:200]}")
    return found


def faults(operation: Operation, status: int, content_type: str, body: bytes) -> list[str]:
    """Everything in an answer that the contract does not foresee.

    A status from 500 is a fault unless the contract lists its text: Ollama answers some bad
    requests so. Every line of a stream has to fit, and only the last may be an error.
    """
    said = operation.documented(status)
    if said is None:
        return [f"status {status} is not documented"]
    media = content_type.split(";", maxsplit=1)[0].strip().lower()
    contents = said.get("content") or {}
    if not contents or operation.method == "HEAD":
        return [f"a body of {len(body)} bytes where none is documented"] if body else []
    if media not in contents:
        return [f"the content type {content_type!r} is not documented for {status}"]
    schema = contents[media].get("schema", {})
    if media == "text/plain":
        return problems(schema, body.decode())
    if media == "text/event-stream":
        return event_faults(body.decode())
    texts = body.decode().split("\n")[:-1] if media == "application/x-ndjson" else [body.decode()]
    try:
        values = [json.loads(text) for text in texts]
    except ValueError as error:
        return [f"no JSON: {error}: {body[:200]!r}"]
    found = [fault for value in values for fault in problems(schema, value)]
    failed = [isinstance(value, dict) and "error" in value for value in values]
    if any(failed[:-1]):
        found.append("an error that is not the last line")
    if status >= 500 and not operation.explains(status, str(values[-1].get("error"))):
        found.append(f"status {status} with a text that is not documented: {values[-1]}")
    return found
