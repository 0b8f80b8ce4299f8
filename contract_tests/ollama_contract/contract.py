"""The contract as the tests read it, and what it says about an answer."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from ollama_facade import contract

METHODS = ("get", "head", "post", "put", "delete")
# Operations that change another server's account or models; they are sent only to our own service.
OWN_ONLY = ("signout", "delete_key", "delete", "create", "copy", "push", "pull", "create_blob")
GENERATING = ("chat", "generate", "embed", "embeddings")
NAMING = ("model", "name", "destination")
"""Fields that name the model which is changed."""
OPTIONAL = ("/v1/", "/api/experimental/", "/api/me", "/api/signout", "/api/user/", "/api/status")
"""Paths of OpenAI's and Anthropic's clients and of Ollama's own cloud: a server may lack them."""
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
    stated: Mapping[str, Any]

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def optional(self) -> bool:
        """A server without this is one all the same."""
        return self.path.startswith(OPTIONAL)

    def documented(self, status: int) -> Mapping[str, Any] | None:
        """What the contract says of an answer with this status; None when it is not foreseen."""
        responses = self.stated["responses"]
        found = responses.get(str(status)) or responses.get(f"{status // 100}XX")
        stated: Mapping[str, Any] | None = resolved(found or responses.get("default"))
        return stated

    def example(self) -> Any:
        """The body of the request example; None where the operation has none."""
        body = resolved(self.stated.get("requestBody")) or {}
        content = (body.get("content") or {}).get("application/json") or {}
        if "example" in content:
            return content["example"]
        return next((one["value"] for one in (content.get("examples") or {}).values()), None)

    def explains(self, status: int, error: str) -> bool:
        """The contract lists an error text that fits."""
        listed = self.stated.get("x-ollama-errors", [])
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
        for method, stated in item.items():
            if method in METHODS:
                yield Operation(stated["operationId"], method.upper(), path, stated)


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
    found = [
        inner
        for error in _validator(json.dumps(schema)).iter_errors(value)
        for inner in _innermost(error)
    ]
    return [f"{_place(error.instance_path)}: {error.message[:300]}" for error in found]


def _innermost(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    """Where several forms are possible, what is wrong with the form that is most likely meant."""
    branches = getattr(error.kind, "context", None)
    if not branches:
        yield error
        return

    def strange(branch: list[jsonschema_rs.ValidationError]) -> tuple[bool, int]:
        whole = any(one.instance_path == error.instance_path for one in branch)
        return whole, len(branch)

    for one in min(branches, key=strange):
        yield from _innermost(one)


def _place(path: list[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
