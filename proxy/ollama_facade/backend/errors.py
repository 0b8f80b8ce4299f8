"""The border of `backend/`: every foreign failure becomes a BackendError here (faults.md §3.4).

Statuses are relayed or rewritten by one table; messages are dug out of the body, cleaned and cut;
what the operator needs and the client must not see (HTML, keys) stays out of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx2
import openai

from ollama_facade.backend.stream import not_a_completion
from ollama_facade.clock import Clock
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.translate.failures import clean, failure_text
from ollama_facade.translate.missing import is_missing_route, names_model

DAY = 86_400

# Status of the backend -> status for the client; what is not here is relayed below 500, else 502.
_STATUS: Mapping[int, int] = {
    401: 502,
    402: 402,
    403: 502,
    404: 502,  # one that is about no model: a wrong path, a page
    408: 504,
    409: 409,
    413: 413,
    415: 502,
    422: 400,
    429: 429,
    500: 500,
    501: 501,
    502: 502,
    503: 503,
    504: 504,
    529: 503,
}

# What a backend may say of a key that is the client's own; its text may quote the key.
_CLIENTS_KEY: Mapping[int, str] = {401: "unauthorized", 403: "forbidden"}

_PHRASE: Mapping[int, str] = {
    400: "backend refused the request",
    402: "backend asks for payment",
    404: "no such path at the backend",
    408: "backend timed out",
    409: "backend reports a conflict",
    413: "request too large for the backend",
    429: "rate limit exceeded",
    500: "backend failed",
    503: "backend is overloaded",
    504: "backend timed out",
}


def from_exception(
    error: BaseException, model: str, *, clients_key: bool = False, relayed: bool = False
) -> OllamaError:
    """What the client is told of `error`, raised by the SDK or below while asking for `model`.

    With `clients_key` it was the client's own key that the backend refused, if it did. Of a request
    that was `relayed` more may be missing than the model, such as the response it goes on from.
    """
    for cause in _causes(error):
        if isinstance(cause, OllamaError):
            return cause
    if isinstance(error, openai.APIStatusError):
        if clients_key and error.status_code in _CLIENTS_KEY:
            text = _CLIENTS_KEY[error.status_code]
            return BackendError(error.status_code, text, kind="credentials")
        told = from_status(error.status_code, error.body, error.response.headers, model)
        if relayed and told.status == 404 and not names_model(error.body, model):
            told.message = failure_text(error.body)
        return told
    # The transport calls every failure to connect, and a server that hangs up, a timeout.
    if is_unreachable(error):
        return unreachable()
    if any(isinstance(cause, _HUNG_UP) for cause in _causes(error)):
        return connection_lost()
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return timeout()
    if isinstance(error, UnicodeError | openai.APIResponseValidationError):
        return BackendError(502, "backend sent something unreadable", kind="unreadable")
    return connection_lost()


_UNREACHABLE = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


_HUNG_UP = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)


def is_unreachable(error: BaseException) -> bool:
    """True when no connection was made."""
    return any(isinstance(cause, _UNREACHABLE) for cause in _causes(error))


def is_unsent(error: BaseException) -> bool:
    """True when the whole request never left, so that asking again repeats nothing.

    Either no connection was made, or a kept one was already closing when it was written to.
    """
    unsent = (*_UNREACHABLE, aiohttp.ClientConnectionResetError)
    return any(isinstance(cause, unsent) for cause in _causes(error))


def unreachable() -> BackendError:
    """Refused, no such host, no route, no TLS."""
    return BackendError(502, "backend unreachable", kind="unreachable")


def timeout() -> BackendError:
    """Nothing came in the time that a request is given."""
    return BackendError(504, "backend timed out", kind="timeout")


def connection_lost() -> BackendError:
    """The connection broke before the answer was complete."""
    return BackendError(502, "backend connection was lost", kind="lost")


def from_status(status: int, body: Any, headers: Mapping[str, str], model: str) -> BackendError:
    """An HTTP error of the backend in Ollama's terms; `body` is its JSON, its text, or None."""
    if status == 304:
        return not_a_completion()
    if 300 <= status < 400:
        return BackendError(502, "backend redirected", kind="redirect")
    if status in (401, 403):
        # A 401 would start the sign-in of Ollama's own command; the body may quote the key.
        return BackendError(502, "backend refused the proxy's credentials", kind="credentials")
    if isinstance(body, bytes):
        body = body.decode("utf-8", "replace")
    text = failure_text(body)
    if status == 404 and text and not is_missing_route(status, body, "completions", model):
        return BackendError(404, f"model '{model}' not found", kind="not_found")
    ours = _STATUS.get(status, status if 400 <= status < 500 else 502)
    retry_after = _retry_after(headers)
    return BackendError(
        ours,
        (status != 404 and text) or _PHRASE.get(status) or "backend failed",
        kind=f"status_{status // 100}xx",
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def reason(error: BaseException) -> str:
    """What the operator may want to know of a failure, in one line: the first cause in its words.

    Of a page or an error body its beginning; markup stays, keys that are known by their form go.
    """
    first = error if isinstance(error, openai.APIStatusError) else _causes(error)[-1]
    return clean(f"{type(first).__name__}: {first}")


def _retry_after(headers: Mapping[str, str]) -> str:
    """Seconds, at most a day; from `Retry-After` (seconds or a date) or `retry-after-ms`."""
    value = headers.get("retry-after", "").strip()
    seconds: float | None = None
    try:
        if value:
            seconds = float(value)
        elif milliseconds := headers.get("retry-after-ms"):
            seconds = float(milliseconds) / 1000
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - Clock().wall() / 1e9
        except (ValueError, TypeError):
            return ""
    if seconds is None or not 0 <= seconds <= DAY:
        return ""
    return str(max(1, round(seconds)))


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was raised from, outermost first."""
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found and len(found) < 10:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found
