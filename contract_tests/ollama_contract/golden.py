"""Recorded exchanges with a real Ollama, and what of an answer has to be like the recorded one.

`data/recorded.jsonl` holds requests that any server can be sent: they name one model that writes
(`gen`) or one of embeddings (`emb`), and change nothing. What a model says, counts, times, digests
and sizes are free; statuses, content types, error texts, the order of keys and the types of values
are not.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ollama_contract.exchange import Answer
from ollama_contract.frames import Fault
from ollama_contract.target import Target

FILE = Path(__file__).parent / "data" / "recorded.jsonl"
WRITER, EMBEDDER = "gen", "emb"
PORT = "11434"
# What depends on the model, or on the backend: it may be missing or be more, in any order.
FREE_INSIDE = ("details", "model_info", "tensors", "arguments", "capabilities")
OPTIONAL = (
    "license",
    "parameters",
    "system",
    "messages",
    "thinking",
    "eval_count",
    "remote_model",
    "remote_host",
    "requires",
    "tensors",
    "capabilities",
    "projector_info",
)
HEADERS = (
    "access-control-allow-origin",
    "access-control-allow-methods",
    "access-control-max-age",
    "location",
)


@dataclass(frozen=True)
class Recorded:
    """One exchange."""

    name: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def needs(self) -> set[str]:
        """The abilities that an answer like the recorded one takes."""
        if self.response["status"] >= 400:
            return set()
        found = {"completion"} if self.request["path"] in ("/api/chat", "/api/generate") else set()
        text = json.dumps(self.request)
        found |= {"embedding"} if f'"{EMBEDDER}"' in text else set()
        return found | ({"logprobs"} if '"logprobs": true' in text else set())

    def requested(self, target: Target) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Method, path, body and headers for a target, with its models in place of the recorded."""
        host = target.url.partition("://")[2].partition("/")[0]
        headers = {
            name: self._renamed(value, target).replace(f"localhost:{PORT}", host)
            for name, value in self.request["headers"].items()
            if name != "Host"
        }
        return self.request["method"], self.request["path"], self._body(target), headers

    def _body(self, target: Target) -> bytes | None:
        if "body_base64" in self.request:
            return base64.b64decode(self.request["body_base64"])
        if "body_text" in self.request:
            return self._renamed(self.request["body_text"], target).encode()
        if "body" not in self.request:
            return None
        body = self.request["body"]
        quiet = "thinking" in target.abilities and self.request["path"] in (
            "/api/chat",
            "/api/generate",
        )
        if isinstance(body, dict) and self.response["status"] == 200:
            if quiet and "think" not in body:
                body = {**body, "think": False}
            if "num_predict" not in (body.get("options") or {}) and (
                body.keys() & {"prompt", "messages"}
            ):
                body = {**body, "options": {**(body.get("options") or {}), "num_predict": 8}}
        return self._renamed(json.dumps(body), target).encode()

    @staticmethod
    def _renamed(text: str, target: Target) -> str:
        for old, new in ((WRITER, target.model), (EMBEDDER, target.embed_model or EMBEDDER)):
            text = text.replace(f'"{old}"', json.dumps(new))
        return text

    def faults(self, answer: Answer, target: Target) -> Iterator[Fault]:
        """Where an answer is not like the recorded one."""
        stated = self.response
        if answer.status != stated["status"]:
            yield f"status {stated['status']}", f"{answer.status}: {answer.body[:300]!r}"
            return
        headers = {name.lower(): value for name, value in stated["headers"].items()}
        media = str(headers.get("content-type", "")).partition(";")[0]
        if media and answer.media_type != media:
            yield f"the content type {media}", answer.media_type
        for name in HEADERS:
            if isinstance(headers.get(name), str) and answer.headers.get(name) not in (
                headers[name],
                "*",
            ):
                wanted = self._renamed(headers[name], target)
                if name == "location" or name in (
                    "access-control-allow-methods",
                    "access-control-max-age",
                ):
                    same = _listed(answer.headers.get(name)) == _listed(wanted)
                    if same:
                        continue
                yield f"{name}: {wanted}", repr(answer.headers.get(name))
        if "allow" in headers and _listed(answer.headers.get("allow")) != _listed(headers["allow"]):
            yield f"allow: {headers['allow']}", repr(answer.headers.get("allow"))
        if self.request["method"] == "HEAD" or media == "text/html":
            return
        yield from self._bodies(answer, media, target)

    def _bodies(self, answer: Answer, media: str, target: Target) -> Iterator[Fault]:
        if "lines" in self.response:
            yield from self._lines(answer)
        elif media == "application/json":
            wanted = json.loads(self._renamed(self.response["body"], target))
            if "error" in wanted:
                expected = self._error(wanted["error"], target)
                if answer.error() != expected:
                    yield f"the error {expected!r}", f"{answer.body[:300]!r}"
                elif list(answer.json()) != list(wanted):
                    yield "only error in the body of an error", f"{answer.body[:300]!r}"
            else:
                yield from _unlike(wanted, answer.json(), "")
        elif answer.body != self.response.get("body", "").encode():
            yield f"the body {self.response.get('body', '')!r}", f"{answer.body[:300]!r}"

    @staticmethod
    def _error(text: str, target: Target) -> str:
        for old, new in ((WRITER, target.model), (EMBEDDER, target.embed_model or EMBEDDER)):
            text = re.sub(rf"(?<=[\"']){old}(?=[\"'])", new.replace("\\", "\\\\"), text)
        return text

    def _lines(self, answer: Answer) -> Iterator[Fault]:
        recorded = [json.loads(line) for line in self.response["lines"]]
        frames = answer.lines()
        if not frames:
            yield "lines", f"{answer.body[:300]!r}"
            return
        yield from _unlike(recorded[-1], frames[-1], "the last line: ")
        for frame in frames[:-1]:
            found = list(_unlike(recorded[0], frame, "a line: "))
            yield from found
            if found:
                return


