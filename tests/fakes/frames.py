"""The frames of a generated answer: what each shows, and the one object of all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from tests.fakes import speech
from tests.fakes.models import moment


def frame(name: str, what: Mapping[str, Any], **end: Any) -> dict[str, Any]:
    """An object of an answer; with anything of its end, the last."""
    done = {"done": bool(end)}
    return {"model": name, "created_at": moment(), **what, **done, **end}


def parts_of(body: Mapping[str, Any], stated: speech.Said) -> list[dict[str, Any]]:
    """What each frame shows."""
    parts: list[dict[str, Any]] = [{"thinking": token} for token in stated.thinking]
    for token in stated.content:
        part: dict[str, Any] = {"text": token}
        if body.get("logprobs"):
            part["logprobs"] = [probability(token, int(body.get("top_logprobs") or 0))]
        parts.append(part)
    for index, call in enumerate(stated.calls):
        ident = "call_" + secrets.token_hex(4)
        function = {"index": index, "name": call["name"], "arguments": call["arguments"]}
        parts.append({"calls": [{"id": ident, "function": function}]})
    return parts


class Live:
    """The frames of a stream, made when they are sent."""

    def __init__(self, name: str, parts: Any, end: Any, chat: bool) -> None:
        self.name, self.parts, self.end, self.chat = name, parts, end, chat

    def __iter__(self) -> Any:
        for part in self.parts:
            shown = frame(self.name, joined([part], chat=self.chat))
            yield shown | ({"logprobs": part["logprobs"]} if "logprobs" in part else {})
        yield frame(self.name, joined([], chat=self.chat), **self.end())


def joined(parts: list[dict[str, Any]], *, chat: bool) -> dict[str, Any]:
    """What parts add up to, under the keys of a route."""
    text = "".join(part.get("text", "") for part in parts)
    thinking = "".join(part.get("thinking", "") for part in parts)
    thought = {"thinking": thinking} if thinking else {}
    if not chat:
        return {"response": text, **thought}
    calls = [call for part in parts for call in part.get("calls", ())]
    called = {"tool_calls": calls} if calls else {}
    return {"message": {"role": "assistant", "content": text, **thought, **called}}


def probability(token: str, top: int) -> dict[str, Any]:
    """A token with its logprob, and so many others."""

    def one(text: str, value: float) -> dict[str, Any]:
        return {"token": text, "logprob": value, "bytes": list(text.encode())}

    ranked = [one(token, -0.125), *(one(f" {i}", -2.5 - i) for i in range(20))]
    return {**ranked[0], **({"top_logprobs": ranked[:top]} if top else {})}
