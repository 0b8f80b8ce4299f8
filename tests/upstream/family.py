"""Scripted servers with the habits of well-known backends (families.yaml, each with its source).

    with Upstream() as upstream:
        family = play_family(upstream, "openrouter")
        Service(family.settings(upstream))  # reached under its own address, through a proxy

It answers what it is asked: tools are called for the cities named, a format is kept to, an image is
seen, and a text `fail:NAME` fails as the family does under that name.

Habits: `models` is its list · `routes` are the paths that it has · `known` names the parameters of
each path, and `unknown_parameter` refuses all others · `refusals` are parameters that models refuse
· `thinking` says where thoughts are and what switches them · `thoughts_back` is what it says when a
call comes back without the thoughts before it, `no_images` when it is shown one · `comments` and
`blank_lines` come before an answer · `first_delta`, `more` (in each event), `finish` (in the last
choice), `usage` and `usage_more` are the shape of a stream · `call_ids` begin the ids of calls ·
`errors` fail at once, `midway` later.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.upstream import steps as do
from tests.upstream.answers import embedding
from tests.upstream.connection import Asked, Step
from tests.upstream.server import Upstream
from tests.upstream.shapes import to_json
from tests.upstream.turns import probabilities

FILE = Path(__file__).with_name("families.yaml")
CHAT, TEXT, VECTORS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
CITIES = ("Paris", "Rome")
THOUGHTS = ("The user ", "greets me.")


@functools.cache
def families() -> Mapping[str, Family]:
    """Every family by its name."""
    reported = yaml.safe_load(FILE.read_text("utf-8"))
    return {
        name: Family(
            name,
            one["base_url"],
            {key: habit["value"] for key, habit in one["habits"].items()},
            {key: habit["source"] for key, habit in one["habits"].items()},
        )
        for name, one in reported.items()
    }


@dataclass(frozen=True)
class Family:
    """A family: its public address (`""`: it has none) and its habits with their sources."""

    name: str
    base_url: str
    habits: Mapping[str, Any]
    sources: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """What a request through a proxy has before `/v1`."""
        return self.base_url.removesuffix("/v1")

    def settings(self, upstream: Upstream) -> dict[str, str]:
        """How a service reaches it: by the address that it is known by, if it has one."""
        if not self.base_url:
            return {"OPENAI_BASE_URL": upstream.base_url}
        proxy = f"http://127.0.0.1:{upstream.port}"
        return {"OPENAI_BASE_URL": self.base_url, "FACADE_BACKEND_PROXY": proxy}

    def __call__(self, requested: Asked) -> Sequence[Step]:
        """The answer to a request, as a scenario."""
        body = requested.body
        if requested.path not in self.habits["routes"]:
            message = f"Invalid URL ({requested.method} {requested.path})"
            return [do.answer(404, {"error": {"message": message, "code": 404}})]
        refused = self._refusal(requested.path, body) or self._failure(requested)
        if refused:
            return [do.answer(refused["status"], refused["body"], refused.get("headers"))]
        if requested.path == VECTORS:
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            data = [{"index": i, "embedding": embedding(text)} for i, text in enumerate(texts)]
            return [do.answer(200, {"object": "list", "data": data, "usage": usage(len(texts), 0)})]
        saying = Saying(self, requested.path, body)
        return saying.streamed() if body.get("stream") else saying.whole()

    def models(self, _: Asked) -> Sequence[Step]:
        """The list of its models."""
        return [do.answer(200, {"object": "list", "data": self.habits["models"]})]

    def _refusal(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        known = self.habits.get("known", {}).get(path)
        for name in body if known else ():
            if name not in known:
                return filled(self.habits["unknown_parameter"], name=name)
        for rule in self.habits.get("refusals", ()):
            value = body.get(rule["parameter"])
            kind = value.get("type") if isinstance(value, dict) else None
            if re.match(rule["models"], body["model"]) and value and kind == rule.get("type", kind):
                return dict(rule)
        if "no_images" in self.habits and '"image_url"' in json.dumps(body):
            return dict(self.habits["no_images"])
        if "thoughts_back" in self.habits and thinks(self.habits["thinking"], body):
            calls = [one for one in body.get("messages", ()) if one.get("tool_calls")]
            if any("reasoning_content" not in one for one in calls):
                return dict(self.habits["thoughts_back"])
        return None

    def _failure(self, requested: Asked) -> Mapping[str, Any] | None:
        found = re.search(r"fail:(\w+)", last_text(requested.body))
        key = requested.headers.get("authorization", "").removeprefix("Bearer ")
        error = self.habits["errors"].get(found[1]) if found else None
        return filled(error, key=key) if error else None


def play_family(upstream: Upstream, name: str) -> Family:
    """Makes the server one of that family."""
    family = families()[name]
    upstream.prefix = family.prefix
    upstream.script(family)
    upstream.script(family.models, path="/v1/models")
    return family


def filled(value: Any, **words: str) -> Any:
    """A value with `{name}` in its texts replaced."""
    text = json.dumps(value)
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return json.loads(text)


def last_text(body: Mapping[str, Any]) -> str:
    """The text of the last message, or the prompt."""
    last = (body.get("messages") or [{}])[-1]
    content = last.get("content") or body.get("prompt") or ""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content)


def thinks(habit: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether thinking is on for this request."""
    value: Any = body
    for part in habit["switch"].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return bool(habit["default"]) if value is None else value not in habit["stops"]


def usage(prompt: int, completion: int) -> dict[str, Any]:
    total = prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


