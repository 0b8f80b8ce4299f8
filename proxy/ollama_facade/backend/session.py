"""One request and its open answer: asked again where that is right, its failures made ours."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

import aiohttp
import httpx2
import openai
import structlog
from openai import AsyncOpenAI

from ollama_facade.backend import errors
from ollama_facade.backend.calls import Calls
from ollama_facade.backend.exchange import BackendResponse
from ollama_facade.backend.redaction import Redactor
from ollama_facade.backend.refusals import LearnedRefusals
from ollama_facade.backend.routes import RELAYED, Routes
from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError
from ollama_facade.translate.dialects import Dialect
from ollama_facade.translate.requests import BackendRequest

TRANSPORT_ERRORS = (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError)
"""What the SDK raises, and reading an answer when the connection or its framing breaks."""

_log = structlog.get_logger(__name__)


class BackendSession:
    """What is known of one backend while it is asked; `dialect` gives the one that counts now."""

    def __init__(
        self,
        settings: Settings,
        client: AsyncOpenAI,
        secrets: Redactor,
        dialect: Callable[[], Dialect],
    ) -> None:
        self._settings = settings
        self._dialect = dialect
        self._refusals = LearnedRefusals()
        self.calls = Calls(settings, client)
        self.routes = Routes()
        self.secrets = secrets

    def opened(self, request: BackendRequest) -> ResponseContext:
        """The open answer to `request`, for an `async with`."""
        return ResponseContext(self, request)

    async def send(self, opening: ResponseContext) -> BackendResponse:
        """The answer, its body unread. Raises what the SDK raises.

        A request of which a parameter is refused by name is changed and sent without it
        (`refusals.py`). Nothing had been generated.
        """
        closing = self._dialect().closes_streams and opening.request.stream
        opening.request = self._refusals.apply(opening.request)
        while True:
            try:
                return await self.calls.sent(opening.request, closing=closing)
            except openai.APIStatusError as error:
                self.routes.learn(opening.request, error)
                changed = self._refusals.learn(opening.request, error.status_code, error.body)
                if changed is None:
                    raise
                opening.request = changed

    def failed(self, request: BackendRequest, error: BaseException) -> OllamaError | None:
        """The error that a foreign failure is for the client; None for what is none.

        A timeout of ours is not, and neither are our own errors, out of whose texts the keys are
        taken on this occasion.
        """
        hidden = self.secrets.hidden(request.authorization)
        if isinstance(error, OllamaError):
            hidden.cover(error)
            return None
        if isinstance(error, TimeoutError) or not isinstance(error, TRANSPORT_ERRORS):
            return None
        model = request.model
        told = errors.from_exception(
            error,
            model,
            clients_key=self._settings.forward_key,
            relayed=request.endpoint in RELAYED,
        )
        if told.status >= 500:
            reason = self.secrets.without(errors.reason(error), request.authorization)
            _log.warning("backend failed", model=model[:200], reason=reason)
        hidden.cover(told)
        return told


class ResponseContext:
    """A block in which the answer to a request is open, and out of which BackendErrors come."""

    __slots__ = ("_answer", "_session", "request")

    def __init__(self, session: BackendSession, request: BackendRequest) -> None:
        self._session = session
        self.request = request
        """As it was sent at last."""
        self._answer: BackendResponse | None = None

    async def __aenter__(self) -> tuple[BackendRequest, BackendResponse]:
        """Asks. Raises BackendError for what the backend refuses, or when it is not there."""
        try:
            self._answer = answer = await self._session.send(self)
        except Exception as error:
            self._raise(error)
            raise
        return self.request, answer

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Gives the connection back, and raises BackendError for what broke in the block."""
        try:
            if self._answer is not None:
                await self._answer.aclose()
        except Exception as broken:
            self._raise(error or broken)
            raise
        if error is not None:
            self._raise(error)

    def _raise(self, error: BaseException) -> None:
        told = self._session.failed(self.request, error)
        if told is not None:
            told.dropped = self.request.dropped
            raise told from error
