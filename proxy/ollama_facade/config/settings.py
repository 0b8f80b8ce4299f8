"""The settings: read once from the environment into one frozen object.

Names are Ollama's where the meaning is Ollama's, the OpenAI SDK's where it is the SDK's, and
`FACADE_…` otherwise. Values that Ollama replaces by the default (a bad port, a bad duration) are
replaced and noted; any other bad value ends the start. `docs/settings.md` is generated from the
descriptions below.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ByteSize, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ollama_facade.clock import SECOND
from ollama_facade.config import parsers
from ollama_facade.errors import SettingsError

FIVE_MINUTES = 300 * SECOND
LENIENT: Mapping[str, Callable[[str], Any]] = {
    "OLLAMA_KEEP_ALIVE": parsers.read_keep_alive,
    "OLLAMA_CONTEXT_LENGTH": parsers.read_unsigned,
    "OLLAMA_MAX_QUEUE": parsers.read_unsigned,
}
"""Settings whose bad value is replaced by the default, as in Ollama, and the parser of each."""


def _setting(variable: str, default: Any, description: str) -> Any:
    return Field(default, validation_alias=variable, description=description)


class Settings(BaseSettings):
    """All settings. Times are seconds, but for `keep_alive` (nanoseconds)."""

    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, extra="forbid", validate_default=False
    )

    host: str = parsers.DEFAULT_HOST
    port: int = Field(parsers.DEFAULT_PORT, ge=0, le=65535)
    origins: parsers.Texts = _setting(
        "OLLAMA_ORIGINS",
        (),
        "Origins of browsers, besides those that Ollama always allows; `*` allows all",
    )
    models: Path | None = _setting(
        "OLLAMA_MODELS",
        None,
        "Folder of YAML files with aliases, presets and corrections of models; "
        "unset: nothing is read or written",
    )
    keep_alive: int = _setting(
        "OLLAMA_KEEP_ALIVE",
        FIVE_MINUTES,
        "How long `ps` shows a model after its last use: a Go duration or seconds; "
        "a negative one is for ever",
    )
    context_length: int = _setting(
        "OLLAMA_CONTEXT_LENGTH", 4096, "Context length of a model of which nothing better is known"
    )
    max_queue: int = _setting(
        "OLLAMA_MAX_QUEUE", 512, "Requests under way at once; one more is answered with 503"
    )
    no_cloud: parsers.Flag = _setting(
        "OLLAMA_NO_CLOUD", False, "Refuse cloud models, as Ollama does with its cloud disabled"
    )
    version: str = _setting(
        "FACADE_OLLAMA_VERSION", "0.33.0", "The version of Ollama that `/api/version` gives"
    )
    base_url: parsers.BackendUrl | None = _setting(
        "OPENAI_BASE_URL", None, "URL of the backend, most often ending in `/v1`"
    )
    api_key: SecretStr = _setting("OPENAI_API_KEY", SecretStr(""), "Key for the backend")
    forward_key: parsers.Flag = _setting(
        "FACADE_FORWARD_KEY",
        False,
        "Pass each client's own key to the backend, never `OPENAI_API_KEY`, which then only asks "
        "for the list of models",
    )
    organization: str | None = _setting("OPENAI_ORG_ID", None, "Sent as OpenAI-Organization")
    project: str | None = _setting("OPENAI_PROJECT_ID", None, "Sent as OpenAI-Project")
    backend_headers: parsers.Headers = _setting(
        "FACADE_BACKEND_HEADERS",
        (),
        "More headers for the backend, one `Name: value` a line, such as `api-key: …`",
    )
    backend_proxy: parsers.ProxyUrl | None = _setting(
        "FACADE_BACKEND_PROXY",
        None,
        "HTTP proxy on the way to the backend; `HTTP_PROXY` and its like are not read",
    )
    backend_ca_file: Path | None = _setting(
        "FACADE_BACKEND_CA_FILE",
        None,
        "Certificates (PEM) that are trusted at the backend besides the system's",
    )
    sender: Annotated[Literal["session", "sdk"], parsers.Lowered] = _setting(
        "FACADE_SENDER",
        "session",
        "How requests are sent: `session`, over aiohttp as the OpenAI SDK would, or `sdk`, by the "
        "SDK itself, at twice the CPU of a chat",
    )
    dialect: Annotated[str, parsers.Lowered] | None = _setting(
        "FACADE_DIALECT",
        None,
        "What kind of backend it is (`vllm`, `llamacpp`, `openai`, …); unset: found out",
    )
    max_body: Annotated[ByteSize, Field(gt=0)] = _setting(
        "FACADE_MAX_BODY",
        ByteSize(32 * 1024 * 1024),
        "Largest body of a request, in bytes or as `32MiB`; a larger one is answered with 413",
    )
    header_timeout: parsers.Seconds = _setting(
        "FACADE_HEADER_TIMEOUT", 10.0, "Time for the head of a request to arrive"
    )
    body_timeout: parsers.Seconds = _setting(
        "FACADE_BODY_TIMEOUT", 30.0, "Time for a body to arrive"
    )
    write_timeout: parsers.Seconds = _setting(
        "FACADE_WRITE_TIMEOUT", 60.0, "Time for a client to take what is sent to it"
    )
    first_token_timeout: parsers.Seconds = _setting(
        "FACADE_FIRST_TOKEN_TIMEOUT", 600.0, "Time for the backend's answer to begin"
    )
    idle_timeout: parsers.Seconds = _setting(
        "FACADE_IDLE_TIMEOUT", 120.0, "Longest silence of the backend in the middle of an answer"
    )
    tail_timeout: parsers.Seconds = _setting(
        "FACADE_TAIL_TIMEOUT", 2.0, "Wait for the usage after the backend said that it finished"
    )
    connect_timeout: parsers.Seconds = _setting(
        "FACADE_CONNECT_TIMEOUT", 5.0, "Time to connect to the backend"
    )
    drain_timeout: parsers.NonNegativeSeconds = _setting(
        "FACADE_DRAIN_TIMEOUT", 25.0, "Time that answers under way get when the service is stopped"
    )
    models_ttl: parsers.NonNegativeSeconds = _setting(
        "FACADE_MODELS_TTL", 5.0, "How long the backend's list of models is kept"
    )
    allowed_hosts: parsers.LowerTexts = _setting(
        "FACADE_ALLOWED_HOSTS", (), "Host names that requests may come to, besides the local ones"
    )
    api_keys: parsers.Secrets = _setting(
        "FACADE_API_KEYS",
        (),
        "Keys of which clients must send one as `Authorization: Bearer` (the official clients do, "
        "from `OLLAMA_API_KEY`), on `/v1/` also as `x-api-key`; unset: none is asked for",
    )
    metrics: parsers.Flag = _setting(
        "FACADE_METRICS", True, "Count what happens and tell it at `/metrics`, for Prometheus"
    )
    metrics_host: parsers.HostPort | None = _setting(
        "FACADE_METRICS_HOST",
        None,
        "`HOST:PORT` of a listener of its own for `/metrics`, `/healthz` and `/readyz`, which asks "
        "for no key; `/metrics` is then not at OLLAMA_HOST",
    )
    ui: parsers.Flag = _setting("FACADE_UI", True, "Serve the page `/ui` for people, without a key")
    docs: parsers.Flag = _setting(
        "FACADE_DOCS", True, "Serve `/docs`, `/openapi.json` and `/openapi.yaml`, without a key"
    )
    log_format: Annotated[Literal["console", "json"], parsers.Lowered] = _setting(
        "FACADE_LOG_FORMAT", "console", "`console` or `json`"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], parsers.Lowered] = _setting(
        "FACADE_LOG_LEVEL", "info", "`debug`, `info`, `warning` or `error`"
    )
    notes: tuple[str, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Takes arguments as the only source: `load` alone reads the environment."""
        return (init_settings,)


def variables() -> dict[str, str]:
    """Returns the environment variable of each field that has one of its own."""
    return {
        name: field.validation_alias
        for name, field in Settings.model_fields.items()
        if isinstance(field.validation_alias, str)
    }


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Reads the settings from `environ`, by default the environment of the process.

    An empty variable counts as unset. Raises SettingsError: one line that names the setting.
    """
    environ = os.environ if environ is None else environ
    notes: list[str] = []
    values: dict[str, Any] = {}
    for variable in variables().values():
        text = parsers.text_of(environ, variable)
        if not text:
            continue
        if variable in LENIENT:
            value = parsers.parse_or_default(variable, text, LENIENT[variable], notes)
            if value is not None:
                values[variable] = value
        else:
            values[variable] = text
    if not values.get("OLLAMA_CONTEXT_LENGTH"):
        values.pop("OLLAMA_CONTEXT_LENGTH", None)
    host, port = parsers.address(parsers.text_of(environ, "OLLAMA_HOST"), notes)
    try:
        return Settings(host=host, port=port, notes=tuple(notes), **values)
    except ValidationError as error:
        raise SettingsError(parsers.describe(error)) from None
