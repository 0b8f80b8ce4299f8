"""What changes models: pull, push, create, copy, delete and the blobs (management.md §3.7-3.13).

Every frame is true: a model that the backend serves is here already, so pulling it succeeds;
nothing is uploaded, and no weights are kept, so push and blobs are refused.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ollama_facade import names
from ollama_facade.catalog import checks, entry
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote
from ollama_facade.names import Reference
from ollama_facade.operations.context import Empty, Json, NdjsonStream, RequestContext
from ollama_facade.operations.services import Services

Body = Mapping[str, Any]
Batches = AsyncIterator[list[dict[str, Any]]]

PULL_FAILED = "pull model manifest: file does not exist"
"""Ollama's text for a model that its registry does not have; its command looks for it.

(management.md §3.8)
"""

_DIGEST = re.compile(r"sha256[:-][0-9a-fA-F]{64}")
_HOST = re.compile(r"(?:https?://)?(?:[A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\])(?::\d{1,5})?(?:/.*)?")
_FORBIDDEN_PARTS = ("", ".", "..")


class Management:
    """The operations that change models."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog

    async def pull(self, body: Body, context: RequestContext) -> NdjsonStream | Json:
        """`POST /api/pull`: the frames of a model that is there, else Ollama's error.

        (management.md §3.8) Raises OllamaError(400) for an invalid name, BackendError when the
        backend does not say what it has.
        """
        target = _legacy(names.reference(entry.name_of(body)))
        model = await self._catalog.find(target) if target else None
        if model is None and names.parse(target) is None:
            raise OllamaError(400, "invalid model name")
        return await _progress(_pulled(model is not None), body, context)

    async def push(self, body: Body, context: RequestContext) -> NdjsonStream | Json:
        """`POST /api/push`: refused after the first frame, as Ollama's own failures come.

        (management.md §3.9) Raises OllamaError(400) without a name.
        """
        target = entry.name_of(body)
        if not target:
            raise OllamaError(400, "model is required")
        model = await self._catalog.find(target)
        return await _progress(_refused_push(target, model is not None), body, context)

    async def create(self, body: Body, context: RequestContext) -> NdjsonStream | Json:
        """`POST /api/create`: a preset over a model that is there (management.md §3.10).

        Raises OllamaError(400) for a path, a digest or a name that is not one: no answer has begun.
        """
        _check_files(body)
        if names.parse(entry.name_of(body)) is None:
            raise OllamaError(400, "invalid model name")
        return await _progress(self._created(body), body, context)

    async def copy(self, body: Body, context: RequestContext) -> Empty:  # noqa: ARG002 - the form of an operation
        """`POST /api/copy` (management.md §3.11). Raises OllamaError: 400, 403, 404."""
        source = body.get("source") or ""
        destination = body.get("destination") or ""
        if names.parse(source) is None and not (source and await self._catalog.find(source)):
            raise OllamaError(400, f"source {quote(source)} is invalid")
        if names.parse(destination) is None:
            raise OllamaError(400, f"destination {quote(destination)} is invalid")
        await self._catalog.copy(source, destination)
        return Empty()

    async def delete(self, body: Body, context: RequestContext) -> Empty:  # noqa: ARG002 - the form of an operation
        """`DELETE /api/delete` (management.md §3.12).

        Raises OllamaError: 404 when there is no such model, 400 for a bad name or a model of the
        backend, 403 when the folder is not writable.
        """
        raw = entry.name_of(body)
        reference = names.reference(raw)
        if not names.trim(raw):
            raise OllamaError(400, "model is required")
        target = _legacy(reference)
        model = await self._catalog.find(target) if target else None
        if model is None:
            if names.parse(target) is None:
                raise OllamaError(400, f"name {quote(raw)} is invalid")
            raise OllamaError(404, f"model '{raw}' not found")
        await self._catalog.delete(target)
        return Empty()

    async def head_blob(self, context: RequestContext) -> Empty:
        """`HEAD /api/blobs/:digest`: no blob is here. Raises OllamaError(400), (404).

        (management.md §3.13)
        """
        digest = _checked_digest(context)
        raise OllamaError(404, f"blob {quote(digest)} not found")

    async def create_blob(self, context: RequestContext) -> Empty:
        """`POST /api/blobs/:digest`: refused, the body unread. Raises OllamaError(400), (501)."""
        _checked_digest(context)
        raise checks.weights_refused("uploading files")

    async def _created(self, body: Body) -> Batches:
        """The frames of create; what is wrong with the request is raised before the first one."""
        raw = body.get("from") or ""
        if not raw:
            if body.get("files") is None:
                raise OllamaError(400, "neither 'from' or 'files' was specified")
            checks.check_weights(body)
            raise OllamaError(400, "unknown type")
        base, source = _base(raw)
        target = raw
        model = await self._catalog.find(raw)
        if model is None:
            target = base
            model = await self._catalog.find(base)
        if model is None and names.parse(base) is None:
            raise OllamaError(400, "invalid model name")
        _check_remote(body)
        if model is None:
            if source == "":
                yield [{"status": "pulling manifest"}]
            raise OllamaError(500, PULL_FAILED)
        async for frame in self._catalog.create({**body, "from": target}):
            yield [frame]


