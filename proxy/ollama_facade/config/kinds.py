"""The kinds of values that settings have: how each is read from text, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from ollama_facade.config import environment


def _listed(value: Any) -> Any:
    return environment.read_list(value) if isinstance(value, str) else value


def _flag(value: Any) -> Any:
    return environment.read_bool(value) if isinstance(value, str) else value


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _headers(value: Any) -> Any:
    return environment.read_headers(value) if isinstance(value, str) else value


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _backend_url(text: str) -> str:
    if not _is_http(text):
        raise ValueError("it must be an http:// or https:// URL, such as http://127.0.0.1:8000/v1")
    return text


def _proxy_url(secret: SecretStr) -> SecretStr:
    if not _is_http(secret.get_secret_value()):
        raise ValueError("it must be an http:// or https:// URL, such as http://proxy:3128")
    return secret


def _place(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError("it must be HOST:PORT, such as 127.0.0.1:9090")
    return host.removeprefix("[").removesuffix("]"), int(port)


Flag = Annotated[bool, BeforeValidator(_flag)]
Lowered = BeforeValidator(_lowered)
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
NonNegativeSeconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]
LowerTexts = Annotated[tuple[str, ...], BeforeValidator(lambda value: _listed(_lowered(value)))]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_listed)]
BackendUrl = Annotated[str, AfterValidator(_backend_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy_url)]
Headers = Annotated[tuple[tuple[str, SecretStr], ...], BeforeValidator(_headers)]
"""Names and values; the values may be keys."""
HostPort = Annotated[tuple[str, int], BeforeValidator(_place)]
"""Host and port."""
