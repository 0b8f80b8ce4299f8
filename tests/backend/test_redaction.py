"""Keys in what a backend says of its failure."""

from __future__ import annotations

import pytest

from ollama_facade.backend.redaction import Redactor
from ollama_facade.config import settings
from ollama_facade.errors import BackendError

REDACTOR = Redactor(
    settings.load(
        {
            "OPENAI_API_KEY": "key-of-the-backend",
            "FACADE_API_KEYS": "key-of-a-client,key-of-a-client-2",
            "FACADE_BACKEND_HEADERS": "api-key: in-a-header\nX-Team: search\n"
            "X-Auth: Token abcdefghij",
        }
    )
)


@pytest.mark.parametrize(
    ("text", "redacted"),
    (
        ("wrong: key-of-the-backend!", "wrong: ***!"),
        ("key-of-a-client-2 key-of-a-client", "*** ***"),
        ("in-a-header, abcdefghij", "***, ***"),
        ("the search failed", "the search failed"),
        ("key-forwarded", "***"),
        ("a text cut in key-of-the-ba…", "a text cut in ***…"),
        ("a text that ends in key-of-the-ba", "a text that ends in key-of-the-ba"),
    ),
)
def test_every_key_is_redacted(text: str, redacted: str) -> None:
    with (
        pytest.raises(BackendError) as caught,
        REDACTOR.redacting("Bearer key-forwarded"),
    ):
        raise BackendError(500, text, kind="x")
    assert caught.value.message == str(caught.value) == redacted
