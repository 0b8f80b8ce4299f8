"""Parses model names: `[scheme://][host/][namespace/]model[:tag]` (management.md §2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import quote

HOST = "registry.ollama.ai"
NAMESPACE = "library"
TAG = "latest"

Source = Literal["", "cloud", "local"]

# The spaces of Go's `unicode.IsSpace`; Python's `strip` removes four control characters more.
_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# Stands for the empty part beside a separator; `!` makes the name invalid.
_MISSING = "!MISSING!"
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,349}")
_NAMESPACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,79}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}")


@dataclass(frozen=True, slots=True)
class Name:
    """A valid name with every part filled in, in the case that was given."""

    host: str
    namespace: str
    model: str
    tag: str

    def display(self) -> str:
        """Returns the shortest unambiguous form, always with the tag: ``llama3.2:latest``."""
        if self.host.lower() != HOST:
            return self.qualified()
        if self.namespace.lower() != NAMESPACE:
            return f"{self.namespace}/{self.model}:{self.tag}"
        return f"{self.model}:{self.tag}"

    def qualified(self) -> str:
        """Returns all four parts: ``registry.ollama.ai/library/llama3.2:latest``."""
        return f"{self.host}/{self.namespace}/{self.model}:{self.tag}"

    def key(self) -> tuple[str, str, str, str]:
        """Returns the look-up key: names of one model differ only in case (management.md §2.3)."""
        return (
            self.host.casefold(),
            self.namespace.casefold(),
            self.model.casefold(),
            self.tag.casefold(),
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """The model name of a request, split into the name and its source."""

    source: Source
    base: str
    """The name without ``:cloud`` or ``:local``."""
    raw: str
    """The name as the request gave it."""


def parse(text: str) -> Name | None:
    """Parses a name; None when it is not valid (management.md §2.1).

    >>> parse("hf.co/user/repo:Q4_K_M").display()
    'hf.co/user/repo:Q4_K_M'
    >>> parse("bad name") is None
    True
    """
    rest, tag, tagged = text, "", False
    if text.rfind(":") > text.rfind("/"):
        rest, tag, tagged = _cut(text, ":")
    rest, model, cut = _cut(rest, "/")
    namespace = host = ""
    if not cut:
        rest, model = "", rest
    else:
        rest, namespace, cut = _cut(rest, "/")
        if not cut:
            rest, namespace = "", rest
        else:
            _, scheme, after = rest.partition("://")
            host = after if scheme else rest
    name = Name(host or HOST, namespace or NAMESPACE, model, tag if tagged else TAG)
    valid = (
        _HOST.fullmatch(name.host)
        and _NAMESPACE.fullmatch(name.namespace)
        and _PART.fullmatch(name.model)
        and _PART.fullmatch(name.tag)
    )
    return name if valid else None


def trim(text: str) -> str:
    """Strips white space as Go's `strings.TrimSpace` does."""
    return text.strip(_SPACES)


def reference(text: str) -> Reference:
    """Splits the source from the name of a request (management.md §2.2); the base may be empty.

    Raises OllamaError (400) when two sources are named.

    >>> reference("gpt-oss:20b-cloud")
    Reference(source='cloud', base='gpt-oss:20b', raw='gpt-oss:20b-cloud')
    """
    trimmed = trim(text)
    base, source = _cut_source(trimmed)
    if source and _cut_source(base)[1]:
        raise OllamaError(400, f"use either :local or :cloud, not both: {quote(trimmed)}")
    return Reference(source, base, text)


def _cut(text: str, separator: str) -> tuple[str, str, bool]:
    before, cut, after = text.rpartition(separator)
    if not cut:
        return text, "", False
    return before or _MISSING, after or _MISSING, True


def _cut_source(text: str) -> tuple[str, Source]:
    before, colon, after = text.rpartition(":")
    if not colon:
        return text, ""
    suffix = trim(after)
    lowered = suffix.lower()
    if lowered == "cloud":
        return before, "cloud"
    if lowered == "local":
        return before, "local"
    if lowered.endswith("-cloud") and "/" not in suffix:
        return f"{before}:{suffix[: -len('-cloud')]}", "cloud"
    return text, ""
