"""What differs from run to run becomes a sign that says only what it was.

`<time>`, `<ns>` and the like stand for any right value; a wrong one (a time without a zone, a
duration of nothing) gets no sign and so stays a difference.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.golden.numbers import Number, in_key_order, read, write
from tests.golden.recordings import Case

TIME = re.compile(r"(\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
V1_ID = re.compile(r"(chatcmpl-|cmpl-|msg_|fc_|rs_|resp_|req_)[A-Za-z0-9_-]+")
CALL_ID = re.compile(r"call_[A-Za-z0-9]+")
DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")
LAYER = re.compile(r"\b(pulling|pushing) [0-9a-f]{12}\b")
# The scripted backend reports these in its `timings`.
REPORTED = {"prompt_eval_duration": "12500000", "eval_duration": "40250000"}
COMPARED_INFO = (".context_length", ".embedding_length")
TEMPLATE = re.compile(
    r"(?ms)^TEMPLATE .*?(?=^(SYSTEM|PARAMETER|LICENSE|MESSAGE|RENDERER|PARSER) |\Z)"
)
UNMASKED = object()


@dataclass
class Mask:
    """Masks the values of one answer to `case`; the lists note what was hidden that way."""

    case: Case
    jinja: bool = False
    durations: bool = False
    estimates: list[Any] = field(default_factory=list)
    formats: list[Any] = field(default_factory=list)

    def __call__(self, value: Any, trail: tuple[str, ...] = ()) -> Any:
        if isinstance(value, dict):
            return self._object(value, trail)
        if isinstance(value, list):
            return [self(inner, trail) for inner in value]
        if isinstance(value, str) and not isinstance(value, Number):
            return LAYER.sub(r"\1 <digest>", DIGEST.sub("sha256:<digest>", value))
        return value

    def _object(self, value: dict[str, Any], trail: tuple[str, ...]) -> dict[str, Any]:
        masked = {}
        for key, inner in value.items():
            if key == "tensors" and self.case.path == "/api/show":
                continue
            sign = self._sign(key, inner, value, trail)
            masked[key] = self(inner, (*trail, key)) if sign is UNMASKED else sign
        return masked

    def _sign(self, key: str, value: Any, around: dict[str, Any], trail: tuple[str, ...]) -> Any:
        if key == "format" and "details" in trail:
            self.formats.append(value)
            return "<format>"
        if key == "input_tokens" and "message" in trail and self.case.path == "/v1/messages":
            self.estimates.append(value)
            return "<estimate>"
        if key == "capabilities" and self.case.path == "/api/tags":
            # The real list reads only the head of a weights file.
            native = str(around.get("name")).startswith("native-")
            return "<capabilities>" if native else UNMASKED
        if rule := RULES.get(key):
            sign = rule(self, key, value)
            if sign is not UNMASKED:
                return sign
        return self._of_show(key, value) if self.case.path == "/api/show" else UNMASKED

    def _of_show(self, key: str, value: Any) -> Any:
        if key == "modelfile" and isinstance(value, str):
            return self._modelfile(value)
        if key == "parameters" and isinstance(value, str):
            return "\n".join(sorted(value.split("\n")))
        if key == "template" and isinstance(value, str) and self.jinja:
            return "<the chat template of the weights>"
        if key == "model_info" and isinstance(value, dict):
            retained = {name for name in value if name.endswith(COMPARED_INFO)} | {
                "general.architecture"
            }
            return {name: inner for name, inner in value.items() if name in retained}
        return UNMASKED

    def _modelfile(self, text: str) -> str:
        text = re.sub(r"(?m)^FROM .*$", "FROM <weights>", text)
        text = re.sub(r"(?m)^(RENDERER|PARSER) .*\n", "", text)
        if self.jinja:
            text = TEMPLATE.sub("TEMPLATE <of the weights>\n", text)
        parameters = iter(sorted(re.findall(r"(?m)^PARAMETER .*$", text)))
        return re.sub(r"(?m)^PARAMETER .*$", lambda _: next(parameters), text)


def _time(mask: Mask, key: str, value: Any) -> Any:
    if isinstance(value, Number):
        return _unix(mask, key, value) if key == "created_at" else UNMASKED
    if value is None:
        return UNMASKED
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return f"<not a time: {value}>"
    return "<time>" if int(match[1]) < 2100 else "<never>"


def _unix(mask: Mask, key: str, value: Any) -> Any:
    if not isinstance(value, Number):
        return _time(mask, key, value) if key == "created_at" else UNMASKED
    return "<unix>"


def _elapsed(mask: Mask, key: str, value: Any) -> Any:
    positive = isinstance(value, Number) and not value.startswith("-") and value != "0"
    return "<ns>" if positive else UNMASKED


def _measured(mask: Mask, key: str, value: Any) -> Any:
    if not isinstance(value, Number) or value.startswith("-"):
        return UNMASKED
    if value != REPORTED[key] and mask.case.area != "real":
        mask.durations = True
    return "<ns>"


def _context(mask: Mask, key: str, value: Any) -> Any:
    tokens = isinstance(value, list) and value and all(isinstance(one, Number) for one in value)
    return "<tokens>" if tokens else UNMASKED


def _digest(mask: Mask, key: str, value: Any) -> Any:
    right = isinstance(value, str) and re.fullmatch(r"(sha256:)?[0-9a-f]{64}", value)
    return "<digest>" if right else UNMASKED


def _size(mask: Mask, key: str, value: Any) -> Any:
    return "<size>" if isinstance(value, Number) else UNMASKED


def _version(mask: Mask, key: str, value: Any) -> Any:
    right = mask.case.path == "/api/version" and re.match(r"\d+\.\d+\.\d+", str(value))
    return "<version>" if right else UNMASKED


def _identity(mask: Mask, key: str, value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Number):
        if match := V1_ID.fullmatch(value):
            return match[1] + "…"
        if mask.case.rendered and CALL_ID.fullmatch(value):
            return "call_…"
    return UNMASKED


def _arguments(mask: Mask, key: str, value: Any) -> Any:
    """Models with a template lose the order of keys on the way."""
    if not mask.case.rendered:
        return UNMASKED
    if isinstance(value, dict) and key in ("arguments", "input"):
        return in_key_order(value)
    if isinstance(value, str) and value.startswith("{") and key != "input":
        inner = read(value)
        return UNMASKED if isinstance(inner, str) else write(in_key_order(inner))
    return UNMASKED


def _loaded_context(mask: Mask, key: str, value: Any) -> Any:
    right = mask.case.path == "/api/ps" and isinstance(value, Number)
    return "<context length>" if right else UNMASKED


RULES: dict[str, Callable[[Mask, str, Any], Any]] = {
    **dict.fromkeys(("created_at", "modified_at", "expires_at"), _time),
    **dict.fromkeys(("created", "completed_at"), _unix),
    **dict.fromkeys(("total_duration", "load_duration"), _elapsed),
    **dict.fromkeys(REPORTED, _measured),
    **dict.fromkeys(("size", "size_vram"), _size),
    **dict.fromkeys(("id", "item_id", "request_id", "call_id"), _identity),
    **dict.fromkeys(("arguments", "input", "partial_json", "delta"), _arguments),
    "context": _context,
    "digest": _digest,
    "version": _version,
    "context_length": _loaded_context,
}