def _listed(value: str | None) -> set[str]:
    """The parts of a header that is a list."""
    return {part.strip() for part in (value or "").split(",")}


def _unlike(wanted: Any, got: Any, where: str) -> Iterator[Fault]:
    """Keys in another order, missing or too many; values of another type."""
    if _kind(wanted) != _kind(got):
        yield f"{where or 'the body: '}{_kind(wanted)}", f"{_kind(got)}: {str(got)[:200]}"
    elif isinstance(wanted, dict):
        retained = [key for key in wanted if key in got]
        missing = [key for key in wanted if key not in got and key not in OPTIONAL]
        more = [key for key in got if key not in wanted and key not in OPTIONAL]
        if missing:
            yield f"{where}the keys {', '.join(missing)}", f"only {', '.join(got)}"
        if more:
            yield f"{where}no keys but {', '.join(wanted)}", f"{', '.join(more)} as well"
        if [key for key in got if key in wanted] != retained:
            yield f"{where}the keys in the order {', '.join(retained)}", ", ".join(got)
        for key in retained:
            if key in FREE_INSIDE:
                if _kind(wanted[key]) != _kind(got[key]):
                    yield f"{where}{key}: {_kind(wanted[key])}", f"{_kind(got[key])}"
            else:
                yield from _unlike(wanted[key], got[key], f"{where}{key}: ")
    elif isinstance(wanted, list) and wanted:
        for one in got[:3]:
            yield from _unlike(wanted[0], one, f"{where}each: ")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    kinds = ((dict, "an object"), (list, "a list"), (str, "a string"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "null")


@functools.cache
def recorded() -> dict[str, Recorded]:
    """The exchanges by name."""
    found = {}
    for line in FILE.read_text("utf-8").splitlines():
        one = json.loads(line)
        found[one["name"]] = Recorded(one["name"], one["request"], one["response"])
    return found
