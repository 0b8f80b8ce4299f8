"""What was learned of one backend, and the one place where its failures become BackendErrors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType

import aiohttp
import httpx2
import openai
import structlog

from ollama_facade.backend import errors
from ollama_facade.backend.learned import RELAYED, LearnedRefusals, LearnedRoutes
from ollama_facade.backend.redaction import Redactor
from ollama_facade.backend.sender import BackendResponse, Headers, Sender
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.requests import BackendRequest

TRANSPORT_ERRORS = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError)
"""What a sender raises, and reading a response when the connection or its framing breaks."""

_ENDPOINT_HEADERS: Mapping[str, Mapping[str, str]] = {
    # Anthropic's own clients always name the version, so a server may insist on one.
    "messages": {"anthropic-version": "2023-06-01"},
}

_NO_KEY = openai.Omit()

_log = structlog.get_logger(__name__)


class BackendSession:
    """Sends requests to one backend; `dialect` returns the dialect in force."""

    def __init__(
        self,
        settings: Settings,
        sender: Sender,
        redactor: Redactor,
        dialect: Callable[[], Dialect],
    ) -> None:
        self._settings = settings
        self._sender = sender
        self._redactor = redactor
        self._dialect = dialect
        self._refusals = LearnedRefusals()
        self.routes = LearnedRoutes()
        key = settings.api_key.get_secret_value()
        names = {name.lower() for name, _ in settings.backend_headers}
        self.own_headers: Headers = _authorization(f"Bearer {key}" if key else "")
        if not key and "authorization" in names:
            # A key among the operator's own headers is one.
            self.own_headers = {}

    def headers(self, authorization: str) -> Headers:
        """Headers with our key or, where the operator wants it so, the client's or none."""
        return _authorization(authorization) if self._settings.forward_key else self.own_headers

    def opened(self, request: BackendRequest) -> ResponseContext:
        """The open response to `request`, for an `async with`."""
        return ResponseContext(self, request)

    async def send(self, context: ResponseContext) -> BackendResponse:
        """Sends the request of `context`, which becomes the one that was sent at last.

        A request of which a parameter is refused by name is sent again without it (`learned.py`):
        nothing was generated. Raises what the sender raises.
        """
        context.request = self._refusals.apply(context.request)
        while True:
            try:
                return await self._send_once(context.request)
            except openai.APIStatusError as error:
                self.routes.learn(context.request, error)
                changed = self._refusals.learn(context.request, error.status_code, error.body)
                if changed is None:
                    raise
                context.request = changed

    async def _send_once(self, request: BackendRequest) -> BackendResponse:
        """Sends a request, and once more if it never left."""
        closing = self._dialect().closes_streams and request.stream
        headers: Headers = {
            **_ENDPOINT_HEADERS.get(request.endpoint, {}),
            **request.headers,
            **self.headers(request.authorization),
            **({"Connection": "close"} if closing else {}),
        }
        arguments = request.endpoint, request.body, headers, request.request_id
        try:
            return await self._sender.send(*arguments)
        except openai.APIConnectionError as error:
            if not errors.is_unsent(error):
                raise
        return await self._sender.send(*arguments)

    def client_error(self, request: BackendRequest, error: BaseException) -> OllamaError | None:
        """Returns the error that a failure is for the client; None for what is no failure here.

        Timeouts of ours are not, and neither are our own errors, whose texts are redacted on this
        occasion.
        """
        redaction = self._redactor.redacting(request.authorization)
        if isinstance(error, OllamaError):
            redaction.redact(error)
            return None
        if isinstance(error, TimeoutError) or not isinstance(error, TRANSPORT_ERRORS):
            return None
        model = request.model
        reply = errors.from_exception(
            error,
            model,
            clients_key=self._settings.forward_key,
            relayed=request.endpoint in RELAYED,
        )
        if reply.status >= 500:
            reason = self._redactor.redact(errors.reason(error), request.authorization)
            _log.warning("backend failed", model=model[:200], reason=reason)
        redaction.redact(reply)
        return reply


class ResponseContext:
    """Sends one request, retries it without refused parameters, and maps failures to BackendError.

    A block in which the response is open.
    """

    __slots__ = ("_response", "_session", "request")

    def __init__(self, session: BackendSession, request: BackendRequest) -> None:
        self._session = session
        self.request = request
        """As it was sent at last."""
        self._response: BackendResponse | None = None

    async def __aenter__(self) -> tuple[BackendRequest, BackendResponse]:
        """Sends the request. Raises BackendError for a refusal, or a backend that is not there."""
        try:
            self._response = response = await self._session.send(self)
        except Exception as error:
            self._raise(error)
            raise
        return self.request, response

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Closes the response, and raises BackendError for what broke in the block."""
        try:
            if self._response is not None:
                await self._response.aclose()
        except Exception as broken:
            self._raise(error or broken)
            raise
        if error is not None:
            self._raise(error)

    def _raise(self, error: BaseException) -> None:
        reply = self._session.client_error(self.request, error)
        if reply is not None:
            reply.dropped = self.request.dropped
            raise reply from error


def _authorization(value: str) -> Headers:
    # The SDK refuses to send a request without a key unless it says that there is none.
    return {"Authorization": value or _NO_KEY}
