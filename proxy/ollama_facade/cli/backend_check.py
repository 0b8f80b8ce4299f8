"""Examines a backend for `check --backend` and gives advice when it does not answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ollama_facade.backend.client import Backend
from ollama_facade.backend.detection import detect_by_owner
from ollama_facade.cli.probes import Probe, run_probes
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError


@dataclass(frozen=True, slots=True)
class Examination:
    """The result of an examination."""

    well: bool
    """Whether the backend can be used."""
    lines: tuple[str, ...]
    """What was found, and advice."""
    model: str = ""
    probes: tuple[Probe, ...] = ()


async def examine(settings: Settings, model: str = "") -> Examination:
    """Examines the backend of `settings` with `model`, or with the first model that it lists."""
    base = settings.base_url or ""
    backend = Backend(settings)
    try:
        try:
            entries = await backend.models()
        except BackendError as error:
            advice = await _advice(settings, error)
            return Examination(well=False, lines=(f"backend  {base}: {error.message}", *advice))
        names = [str(entry.get("id", "")) for entry in entries]
        lines = [
            f"backend  {base}: {len(names)} models",
            *_dialect_lines(settings, backend, entries),
        ]
        if not names:
            return Examination(
                well=False, lines=(*lines, "  it lists no models: load or enable one there")
            )
        model = model or names[0]
        if model not in names:
            text = f"  it has no model {model!r}; it has {', '.join(names[:8])}"
            return Examination(well=False, lines=(*lines, text))
        probes = await run_probes(backend, model)
        return Examination(any(probe.answer for probe in probes), tuple(lines), model, probes)
    finally:
        await backend.close()


async def _advice(settings: Settings, error: BackendError) -> tuple[str, ...]:
    """Advises what to do when the list of models cannot be fetched."""
    if error.kind == "unreachable":
        return (
            "  nothing listens there: is the backend running, and host and port right?",
            "  in a container 127.0.0.1 is the container itself, not the machine",
        )
    if error.kind == "credentials" or error.status in (401, 403):
        if settings.api_key.get_secret_value():
            return ("  the key in OPENAI_API_KEY is refused: is it of this backend, and valid?",)
        return ("  it wants a key: set OPENAI_API_KEY or OPENAI_API_KEY_FILE",)
    if longer := await _longer_url(settings):
        return (f"  the address lacks its end: set OPENAI_BASE_URL={longer}",)
    if error.kind == "timeout":
        return ("  it takes connections and does not answer: is it still loading a model?",)
    return ("  that is no OpenAI-compatible server; its address most often ends in /v1",)


async def _longer_url(settings: Settings) -> str:
    """Returns the address with `/v1` appended if models are listed there, else an empty text."""
    longer = f"{(settings.base_url or '').rstrip('/')}/v1"
    if longer.endswith("/v1/v1"):
        return ""
    backend = Backend(settings.model_copy(update={"base_url": longer}))
    try:
        await backend.models()
    except BackendError:
        return ""
    finally:
        await backend.close()
    return longer


def _dialect_lines(
    settings: Settings, backend: Backend, entries: list[dict[str, Any]]
) -> tuple[str, ...]:
    configured, listed = settings.dialect, detect_by_owner(entries)
    if configured and listed and configured != listed:
        return (
            f"  FACADE_DIALECT is {configured}, but the list of models is that of {listed}:"
            " unset it or correct it",
        )
    if backend.dialect.name == "default":
        return (
            "  dialect  not recognised: only OpenAI's own parameters are sent; FACADE_DIALECT can"
            " say which it is",
        )
    return (f"  dialect  {backend.dialect.name}",)
