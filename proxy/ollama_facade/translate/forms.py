"""Parses a form (`multipart/form-data`, RFC 7578) in memory."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ollama_facade.errors import OllamaError

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]+)"|([^\s;]+))', re.IGNORECASE)
_NAME = re.compile(rb';\s*name="([^"]*)"', re.IGNORECASE)
_FILENAME = re.compile(rb';\s*filename="([^"]*)"', re.IGNORECASE)
_FAILED = "failed to parse multipart form: "


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    content: bytes
    filename: str | None = None
    """None for a field that is not a file."""

    @property
    def text(self) -> str:
        """The content decoded as UTF-8."""
        return self.content.decode("utf-8", "replace")


def read_form(content_type: str, body: bytes) -> dict[str, Field]:
    """Returns the fields by name, the first of each (management.md §4.6).

    Raises OllamaError(400) with Go's text.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in ("multipart/form-data", "multipart/mixed"):
        raise OllamaError(400, _FAILED + "request Content-Type isn't multipart/form-data")
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise OllamaError(400, _FAILED + "no multipart boundary param in Content-Type")
    mark = b"--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    parts = (b"\r\n" + body).split(b"\r\n" + mark)[1:]
    if not parts or not parts[-1].startswith(b"--"):
        raise OllamaError(400, _FAILED + "multipart: NextPart: EOF")
    fields: dict[str, Field] = {}
    for part in parts[:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            continue
        file = _FILENAME.search(head)
        filename = file[1].decode("utf-8", "replace") if file else None
        fields.setdefault(name[1].decode("utf-8", "replace"), Field(content, filename))
    return fields
