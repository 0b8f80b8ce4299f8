"""Finds the model that a request names (inference.md §3, management.md §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ollama_facade import names
from ollama_facade.catalog.registry import Catalog
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.names import Name, Reference
from ollama_facade.translate.models import Model


@dataclass(frozen=True, slots=True)
class Refusals:
    """What one endpoint answers when there is no model.

    `missing` and `unknown` are a status and a function from the name to the text of the error.
    `cloud` is what Ollama's cloud would have been asked for.
    """

    missing: tuple[int, Callable[[str], str]]
    unknown: tuple[int, Callable[[str], str]]
    cloud: str = "remote model is unavailable"
    exact_case: bool = False
    normalised: bool = False


def _required(_name: str) -> str:
    return "model is required"


def _not_found(name: str) -> str:
    return f"model '{name}' not found"


def _not_pulled(name: str) -> str:
    return f"model {quote(name)} not found, try pulling it first"


REFUSALS: Mapping[str, Refusals] = {
    "generate": Refusals(missing=(404, _not_found), unknown=(404, _not_found)),
    "chat": Refusals(missing=(400, _required), unknown=(404, _not_found)),
    "embed": Refusals(missing=(404, _not_found), unknown=(404, _not_pulled)),
    "embeddings": Refusals(missing=(400, _required), unknown=(404, _not_pulled), exact_case=True),
    "show": Refusals(
        missing=(400, _required),
        unknown=(404, _not_found),
        cloud="remote model details are unavailable",
        normalised=True,
    ),
}
"""The table of management.md §2.4. Only show names the model as it is displayed, not as typed."""


def cloud_disabled(operation: str) -> OllamaError:
    """What a server with its cloud switched off answers (golden cloud/disabled-*)."""
    return OllamaError(403, f"ollama cloud is disabled: {operation}")


def refuse_cloud(name: str, settings: Settings) -> None:
    """Raises OllamaError(403) for a name of Ollama's cloud when that is switched off.

    On OpenAI's routes Ollama looks for it before its translators look at anything else.
    """
    reference = names.reference(name)
    if reference.source == "cloud" and settings.no_cloud and names.parse(reference.base):
        raise cloud_disabled("remote model is unavailable")


async def installed(catalog: Catalog, raw: str, endpoint: str, settings: Settings) -> Model:
    """The model that `raw` means to `endpoint`, a key of `REFUSALS`.

    What the backend lists is found even under an id that is no name for Ollama (``a/b/c/d``), or
    that looks like one of its cloud (an Ollama as backend). Raises OllamaError: the endpoint's own
    for a missing or unknown name; 400 for an invalid one or for two sources; 403 for a name of the
    cloud when that is switched off. Raises BackendError when the backend does not say what it has.
    """
    refusals = REFUSALS[endpoint]
    reference = names.reference(raw)
    if not reference.base and not reference.source:
        status, text = refusals.missing
        raise OllamaError(status, text(raw))
    if reference.source == "cloud" and settings.no_cloud and names.parse(reference.base):
        raise cloud_disabled(refusals.cloud)
    for spelling in _spellings(reference):
        model = await catalog.find(spelling, exact_case=refusals.exact_case)
        if model is not None:
            return model
    name = names.parse(reference.base)
    if name is None:
        raise OllamaError(400, "invalid model name")
    status, text = refusals.unknown
    raise OllamaError(status, text(await _displayed(catalog, reference, name, refusals)))


def _spellings(reference: Reference) -> tuple[str, ...]:
    """What to look for: a source is Ollama's word first, but may be a tag of the backend's."""
    spelling = names.trim(reference.raw)
    if reference.source == "local":
        return reference.base, spelling
    return (spelling,)


async def _displayed(catalog: Catalog, reference: Reference, name: Name, refusals: Refusals) -> str:
    """The name in the text of the error: as typed, or with its tag and the known spelling.

    (management.md §2.3)

    A model of the cloud keeps its suffix, or the text would name another model.
    """
    if not refusals.normalised:
        return reference.raw
    if reference.source == "cloud":
        return names.trim(reference.raw)
    listed = [each for model in await catalog.models() if (each := names.parse(model.name))]

    def spelled(part: str, spellings: list[str]) -> str:
        return next((text for text in spellings if text.casefold() == part.casefold()), part)

    return Name(
        spelled(name.host, [each.host for each in listed]),
        spelled(name.namespace, [each.namespace for each in listed]),
        spelled(name.model, [each.model for each in listed]),
        spelled(name.tag, [each.tag for each in listed]),
    ).display()