def example(schema: Mapping[str, Any]) -> Any:
    """A value that fits a plain schema."""
    match schema.get("type"):
        case "object":
            return {key: example(one) for key, one in schema.get("properties", {}).items()}
        case "array":
            return []
        case "integer" | "number":
            return 7
        case "boolean":
            return True
    return "seven"


class Saying:
    """One answer of a family to one request."""

    def __init__(self, family: Family, path: str, body: Mapping[str, Any]) -> None:
        self.habits, self.chat, self.body = family.habits, path == CHAT, body
        habit = self.habits.get("thinking")
        self.thoughts = THOUGHTS if habit and self.chat and thinks(habit, body) else ()
        last = (body.get("messages") or [{}])[-1]
        asks = bool(body.get("tools")) and last.get("role") == "user"
        named = [city for city in CITIES if city in last_text(body)] or ["Paris"]
        self.cities = named if asks else []
        self.texts = [] if asks else self._texts(last)

    def _texts(self, last: Mapping[str, Any]) -> list[str]:
        form = self.body.get("response_format") or {}
        if form.get("type") == "json_schema":
            return ['{"', json.dumps(example(form["json_schema"]["schema"]))[2:]]
        if form:
            return ['{"answer"', ": 7}"]
        if last.get("role") == "tool":
            return ["It is ", str(last["content"])]
        if isinstance(last.get("content"), list):
            images = [part for part in last["content"] if part["type"] == "image_url"]
            return [f"I see {len(images)} ", "image."]
        return ["Hello", " there", "!"]

    def _calls(self) -> Iterator[dict[str, Any]]:
        name = self.body["tools"][0]["function"]["name"] if self.cities else ""
        for number, city in enumerate(self.cities):
            identifier = f"{self.habits.get('call_ids', 'call_')}{number}"
            function = {"name": name, "arguments": json.dumps({"city": city})}
            yield {"id": identifier, "type": "function", "function": function}

    @property
    def _finish(self) -> str:
        return "tool_calls" if self.cities else "stop"

    def _usage(self) -> dict[str, Any]:
        prompt = 8 + len((self.body.get("suffix") or "").split())
        return {**usage(prompt, len(self.texts) or 4), **self.habits.get("usage_more", {})}

    def _thought(self, text: str) -> dict[str, Any]:
        habit = self.habits["thinking"]
        details = [{"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}]
        more = {habit["details"]: details} if "details" in habit else {}
        return {**dict.fromkeys(habit["fields"], text), **more}

    def _head(self, kind: str) -> dict[str, Any]:
        head = {"id": "chatcmpl-1", "object": kind, "created": 1761000000}
        return {**head, "model": self.body["model"], **self.habits.get("more", {})}

    def _event(self, delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> Step:
        what = {"delta": delta} if self.chat else {"text": delta.get("content") or ""}
        choice: dict[str, Any] = {"index": 0, **what, "finish_reason": finish}
        if self.body.get("logprobs") and delta.get("content"):
            choice["logprobs"] = probabilities(delta["content"], self.body, chat=self.chat)
        if finish:
            choice.update(self.habits.get("finish", {}))
        head = self._head("chat.completion.chunk" if self.chat else "text_completion")
        return do.event({**head, "choices": [choice], **more})

    def streamed(self) -> Sequence[Step]:
        """The answer as an event stream."""
        comment = do.raw(self.habits.get("comments", "").encode())
        steps = [do.opened(), comment]
        if self.chat:
            steps.append(self._event(self.habits.get("first_delta", {"role": "assistant"})))
        steps += [self._event({"content": None, **self._thought(one)}) for one in self.thoughts]
        steps.append(comment)
        for number, text in enumerate(self.texts):
            steps.append(self._event({"content": text}))
            if number == 0 and "fail:midway" in last_text(self.body):
                return [*steps, *self._breaks()]
        for index, call in enumerate(self._calls()):
            text = call["function"]["arguments"]
            start = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
            steps.append(self._event({"tool_calls": [start]}))
            for part in (text[:5], text[5:]):
                piece = {"index": index, "function": {"arguments": part}}
                steps.append(self._event({"tool_calls": [piece]}))
        mode = self.habits["usage"]
        reported = {"usage": self._usage()}
        steps.append(self._event({}, self._finish, **(reported if mode == "finish" else {})))
        if mode == "always":
            steps.append(self._event({"content": ""}, **reported))
        elif mode == "asked" and (self.body.get("stream_options") or {}).get("include_usage"):
            steps.append(
                do.event({**self._head("chat.completion.chunk"), "choices": [], **reported})
            )
        return [*steps, do.done()]

    def _breaks(self) -> Sequence[Step]:
        event = self.habits["midway"]
        head = self._head("chat.completion.chunk") if "choices" in event else {}
        return [do.cut()] if event == "cut" else [do.event({**head, **event}), do.done()]

    def whole(self) -> Sequence[Step]:
        """The answer as one object."""
        text, calls = "".join(self.texts), list(self._calls())
        choice: dict[str, Any] = {"index": 0, "finish_reason": self._finish}
        if self.chat:
            thoughts = self._thought("".join(self.thoughts)) if self.thoughts else {}
            called = {"tool_calls": calls} if calls else {}
            choice["message"] = {"role": "assistant", "content": text or None, **thoughts, **called}
        else:
            choice["text"] = text
        if self.body.get("logprobs") and text:
            choice["logprobs"] = probabilities(text, self.body, chat=self.chat)
        kind = "chat.completion" if self.chat else "text_completion"
        value = {**self._head(kind), "choices": [choice], "usage": self._usage()}
        if "blank_lines" not in self.habits:
            return [do.answer(200, value)]
        blank = self.habits["blank_lines"].encode()
        return [do.opened(media_type="application/json"), do.raw(blank), do.raw(to_json(value))]
