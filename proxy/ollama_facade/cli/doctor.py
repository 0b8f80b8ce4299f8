"""What `ollama-facade check --backend` finds out: whether the backend answers, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ollama_facade.backend.client import Backend
from ollama_facade.backend.detection import detect_by_owner
from ollama_facade.cli.probes import Probe, probe
from ollama_facade.config.settings import Settings
from ollama_facade.errors import BackendError


@dataclass(frozen=True, slots=True)
class Examination:
    """Whether the backend can be used, lines that say what was found and what to do, the table."""

    well: bool
    lines: tuple[str, ...]
    model: str = ""
    probes: tuple[Probe, ...] = ()


async def examine(settings: Settings, model: str = "") -> Examination:
    """Asks the backend of `settings`, and `model` or the first of its list for what it can do."""
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
        asked = model or names[0]
        if asked not in names:
            known = ", ".join(names[:8])
            return Examination(
                well=False, lines=(*lines, f"  it has no model {asked!r}; it has {known}")
            )
        seen = await probe(backend, asked)
        return Examination(any(one.answer for one in seen), tuple(lines), asked, seen)
    finally:
        await backend.close()


async def _advice(settings: Settings, error: BackendError) -> tuple[str, ...]:
    """What to do about a list of models that could not be had."""
    if error.kind == "unreachable":
        return (
            "  nothing listens there: is the backend running, and host and port right?",
            "  in a container 127.0.0.1 is the container itself, not the machine",
        )
    if error.kind == "credentials" or error.status in (401, 403):
        if settings.api_key.get_secret_value():
            return ("  the key in OPENAI_API_KEY is refused: is it of this backend, and valid?",)
        return ("  it wants a key: set OPENAI_API_KEY or OPENAI_API_KEY_FILE",)
    if longer := await _longer(settings):
        return (f"  the address lacks its end: set OPENAI_BASE_URL={longer}",)
    if error.kind == "timeout":
        return ("  it takes connections and does not answer: is it still loading a model?",)
    return ("  that is no OpenAI-compatible server; its address most often ends in /v1",)


async def _longer(settings: Settings) -> str:
    """The address with `/v1` behind it where models are listed there, else an empty text."""
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
    told, listed = settings.dialect, detect_by_owner(entries)
    if told and listed and told != listed:
        return (
            f"  FACADE_DIALECT is {told}, but the list of models is that of {listed}:"
            " unset it or correct it",
        )
    if backend.dialect.name == "default":
        return (
            "  dialect  not recognised: only OpenAI's own parameters are sent; FACADE_DIALECT can"
            " say which it is",
        )
    return (f"  dialect  {backend.dialect.name}",)
