"""What a backend may quote and nobody may be told: the keys that it was sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import OllamaError
from proxy.settings import Settings

SHORTEST = 8
"""Characters of a header's value that may be a secret: shorter ones are words of any text."""

HIDDEN = "***"
CUT = "…"


class Secrets:
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

    @contextmanager
    def hidden(self, authorization: str = "") -> Iterator[None]:
        """Takes the keys, and that of an `authorization`, out of the text of what is raised."""
        try:
            yield
        except OllamaError as error:
            error.message = self.without(error.message, authorization)
            error.args = (error.message,)
            raise

    def without(self, text: str, authorization: str = "") -> str:
        """The text with every key in it covered."""
        for word in (*self._words, *authorization.split()[1:]):
            text = text.replace(word, HIDDEN)
            if text.endswith(CUT):
                text = _without_beginning(text, word)
        return text


def _without_beginning(text: str, word: str) -> str:
    """A text that was cut, without the beginning of a key that it was cut in."""
    for length in range(len(word) - 1, 3, -1):
        if text.endswith(word[:length] + CUT):
            return text[: -length - 1] + HIDDEN + CUT
    return text
