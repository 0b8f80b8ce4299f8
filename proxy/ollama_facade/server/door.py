"""The outermost ASGI application: what Ollama's server does before a handler sees a request.

In this order: redirects, CORS, the Host rule, 404, 405 (management.md §1.2, §1.6, §1.7), the key
where one is asked for, the limit of requests under way, the body under a limit and a deadline
(faults.md rows 6, 7, 22, 23, 38, 40). From then on only the client's leaving can still come, and
then the whole call is cancelled. The application finds in the scope:

    facade.body      the whole body, bytes (empty for a blob, whose body is never read)
    facade.started   when the request arrived, monotonic nanoseconds
    facade.record    what the log line will say; `model` is to be filled in
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from ollama_facade.clock import Clock
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.server.answers import PLAIN, Headers, answer, error_response
from ollama_facade.server.body import whole_body
from ollama_facade.server.cors import CorsPolicy, is_cross_origin
from ollama_facade.server.disconnect import DisconnectWatcher
from ollama_facade.server.health import UNLOGGED
from ollama_facade.server.hosts import HostKind, HostPolicy
from ollama_facade.server.keys import PUBLIC, Keys, authorized
from ollama_facade.server.logging import RequestRecord, log_request
from ollama_facade.server.metrics import Metrics
from ollama_facade.server.request_head import UNREAD, RequestHead
from ollama_facade.server.response_writer import CutError, ResponseWriter
from ollama_facade.server.routing import (
    QUEUED,
    Answer,
    Paths,
    Route,
    cleaned,
    is_malformed,
    no_path,
    redirect_slash,
    redirect_to_clean,
)
from ollama_facade.server.shutdown import Shutdown, ShutdownGuard

_BUSY = "server busy, please try again.  maximum pending requests exceeded"

_log = structlog.get_logger(__name__)


class Door:
    """Wraps `app`. `table` maps path templates to their methods (`paths.routes`).

    Raises SettingsError for an origin at which Ollama would not start.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        clock: Clock,
        table: Mapping[str, Sequence[str]],
        meter: Metrics | None = None,
        stopping: Shutdown | None = None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._settings = settings
        self._paths = Paths(table)
        self._origins = CorsPolicy(settings.origins)
        self._hosts = HostPolicy(
            settings.host, settings.allowed_hosts, any_origin=self._origins.all
        )
        self._keys = Keys(settings.api_keys)
        self._capacity = max(1, settings.max_queue)
        self.under_way = 0
        self._meter = meter
        self._stopping = stopping or Shutdown()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; `lifespan` goes through as it is, websockets are closed."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        visit = RequestHead(scope)
        record = RequestRecord(
            visit.method, visit.target, self._clock.monotonic(), visit.request_id
        )
        route = self._paths.find(visit.path)
        record.route = route.template if route else ""
        record.quiet = record.route in UNLOGGED
        meter = None if record.quiet else self._meter
        extra: Headers = [(b"x-request-id", visit.request_id.encode())]
        outgoing = ResponseWriter(send, record, self._settings.write_timeout, extra)
        self._stopping.under_way += 1
        if meter:
            meter.arrived()
        try:
            ready = self._own_answer(visit, route, extra)
            refusal = None if ready is not None else self._refusal(visit, scope)
            if (ready or refusal) and visit.costs_connection:
                outgoing.close_after()
            if ready is not None:
                await answer(outgoing.send, *ready)
            elif refusal is not None:
                await error_response(outgoing.send, refusal, visit.path)
            else:
                await self._admit(visit, scope, receive, outgoing, record)
            await outgoing.finish(receive)
        except CutError:
            raise
        except Exception:  # noqa: BLE001 - a bug of the door's own
            _log.exception("request failed")
            await outgoing.give_up(receive)
        finally:
            self._stopping.under_way -= 1
            finished = self._clock.monotonic()
            log_request(record, finished)
            if meter:
                meter.ended(record.seen(finished))

    def _refusal(self, visit: RequestHead, scope: Scope) -> OllamaError | None:
        """The error for a request that comes too late or without a key."""
        late = self._stopping.begun and visit.path not in PUBLIC | UNLOGGED
        return self._stopping.refusal if late else self._keys.refusal(visit.path, scope["headers"])

    def _own_answer(self, visit: RequestHead, route: Route | None, extra: Headers) -> Answer | None:
        """The answer that needs no application, or None. Fills in the headers every answer gets."""
        method = visit.method
        if not visit.raw_path.startswith("/"):
            return no_path(method, visit.raw_path)
        if is_malformed(visit.raw_path):
            return 400, [PLAIN], b"400 Bad Request"
        clean = cleaned(visit.raw_path)
        if clean != visit.raw_path and method != "CONNECT":
            return redirect_to_clean(clean, visit.query, method)
        if route is None:
            other = self._paths.with_other_slash(visit.path, method)
            if other is not None:
                return redirect_slash(other, visit.prefix, visit.query, method)
        allow: Headers = []
        if route is not None and method not in route.methods:
            allow.append((b"allow", route.allow))
        return self._guard(visit, route, extra, allow)

    def _guard(
        self, visit: RequestHead, route: Route | None, extra: Headers, allow: Headers
    ) -> Answer | None:
        if is_cross_origin(visit.origin, visit.host):
            if not self._origins.allows(visit.origin.decode("latin-1")):
                return 403, allow, b""
            if visit.method == "OPTIONS":
                return 204, [*allow, *self._origins.preflight(visit.origin)], b""
            extra += self._origins.headers(visit.origin)
        verdict = self._hosts.verdict(visit.host.decode("latin-1"))
        if verdict is HostKind.REFUSED:
            return 403, allow, b""
        if verdict is HostKind.NAME and visit.method == "OPTIONS":
            return 204, allow, b""
        if route is None:
            return 404, [PLAIN], b"404 page not found"
        if allow:
            return 405, [*allow, PLAIN], b"405 method not allowed"
        return None

    async def _admit(
        self,
        visit: RequestHead,
        scope: Scope,
        receive: Receive,
        outgoing: ResponseWriter,
        record: RequestRecord,
    ) -> None:
        """Takes a place in the queue, where the path needs one, until the request is over."""
        if visit.method != "POST" or visit.path not in QUEUED:
            await self._serve(visit, scope, receive, outgoing, record)
        elif self.under_way >= self._capacity:
            record.outcome = "busy"
            if visit.costs_connection:
                outgoing.close_after()
            await error_response(outgoing.send, OllamaError(503, _BUSY), visit.path)
        else:
            self.under_way += 1
            try:
                await self._serve(visit, scope, receive, outgoing, record)
            finally:
                self.under_way -= 1

    async def _serve(
        self,
        visit: RequestHead,
        scope: Scope,
        receive: Receive,
        outgoing: ResponseWriter,
        record: RequestRecord,
    ) -> None:
        """Reads the body and lets the application answer for as long as the client is there."""
        body: bytes | None = b""
        left_alone = visit.unread_bytes > 0 and visit.path.startswith(UNREAD)
        try:
            if visit.is_ambiguous:
                raise OllamaError(400, "request has both Content-Length and Transfer-Encoding")
            if visit.unread_bytes and not left_alone:
                body = await whole_body(receive, visit, self._settings)
        except OllamaError as error:
            outgoing.close_after()
            await error_response(outgoing.send, error, visit.path)
            return
        if body is None:
            record.outcome = "client_gone"
            return
        inner = visit.inner_scope(scope, body)
        inner["headers"] = authorized(visit.path, inner["headers"])
        inner["facade.started"] = record.started
        inner["facade.record"] = record
        presence = inner["facade.presence"] = DisconnectWatcher(receive, body)
        call = self._call(inner, presence, outgoing)
        if left_alone:
            # Nobody may ask for this body, not even to see whether the client is still there.
            outgoing.close_after()
            await call
        else:
            if not await self._stopping.run(presence, call, outgoing.is_ended):
                record.outcome = record.outcome or "client_gone"

    async def _call(
        self, scope: Scope, presence: DisconnectWatcher, outgoing: ResponseWriter
    ) -> None:
        """Runs the application; whatever it does, the client gets an answer with an end."""
        try:
            with ShutdownGuard(scope):
                await self._app(scope, presence.receive, outgoing.send)
        except OllamaError as error:
            if not outgoing.started:
                await error_response(outgoing.send, error, scope["path"])
                return
            _log.exception("answer broke off")
        except Exception:  # noqa: BLE001 - the last place where it can be one
            if presence.gone:
                return
            _log.exception("request failed")
        else:
            if outgoing.ended or presence.gone:
                return
            _log.error("answer has no end")
        await outgoing.fail()