async def _progress(batches: Batches, body: Body, context: RequestContext) -> NdjsonStream | Json:
    """The frames as they come, or only the last one when `stream` is false (management.md §1.5).

    A failure has its status then, and a media type without charset like the frames
    (management.md §1.4).
    """
    if body.get("stream") is not False:
        return NdjsonStream(batches)
    last: dict[str, Any] = {}
    try:
        async for batch in batches:
            last = batch[-1]
    except OllamaError as error:
        context.response_headers.update(error.headers)
        value = {"error": error.message, **error.fields}
        return Json(value, error.status, "application/json")
    return Json(last, media_type="application/json")


async def _pulled(is_here: bool) -> Batches:
    yield [{"status": "pulling manifest"}]
    if not is_here:
        raise OllamaError(500, PULL_FAILED)
    # No frames of layers: nobody tells how large they are, and Ollama too leaves out small ones.
    yield [
        {"status": "verifying sha256 digest"},
        {"status": "writing manifest"},
        {"status": "success"},
    ]


async def _refused_push(target: str, is_here: bool) -> Batches:
    yield [{"status": "retrieving manifest"}]
    if not is_here:
        yield [{"status": "couldn't retrieve manifest"}]
        if names.parse(target) is None:
            raise OllamaError(500, f"unqualified name: {_filled_in(target)}")
        raise OllamaError(500, f"model '{target}' not found")
    raise OllamaError(
        500, "push is not supported: the weights of every model belong to the backend"
    )


def _legacy(reference: Reference) -> str:
    """The name that Ollama keeps a cloud model under: `m:20b:cloud` is `m:20b-cloud`.

    (management.md §3.8)
    """
    base = reference.base
    if reference.source != "cloud":
        return base
    return base + ("-cloud" if ":" in base.rpartition("/")[2] else ":cloud")


def _base(raw: str) -> tuple[str, str]:
    """`from` without its source, and the source. Whatever is wrong with it has one text.

    (management.md §3.10)
    """
    try:
        reference = names.reference(raw)
    except OllamaError:
        raise OllamaError(400, "invalid model name") from None
    return _legacy(reference), reference.source


def _check_files(body: Body) -> None:
    """Paths and digests, in Ollama's order (create.go:70-101)."""
    for field in ("files", "draft_files"):
        for path, digest in (body.get(field) or {}).items():
            if any(part in _FORBIDDEN_PARTS for part in path.split("/")) and path != ".":
                raise OllamaError(400, "file path must be relative")
            if not digest:
                raise OllamaError(400, "invalid digest format")
    if body.get("draft_quantize") and not body.get("draft_files"):
        raise OllamaError(400, "--draft-quantize requires a DRAFT model")
    if any(not digest for digest in (body.get("adapters") or {}).values()):
        raise OllamaError(400, "invalid digest format")


def _check_remote(body: Body) -> None:
    """No request says which host is asked: a stub of another one's model is refused."""
    remote = body.get("remote_host")
    if not remote:
        return
    if not _HOST.fullmatch(remote):
        raise OllamaError(400, "bad remote")
    raise OllamaError(
        checks.NOT_IMPLEMENTED,
        "models of other hosts are not supported: every model is served by the one backend",
    )


def _checked_digest(context: RequestContext) -> str:
    digest = context.path.get("digest", "")
    if not _DIGEST.fullmatch(digest):
        raise OllamaError(400, "invalid digest format")
    return digest


def _filled_in(text: str) -> str:
    """All four parts of an invalid name, as its error shows them (golden names/push-invalid)."""
    rest, tag = text, names.TAG
    if text.rfind(":") > text.rfind("/"):
        rest, _, tag = text.rpartition(":")
    before, _, model = rest.rpartition("/")
    host, _, namespace = before.rpartition("/")
    return f"{host or names.HOST}/{namespace or names.NAMESPACE}/{model}:{tag}"
