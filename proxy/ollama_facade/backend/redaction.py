"""Redacts API keys from backend error messages."""

from __future__ import annotations

from types import TracebackType

from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError

MIN_KEY_LENGTH = 8
"""Characters of a header's value that may be a key: shorter ones are words of any text."""

REDACTED = "***"
ELLIPSIS = "…"


class Redactor:
    """Redacts the keys of the settings: a backend may quote what it was sent."""

    def __init__(self, settings: Settings) -> None:
        values = (
            settings.api_key,
            *settings.api_keys,
            *(value for _, value in settings.backend_headers),
        )
        words = {word for value in values for word in value.get_secret_value().split()}
        # The longest first: one may be the beginning of another.
        self._keys = sorted((w for w in words if len(w) >= MIN_KEY_LENGTH), key=len, reverse=True)

    def redacting(self, authorization: str = "") -> RedactionContext:
        """A block that redacts what is raised in it; an `authorization` header holds a key, too."""
        return RedactionContext(self, authorization)

    def redact(self, text: str, authorization: str = "") -> str:
        """Returns the text with every key in it covered."""
        for key in (*self._keys, *authorization.split()[1:]):
            text = text.replace(key, REDACTED)
            if text.endswith(ELLIPSIS):
                text = _redact_beginning(text, key)
        return text


class RedactionContext:
    """A block out of which no OllamaError comes with a key in its text."""

    __slots__ = ("_authorization", "_redactor")

    def __init__(self, redactor: Redactor, authorization: str) -> None:
        self._redactor = redactor
        self._authorization = authorization

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Redacts the text of an error, which goes on."""
        if isinstance(error, OllamaError):
            self.redact(error)

    def redact(self, error: OllamaError) -> None:
        """Redacts the text of an error."""
        error.message = self._redactor.redact(error.message, self._authorization)
        error.args = (error.message,)


def _redact_beginning(text: str, key: str) -> str:
    """Returns a text that was cut without the beginning of a key that it was cut in."""
    for length in range(len(key) - 1, 3, -1):
        if text.endswith(key[:length] + ELLIPSIS):
            return text[: -length - 1] + REDACTED + ELLIPSIS
    return text
