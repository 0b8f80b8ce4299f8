"""Finds the dialect of a backend: by the setting, by its address, or by its list of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ollama_facade.config.settings import Settings
from ollama_facade.errors import SettingsError
from ollama_facade.translate.dialect_table import DIALECTS

_HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "openrouter.ai": "openrouter",
    "openai.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "api.together.ai": "together",
    "api.together.xyz": "together",
    "generativelanguage.googleapis.com": "gemini",
}

_OWNERS: Mapping[str, str] = {
    "llamacpp": "llamacpp",
    "vllm": "vllm",
    "sglang": "sglang",
    "organization_owner": "lmstudio",
    "library": "ollama",
    "deepseek": "deepseek",
}

_LITELLM = ("openai", 1677610602)
"""Owner and time of every model in LiteLLM's list (litellm/constants.py,
DEFAULT_MODEL_CREATED_AT_TIME); OpenAI's own have times of their own."""


def detect(settings: Settings) -> str:
    """Returns the dialect that the setting names or the address belongs to, `""` for neither.

    Raises SettingsError for a FACADE_DIALECT that is none.
    """
    if settings.dialect:
        if settings.dialect not in DIALECTS:
            names = ", ".join(DIALECTS)
            raise SettingsError(f"FACADE_DIALECT={settings.dialect}: it must be one of {names}")
        return settings.dialect
    host = urlsplit(settings.base_url or "").hostname or ""
    return next(
        (name for zone, name in _HOSTS.items() if host == zone or host.endswith("." + zone)), ""
    )


def detect_by_owner(entries: Sequence[Mapping[str, Any]]) -> str:
    """Returns the dialect that the `owned_by` of every model stands for, `""` when none does."""
    if {(entry.get("owned_by"), entry.get("created")) for entry in entries} == {_LITELLM}:
        return "litellm"
    dialects = {_OWNERS.get(str(entry.get("owned_by")), "") for entry in entries}
    return dialects.pop() if len(dialects) == 1 else ""
