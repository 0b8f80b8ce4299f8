"""A body of `/v1/responses` as the chat that it means (management.md §4.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.translate.apis.ollama_chat import chat_generation
from ollama_facade.translate.apis.openai_checks import image_data, read_effort
from ollama_facade.translate.formats import read_format
from ollama_facade.translate.generation import GenerationRequest
from ollama_facade.translate.tools import search_tools

Message = dict[str, Any]


def parse(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a body asks for. Raises OllamaError(400) in Ollama's words."""
    chat = chat_body(body)
    return chat_generation(chat, stream=chat["stream"], dropped=search_tools(body))


def chat_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The `ChatRequest`. Raises OllamaError(400) in Ollama's words."""
    source = body.get("input")
    messages: list[Message] = []
    if body.get("instructions"):
        messages.append({"role": "system", "content": body["instructions"]})
    if isinstance(source, str):
        messages += [{"role": "user", "content": source}] if source else []
    elif source is not None:
        if not isinstance(source, list):
            raise OllamaError(400, "input must be a string or array")
        _add_items(messages, source)
    temperature = body.get("temperature")
    options: dict[str, Any] = {"temperature": 1.0 if temperature is None else temperature}
    if body.get("top_p") is not None:
        options["top_p"] = body["top_p"]
    if body.get("max_output_tokens") is not None:
        options["num_predict"] = body["max_output_tokens"]
    form = (body.get("text") or {}).get("format") or {}
    return {
        "model": body.get("model") or "",
        "messages": messages,
        "tools": _tools(body.get("tools")),
        "options": options,
        "format": _schema(form),
        "think": read_effort({"reasoning": body.get("reasoning")})[1],
        "stream": body.get("stream") is True,
    }


def _add_items(messages: list[Message], items: Sequence[Any]) -> None:
    """Reasoning waits for the next message of the assistant; a call joins the one before it."""
    thinking = ""
    for number, value in enumerate(items):
        item = value if isinstance(value, Mapping) else {}
        kind = item.get("type") or ("message" if item.get("role") else "")
        if kind == "reasoning":
            thinking = item.get("encrypted_content") or ""
        elif kind == "function_call":
            call = _call(item)
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": ""})
            messages[-1].setdefault("tool_calls", []).append(call)
        elif kind == "function_call_output":
            message = {"role": "tool", "tool_call_id": item.get("call_id") or ""}
            messages.append(message | _content(item.get("output"), "output", number))
        elif kind == "message":
            content = _content(item.get("content"), "content", number)
            message = {"role": item.get("role") or "", **content}
            answered = items[number + 1] if number + 1 < len(items) else None
            if not _joined(messages, message, answered):
                messages.append(message)
        elif not kind:
            raise OllamaError(400, f"input[{number}]: input item missing required 'type' field")
        elif kind != "web_search_call":
            raise OllamaError(400, f"input[{number}]: unknown input item type: {quote(kind)}")
        if thinking and messages and messages[-1]["role"] == "assistant" and kind != "reasoning":
            messages[-1]["thinking"], thinking = thinking, ""


def _joined(messages: Sequence[Message], message: Message, answer: Any) -> bool:
    """True when an assistant's text between a call and its result became part of the call's turn.

    A strict backend wants the result right behind the call.
    """
    if message["role"] != "assistant" or not messages or not isinstance(answer, Mapping):
        return False
    calls = messages[-1].get("tool_calls") or ()
    if answer.get("type") != "function_call_output":
        return False
    if answer.get("call_id") not in [call["id"] for call in calls]:
        return False
    texts = (messages[-1]["content"], message["content"])
    messages[-1]["content"] = "\n".join(text for text in texts if text)
    return True


def _call(item: Mapping[str, Any]) -> Message:
    try:
        arguments = orjson.loads(item.get("arguments") or "{}")
    except orjson.JSONDecodeError as error:
        text = f"failed to parse function call arguments: {error.msg}"
        raise OllamaError(400, text) from error
    if not isinstance(arguments, dict):
        raise OllamaError(400, "failed to parse function call arguments: not an object")
    function = {"name": item.get("name") or "", "arguments": arguments}
    return {"id": item.get("call_id") or "", "function": function}


def _content(value: Any, field: str, number: int) -> Message:
    if value is None or isinstance(value, str):
        return {"content": value or ""}
    if not isinstance(value, list):
        raise OllamaError(400, f"input[{number}]: {field} must be a string or array")
    texts: list[str] = []
    images: list[str] = []
    for position, item in enumerate(value):
        part = item if isinstance(item, Mapping) else {}
        kind = part.get("type") or ""
        if kind in ("input_text", "output_text"):
            texts.append(part.get("text") or "")
        elif kind == "input_image":
            images += [image_data(part["image_url"])] if part.get("image_url") else []
        elif kind == "input_file":
            raise OllamaError(400, "file inputs are not currently supported")
        else:
            text = f"input[{number}]: {field}[{position}]: unknown content type: {kind}"
            raise OllamaError(400, text)
    return {"content": "".join(texts), **({"images": images} if images else {})}


def _tools(tools: Sequence[Mapping[str, Any] | None] | None) -> list[Message]:
    """Functions as Ollama has them; those of a namespace are called ``namespace.function``."""
    functions: list[Message] = []
    for tool in (tool or {} for tool in tools or ()):
        if tool.get("type") == "namespace":
            functions += _qualified(tool.get("name") or "", _tools(tool.get("tools")))
        elif tool.get("type") == "function":
            function = {
                "name": tool.get("name") or "",
                "description": tool.get("description") or "",
                "parameters": tool.get("parameters") or {},
            }
            functions.append({"type": "function", "function": function})
    return functions


def _qualified(namespace: str, tools: list[Message]) -> list[Message]:
    prefix = f"{namespace}." if namespace else ""
    for tool in tools:
        function = tool["function"]
        if not function["name"].startswith(prefix):
            function["name"] = prefix + function["name"]
    return tools


def _schema(form: Mapping[str, Any]) -> Any:
    """The schema of a `json_schema`. Raises OllamaError(400) for what can be none."""
    if form.get("type") != "json_schema":
        return None
    try:
        read_format(form.get("schema"))
    except OllamaError as error:
        raise OllamaError(400, error.message) from None
    return form.get("schema")
