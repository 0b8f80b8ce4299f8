"""What a backend may quote and nobody may be told: the keys that it was sent."""

from __future__ import annotations

from types import TracebackType

from ollama_facade.config.settings import Settings
from ollama_facade.errors import OllamaError

SHORTEST = 8
"""Characters of a header's value that may be a secret: shorter ones are words of any text."""

HIDDEN = "***"
CUT = "…"


class Redactor:
    """The keys of the settings, and how they are kept out of errors."""

    def __init__(self, settings: Settings) -> None:
        values = (
            settings.api_key,
            *settings.api_keys,
            *(value for _, value in settings.backend_headers),
        )
        words = {word for value in values for word in value.get_secret_value().split()}
        # The longest first: one may be the beginning of another.
        self._words = sorted((w for w in words if len(w) >= SHORTEST), key=len, reverse=True)

    def hidden(self, authorization: str = "") -> RedactionContext:
        """A block that takes the keys, and that of an `authorization`, out of what is raised."""
        return RedactionContext(self, authorization)

    def without(self, text: str, authorization: str = "") -> str:
        """The text with every key in it covered."""
        for word in (*self._words, *authorization.split()[1:]):
            text = text.replace(word, HIDDEN)
            if text.endswith(CUT):
                text = _without_beginning(text, word)
        return text


class RedactionContext:
    """A block out of which no OllamaError comes with a key in its text."""

    __slots__ = ("_authorization", "_secrets")

    def __init__(self, secrets: Redactor, authorization: str) -> None:
        self._secrets = secrets
        self._authorization = authorization

    def __enter__(self) -> None:
        """Nothing to be done."""

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Covers the keys in the text of an error, which goes on."""
        if isinstance(error, OllamaError):
            self.cover(error)

    def cover(self, error: OllamaError) -> None:
        """Covers the keys in the text of an error."""
        error.message = self._secrets.without(error.message, self._authorization)
        error.args = (error.message,)


def _without_beginning(text: str, word: str) -> str:
    """A text that was cut, without the beginning of a key that it was cut in."""
    for length in range(len(word) - 1, 3, -1):
        if text.endswith(word[:length] + CUT):
            return text[: -length - 1] + HIDDEN + CUT
    return text
