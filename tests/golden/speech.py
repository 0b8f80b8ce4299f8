"""From a recording to what an OpenAI-compatible backend has to say for the same answer.

Models without a Go template were asked through the runner's own chat route, which is OpenAI's: what
the runner said goes through. For models with a template or a built-in parser the runner said raw
text with tags; a backend parses the text of its model itself, so it is taken apart here. Counts are
those that the recorded answer shows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.golden.recordings import Case, cases

MARKED = re.compile(r"<think>|</think>|<tool_call>|<\|channel\|>")
TOOL_CALL = re.compile(r"\s*<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
OPENED = re.compile(r"\s*<think>\s*")
CLOSED = re.compile(r"</think>\s*")
PLAIN = ("chunks", "finish", "last", "fail_after", "how")


def turns(case: Case) -> list[dict[str, Any]]:
    """The turns of `tests.upstream` that lead to the recorded answer."""
    streamed = cases().get(case.stem + "-stream")
    facts = counts(case) or counts(cases().get(case.stem, case)) or {}
    if refusal := refused(case):
        return [refusal]
    spoken = [stated(case, streamed or case, entry, facts) for entry in case.script or ({},)]
    if len(case.requested) > 1 and len(spoken) > 1:
        # Ollama asked twice: the thought, then the answer under a grammar. A backend does both.
        return [{"chunks": shown(streamed or case), **facts}]
    return spoken


def stated(
    case: Case, streamed: Case, entry: dict[str, Any], facts: dict[str, int]
) -> dict[str, Any]:
    """One entry of the script as a turn."""
    if entry.get("status"):
        return {"status": entry["status"], "error": entry.get("error")}
    turn = {key: entry[key] for key in PLAIN if key in entry} | facts
    if entry.get("cache_n"):
        turn["cached_tokens"] = entry["cache_n"]
    texts = [chunk for chunk in turn.get("chunks", []) if isinstance(chunk, str)]
    if case.parsed:
        turn["chunks"] = shown(streamed if streamed.response.get("lines") else case)
    elif case.requested[:1] == ("/completion",) and MARKED.search(
        "".join(texts) + turn.get("last", "")
    ):
        last = turn.pop("last", "")
        turn["chunks"] = taken_apart(turn["chunks"] + ([last] if last else []))
    else:
        return turn
    give_ids(turn["chunks"], case)
    return turn


def counts(case: Case) -> dict[str, int] | None:
    """The token counts that an answer shows; None when it shows none."""
    found: dict[str, int] | None = None
    for document in case.documents():
        if document.get("done"):
            prompt, given = document.get("prompt_eval_count", 0), document.get("eval_count", 0)
            found = {"prompt_tokens": prompt, "completion_tokens": given}
        elif "done" not in document:
            usage = document.get("usage") or (document.get("response") or {}).get("usage")
            if isinstance(usage, dict):
                prompt = usage.get("prompt_tokens", usage.get("input_tokens"))
                given = usage.get("completion_tokens", usage.get("output_tokens", 0))
                pair = {"prompt_tokens": prompt, "completion_tokens": given}
                found = {key: value for key, value in pair.items() if value is not None}
    return found if found and "prompt_tokens" in found else None


def shown(case: Case) -> list[dict[str, Any]]:
    """The deltas behind a native answer: one for each thing that a frame shows."""
    deltas: list[dict[str, Any]] = []
    for document in case.documents():
        message = document.get("message") or document
        if message.get("thinking"):
            deltas.append({"reasoning_content": message["thinking"]})
        if text := message.get("content", document.get("response", "")):
            deltas.append({"content": text})
        if message.get("tool_calls"):
            calls = [{"id": call["id"], **call["function"]} for call in message["tool_calls"]]
            deltas.append({"tool_calls": calls})
    return deltas


def spans(text: str) -> Iterator[tuple[int, int, str | dict[str, Any]]]:
    """(start, end, kind) of what raw text holds; the kind of a tool call is the call."""
    position = 0
    if opened := OPENED.match(text):
        end = text.find("</think>", opened.end())
        yield opened.end(), len(text) if end < 0 else end, "reasoning_content"
        closed = None if end < 0 else CLOSED.match(text, end)
        position = closed.end() if closed else len(text)
    for found in TOOL_CALL.finditer(text, position):
        # A line break before the tag goes with it, other blanks stay in the text.
        start = (
            found.start()
            if text[found.start()] == "\n"
            else text.index("<tool_call>", found.start())
        )
        yield position, start, "content"
        yield start, found.end(), json.loads(found[1])
        position = found.end()
    yield position, len(text), "content"


def taken_apart(chunks: Sequence[str]) -> list[dict[str, Any]]:
    """Chunks of raw text as the deltas of a backend that parses."""
    parts, deltas, start, number = list(spans("".join(chunks))), [], 0, 0
    text = "".join(chunks)
    for chunk in chunks:
        end = start + len(chunk)
        for first, last, kind in parts:
            if isinstance(kind, dict):
                if start < last <= end:  # a call is known when its closing tag is
                    deltas.append({"tool_calls": [{**kind, "index": number}]})
                    number += 1
            elif max(start, first) < min(end, last):
                deltas.append({kind: text[max(start, first) : min(end, last)]})
        start = end
    return deltas


def call_ids(value: Any) -> Iterator[str]:
    """The ids of tool calls in an answer, in their order."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("id", "call_id") and isinstance(inner, str) and inner.startswith("call_"):
                yield inner
            else:
                yield from call_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from call_ids(inner)


def give_ids(deltas: Sequence[dict[str, Any]], case: Case) -> None:
    """Gives the calls the recorded ids, and others where there are none."""
    known = list(call_ids(case.documents()))
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    for number, call in enumerate(calls):
        made = "call_" + hashlib.sha256(f"{case.name}{number}".encode()).hexdigest()[:8]
        call["id"] = known[number] if number < len(known) else made


def refused(case: Case) -> dict[str, Any] | None:
    """What the runner refused by itself, in its own words."""
    if not case.requested or case.script or case.response["status"] < 400:
        return None
    for document in case.documents():
        error = document.get("error")
        try:
            inner = json.loads(error["message"] if isinstance(error, dict) else error)
        except (ValueError, TypeError):
            continue
        return {"status": case.response["status"], "error": inner}
    return None
