"""Where a model's file lies: a readable file name that no second model can have.

``acme/widget:v1.2`` lies in ``acme--widget--v1.2.yaml``. The parts of a name hold letters, digits,
``_``, ``-``, ``.`` (and ``:`` in a host) and begin with a letter, a digit or ``_``; so ``--`` can
part them once the parts have no two dashes in a row, and no name leads out of the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from ollama_facade.names import HOST, NAMESPACE, TAG, Name

SUFFIX = ".yaml"
LONGEST = 200
"""Bytes of a file name before its suffix; file systems take 255."""

_AFTER_A_DASH = re.compile("(?<=-)-")


def stem(name: Name) -> str:
    """The file name without its suffix; lower case, since names differ by more than case.

    The tag is left out only where it is ``latest`` and nothing precedes the model, so that one,
    two, three and four parts are model, model and tag, namespace to tag, and host to tag.
    """
    parts = [name.host, name.namespace, name.model, name.tag]
    if name.host.casefold() == HOST:
        parts = parts[1:]
        if name.namespace.casefold() == NAMESPACE:
            parts = parts[1:]
            if name.tag.casefold() == TAG:
                parts = parts[:1]
    text = "--".join(_escaped(part.casefold()) for part in parts)
    if len(text) <= LONGEST:
        return text
    return f"{text[:100]}~{hashlib.sha256(text.encode()).hexdigest()}"


def candidates(name: Name) -> Iterator[str]:
    """File names in the order in which they are tried; people may have taken the first."""
    first = stem(name)
    yield first + SUFFIX
    number = 2
    while True:
        yield f"{first}~{number}{SUFFIX}"
        number += 1


def _escaped(part: str) -> str:
    return _AFTER_A_DASH.sub("+", part).replace(":", "=")
