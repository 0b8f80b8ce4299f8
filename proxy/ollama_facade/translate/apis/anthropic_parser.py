"""A body of `/v1/messages` as the chat that it means (management.md §4.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ollama_facade.errors import OllamaError
from ollama_facade.golang.base64 import corrupt_at
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.apis.ollama_chat import chat_generation
from ollama_facade.translate.generation import GenerationRequest
from ollama_facade.translate.tools import is_search, search_tools

Message = dict[str, Any]


def parse(body: Mapping[str, Any]) -> GenerationRequest:
    """The generation that a body asks for. Raises OllamaError(400) in Ollama's order and words.

    Thinking asked of a model that cannot is left out (golden anthropic/thinking-unsupported).
    """
    chat = chat_body(body)
    dropped = search_tools(body)
    return chat_generation(chat, stream=chat["stream"], dropped=dropped, think_is_optional=True)


def chat_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """The `ChatRequest`. Raises OllamaError(400) in Ollama's order and words."""
    if not body.get("model"):
        raise OllamaError(400, "model is required")
    if (body.get("max_tokens") or 0) <= 0:
        raise OllamaError(400, "max_tokens is required and must be positive")
    if not body.get("messages"):
        raise OllamaError(400, "messages is required")
    system = _text(body.get("system"))
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    for message in body["messages"]:
        messages += _messages(message or {})
    options: dict[str, Any] = {"num_predict": body["max_tokens"]}
    for name in ("temperature", "top_p", "top_k"):
        if body.get(name) is not None:
            options[name] = body[name]
    if body.get("stop_sequences"):
        options["stop"] = body["stop_sequences"]
    return {
        "model": body["model"],
        "messages": messages,
        "tools": [_tool(tool) for tool in body.get("tools") or () if tool and not is_search(tool)],
        "options": options,
        "think": _think(body),
        "stream": body.get("stream") is True,
    }


def estimated_tokens(body: Mapping[str, Any]) -> int:
    """The tokens of the prompt before anybody counted them: a fourth of the bytes, at least 1."""
    total = _size(body.get("system"))
    for message in body.get("messages") or ():
        total += len(((message or {}).get("role") or "").encode())
        total += _size((message or {}).get("content"))
    for tool in (tool or {} for tool in body.get("tools") or ()):
        total += len((tool.get("name") or "").encode())
        total += len((tool.get("description") or "").encode())
        # Ollama counts the bytes of the schema as it came; most clients put spaces in.
        total += len(dumps(tool["input_schema"])) if tool.get("input_schema") else 0
    return max(total // 4, 1)


def _size(content: Any) -> int:
    if isinstance(content, str):
        return len(content.encode("utf-8", "replace"))
    total = 0
    for block in _blocks(content):
        for name in ("text", "thinking"):
            total += len(str(block.get(name) or "").encode("utf-8", "replace"))
        if block.get("type") in ("tool_use", "tool_result"):
            total += len(dumps(block))
    return total


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(
        block["text"]
        for block in _blocks(content)
        if block.get("type") == "text" and isinstance(block.get("text"), str)
    )


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    """The blocks of a content of any form; what is none is left out."""
    blocks = content if isinstance(content, list) else ()
    return [block for block in blocks if isinstance(block, Mapping)]


def _messages(message: Mapping[str, Any]) -> list[Message]:
    """One message as several: results of tools stand alone, in a user's turn before the text."""
    role = (message.get("role") or "").lower()
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    calls: list[Message] = []
    results: list[Message] = []
    thinking = ""
    for block in blocks:
        kind = block.get("type")
        if kind in ("tool_use", "server_tool_use"):
            calls.append(_call(block, strict=kind == "tool_use"))
        elif kind in ("tool_result", "web_search_tool_result"):
            results.append(_result(block))
        elif kind == "thinking":
            thinking = block.get("thinking") or thinking
    turn: Message = {"role": role, "content": _text(blocks)}
    if images := _images(blocks):
        turn["images"] = images
    if calls:
        turn["tool_calls"] = calls
    if thinking:
        turn["thinking"] = thinking
    turns = [turn] if len(turn) > 2 or turn["content"] else []
    return [*results, *turns] if role == "user" else [*turns, *results]


def _images(blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_image(block.get("source")) for block in blocks if block.get("type") == "image"]


def _image(source: Mapping[str, Any] | None) -> str:
    if source is None:
        raise OllamaError(400, "invalid image source")
    if source.get("type") != "base64":
        kind = source.get("type") or ""
        raise OllamaError(
            400, f"invalid image source type: {kind}. Only base64 images are supported."
        )
    data: str = source.get("data") or ""
    position = corrupt_at(data)
    if position is not None:
        fault = f"illegal base64 data at input byte {position}"
        raise OllamaError(400, f"invalid base64 image data: {fault}")
    return data


def _call(block: Mapping[str, Any], *, strict: bool) -> Message:
    for name in ("id", "name") if strict else ():
        if not block.get(name):
            raise OllamaError(400, f"tool_use block missing required '{name}' field")
    function = {"name": block.get("name") or "", "arguments": block.get("input") or {}}
    return {"id": block.get("id") or "", "function": function}


def _result(block: Mapping[str, Any]) -> Message:
    content = block.get("content")
    result: Message = {
        "role": "tool",
        "content": _text(content),
        "tool_call_id": block.get("tool_use_id") or "",
    }
    if block.get("type") == "tool_result" and (images := _result_images(content)):
        result["images"] = images
    return result


def _result_images(content: Any) -> list[str]:
    """The images of a result, whose form nobody has checked (convertToolResultContent)."""
    images = []
    for block in _blocks(content):
        if block.get("type") == "image":
            source = block.get("source")
            if not isinstance(source, Mapping):
                raise OllamaError(400, "invalid tool_result image source")
            texts = {key: value for key, value in source.items() if isinstance(value, str)}
            images.append(_image({"type": "", **texts}))
    return images


def _tool(tool: Mapping[str, Any]) -> Message:
    function = {
        "name": tool.get("name") or "",
        "description": tool.get("description") or "",
        "parameters": tool.get("input_schema") or {},
    }
    return {"type": "function", "function": function}


def _think(body: Mapping[str, Any]) -> bool | str | None:
    kind = (body.get("thinking") or {}).get("type")
    if kind in ("enabled", "disabled"):
        return bool(kind == "enabled")
    effort = str((body.get("output_config") or {}).get("effort") or "").strip().lower()
    effort = "high" if effort == "xhigh" else effort
    return effort if effort in ("low", "medium", "high", "max") else None
