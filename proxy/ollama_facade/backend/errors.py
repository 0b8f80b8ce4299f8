"""Makes BackendErrors of what the SDK, httpx and aiohttp raise (faults.md §3.4).

One table relays or rewrites statuses. Messages are found in the body, cleaned and cut; what the
operator needs and the client must not see (HTML, keys) stays out of them.
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
from ollama_facade.translate.failures import clean, failure_text, is_missing_route, names_model

MAX_RETRY_AFTER_SECONDS = 86_400

# Status of the backend -> status for the client. Others are relayed below 500; else it is 502.
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
    """Returns the client's error for `error`, raised by the SDK or below it.

    With `clients_key` it was the client's own key that the backend refused, if it did. Of a request
    that was `relayed` more may be missing than `model`, such as the response it continues.
    """
    for cause in _causes(error):
        if isinstance(cause, OllamaError):
            return cause
    if isinstance(error, openai.APIStatusError):
        if clients_key and error.status_code in _CLIENTS_KEY:
            text = _CLIENTS_KEY[error.status_code]
            return BackendError(error.status_code, text, kind="credentials")
        reply = from_status(error.status_code, error.body, error.response.headers, model)
        if relayed and reply.status == 404 and not names_model(error.body, model):
            reply.message = failure_text(error.body)
        return reply
    if is_unreachable(error):
        return unreachable()
    return connection_lost()


_UNREACHABLE = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)


def is_unreachable(error: BaseException) -> bool:
    """Whether no connection was made."""
    return any(isinstance(cause, _UNREACHABLE) for cause in _causes(error))


def is_unsent(error: BaseException) -> bool:
    """Whether the whole request never left, so that sending it again repeats nothing.

    Either no connection was made, or a kept one was already closing when it was written to.
    """
    unsent = (*_UNREACHABLE, aiohttp.ClientConnectionResetError)
    return any(isinstance(cause, unsent) for cause in _causes(error))


def unreachable() -> BackendError:
    """No connection: refused, no such host, no route, no TLS."""
    return BackendError(502, "backend unreachable", kind="unreachable")


def timeout() -> BackendError:
    """Nothing arrived in the time that a request has."""
    return BackendError(504, "backend timed out", kind="timeout")


def connection_lost() -> BackendError:
    """The connection broke before the response was complete."""
    return BackendError(502, "backend connection was lost", kind="lost")


def from_status(status: int, body: Any, headers: Mapping[str, str], model: str) -> BackendError:
    """Returns an HTTP error in Ollama's terms; `body` is its JSON, its text, or None."""
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
    client_status = _STATUS.get(status, status if 400 <= status < 500 else 502)
    retry_after = _retry_after(headers)
    return BackendError(
        client_status,
        (status != 404 and text) or _PHRASE.get(status) or "backend failed",
        kind=f"status_{status // 100}xx",
        headers={"Retry-After": retry_after} if retry_after else None,
    )


def reason(error: BaseException) -> str:
    """Returns the first cause of a failure in its own words, one line for the log.

    Keys that are known by their form are redacted.
    """
    first = error if isinstance(error, openai.APIStatusError) else _causes(error)[-1]
    return clean(f"{type(first).__name__}: {first}")


def _retry_after(headers: Mapping[str, str]) -> str:
    """Returns the seconds of `Retry-After` (seconds or a date) or `retry-after-ms`, else ""."""
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
    if seconds is None or not 0 <= seconds <= MAX_RETRY_AFTER_SECONDS:
        return ""
    return str(max(1, round(seconds)))


def _causes(error: BaseException) -> list[BaseException]:
    """Returns the error and what it was raised from, outermost first."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in causes and len(causes) < 10:
        causes.append(current)
        current = current.__cause__ or current.__context__
    return causes
