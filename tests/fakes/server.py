"""A server that answers as the recordings of Ollama do, with a model that needs no weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from ollama_facade import contract, names
from ollama_facade.contract.decoder import decoder
from ollama_facade.errors import OllamaError
from ollama_facade.server.cors import CorsPolicy
from tests.fakes.exchange import JSON, NDJSON, Handle, Reply, Request, Server
from tests.fakes.generation import Generation
from tests.fakes.models import Store, error

PLAIN = "text/plain"
BLOB = re.compile(r"/api/blobs/(?P<digest>[^/]+)")
DIGEST = re.compile(r"sha256[:-][0-9a-fA-F]{64}")
ROUTES = {
    "/": ("HEAD", "GET"),
    "/api/version": ("HEAD", "GET"),
    "/api/tags": ("HEAD", "GET"),
    "/api/status": ("GET",),
    "/api/ps": ("GET",),
    **{
        f"/api/{name}": ("POST",)
        for name in (
            "chat",
            "generate",
            "embed",
            "embeddings",
            "show",
            "copy",
            "create",
            "pull",
            "push",
        )
    },
    "/api/delete": ("DELETE",),
    "/api/me": ("POST",),
}
BODIES = {
    "/api/chat": "ChatRequest",
    "/api/generate": "GenerateRequest",
    "/api/embed": "EmbedRequest",
    "/api/embeddings": "EmbeddingRequest",
    "/api/show": "ShowRequest",
    "/api/copy": "CopyRequest",
    "/api/create": "CreateRequest",
    "/api/pull": "PullRequest",
    "/api/push": "PushRequest",
    "/api/delete": "DeleteRequest",
}
Defect = Callable[[Request, Handle], Reply]
"""Answers wrongly; the handle beneath answers rightly."""


class Ollama:
    """The faithful one."""

    def __init__(self) -> None:
        self.store = Store()
        self.speaks = Generation(self.store)
        self.origins = CorsPolicy()

    def __call__(self, request: Request) -> Reply:
        """The answer to a request, with what a browser needs."""
        origin = request.headers.get("origin", "")
        more: dict[str, str] = {}
        if origin and origin.partition("://")[2] != request.headers.get("host"):
            if not self.origins.allows(origin):
                return Reply(403, media=None)
            if request.method == "OPTIONS":
                stated = self.origins.preflight(origin.encode())
                known = ROUTES.get(request.path)
                allow = {"Allow": ", ".join(known)} if known else {}
                reported = {_text(k): _text(v) for k, v in stated}
                return Reply(204, media=None, headers={**reported, **allow})
            more = {_text(k): _text(v) for k, v in self.origins.headers(origin.encode())}
        reply = self._route(request)
        reply.headers.update(more)
        return reply

    def _route(self, request: Request) -> Reply:
        path = request.path
        if blob := BLOB.fullmatch(path):
            return self._blob(request, blob["digest"])
        if path not in ROUTES:
            if path.rstrip("/") in ROUTES and path != "/":
                moved = 301 if request.method == "GET" else 307
                page = {"Location": path.rstrip("/") + request.query}
                return Reply(moved, "", media="text/html; charset=utf-8", headers=page)
            return Reply(404, "404 page not found", media=PLAIN)
        if request.method not in ROUTES[path]:
            return _not_allowed(ROUTES[path])
        if path == "/api/me":
            return error(503, "account unavailable")
        if path not in BODIES:
            return getattr(self, "get_" + (path.rpartition("/")[2] or "root"))()
        try:
            return self._posted(path, decoder(BODIES[path]).decode(request.body))
        except OllamaError as fault:
            return error(fault.status, fault.message)

    def _posted(self, path: str, body: dict[str, Any]) -> Reply:
        name = path.rpartition("/")[2]
        if name in ("chat", "generate", "embed", "embeddings"):
            stated: Reply = getattr(self.speaks, name)(body)
        else:
            stated = getattr(self, name)(body)
        return stated

    def get_root(self) -> Reply:
        return Reply(body="Ollama is running", media="text/plain; charset=utf-8")

    def get_version(self) -> Reply:
        return Reply(body={"version": "0.33.0"})

    def get_status(self) -> Reply:
        return Reply(body={"cloud": {"disabled": False, "source": "none"}})

    def get_tags(self) -> Reply:
        listed = sorted(self.store.models.values(), key=lambda model: model.made, reverse=True)
        return Reply(body={"models": [model.entry() for model in listed]})

    def get_ps(self) -> Reply:
        found = [(self.store.find(name), until) for name, until in self.store.loaded.items()]
        return Reply(body={"models": [model.loaded(until) for model, until in found if model]})

    def show(self, body: dict[str, Any]) -> Reply:
        name = str(body.get("model") or body.get("name") or "").strip()
        if not name:
            return error(400, "model is required")
        parsed = names.parse(names.reference(name).base)
        shown = parsed.display() if parsed else name
        if refused := self.store.refused(name, "model '{name}' not found".replace("{name}", shown)):
            return refused
        model = self.store.find(name)
        assert model is not None
        return Reply(body=model.show(body.get("system") or None))

    def copy(self, body: dict[str, Any]) -> Reply:
        for key in ("source", "destination"):
            if names.parse(str(body.get(key) or "")) is None:
                return error(400, f'{key} "{body.get(key) or ""}" is invalid')
        model = self.store.find(body["source"])
        if model is None:
            return error(404, f'model "{body["source"]}" not found')
        self.store.add(body["destination"], model)
        return Reply(media=None)

    def create(self, body: dict[str, Any]) -> Reply:
        if names.parse(str(body.get("model") or body.get("name") or "")) is None:
            return error(400, "invalid model name")
        if any(file.startswith(("/", "..")) for file in body.get("files") or ()):
            return error(400, "file path must be relative")
        if not body.get("from"):
            return error(400, "neither 'from' or 'files' was specified")
        if names.parse(body["from"]) is None:
            return error(400, "invalid model name")
        model = self.store.find(body["from"])
        if model is None:
            return _progress(body, ["pulling manifest"], "pull model manifest: file does not exist")
        self.store.add(body["model"], model, str(body.get("system") or ""))
        layer = f"using existing layer sha256:{model.digest}"
        return _progress(body, [layer, "writing manifest", "success"])

    def pull(self, body: dict[str, Any]) -> Reply:
        name = str(body.get("model") or body.get("name") or "")
        if names.parse(name) is None:
            return error(400, "invalid model name")
        if self.store.find(name):
            steps = ["pulling manifest", "verifying sha256 digest", "writing manifest", "success"]
            return _progress(body, steps)
        return _progress(body, ["pulling manifest"], "pull model manifest: file does not exist")

    def push(self, body: dict[str, Any]) -> Reply:
        if not (body.get("model") or body.get("name")):
            return error(400, "model is required")
        name = str(body.get("model") or body.get("name"))
        if names.parse(name) is None:
            fault = f"unqualified name: registry.ollama.ai/library/{name}:latest"
            return _progress(body, ["retrieving manifest"], fault)
        return _progress(body, ["retrieving manifest"], "unauthorized: access denied")

    def delete(self, body: dict[str, Any]) -> Reply:
        name = str(body.get("model") or body.get("name") or "")
        if not name:
            return error(400, "model is required")
        if names.parse(names.reference(name).base) is None:
            return error(400, f'name "{name}" is invalid')
        model = self.store.find(name)
        if model is None:
            return error(404, f"model '{name}' not found")
        self.store.remove(model)
        return Reply(media=None)

    def _blob(self, request: Request, digest: str) -> Reply:
        if request.method not in ("HEAD", "POST"):
            return _not_allowed(("HEAD", "POST"))
        if not DIGEST.fullmatch(digest):
            return error(400, "invalid digest format")
        known = digest in self.store.blobs
        if request.method == "HEAD":
            return Reply(200, media=None) if known else error(404, "")
        found = "sha256:" + hashlib.sha256(request.body).hexdigest()
        if found != digest:
            return error(400, f'digest mismatch, expected "{digest}", got "{found}"')
        self.store.blobs.add(digest)
        return Reply(200 if known else 201, media=None)


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _not_allowed(methods: Sequence[str]) -> Reply:
    return Reply(405, "405 method not allowed", media=PLAIN, headers={"Allow": ", ".join(methods)})


def _progress(body: dict[str, Any], steps: Sequence[str], fault: str = "") -> Reply:
    if body.get("stream") is False:
        if fault:
            return Reply(500, {"error": fault}, media=JSON)
        return Reply(body={"status": steps[-1]})
    frames = [{"status": step} for step in steps] + ([{"error": fault}] if fault else [])
    return Reply(frames=frames, media=NDJSON)


def serving(*defects: Defect) -> Server:
    """A server with these defects, the last of them outermost; none: the faithful one."""
    contract.schema("ChatRequest")
    handle: Handle = Ollama()
    for defect in defects:
        handle = _planted(defect, handle)
    return Server(handle)


def _planted(defect: Defect, beneath: Handle) -> Handle:
    return lambda request: defect(request, beneath)
