"""Embeddings: Ollama's `input`, the backend's vectors, Ollama's answers (inference.md §7, §8).

Vectors are rows of a matrix of float32, because Ollama computes and prints float32.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.encode import dumps

Vectors: TypeAlias = NDArray[np.float32]
"""One vector a row."""

MIN_NORM = 1e-12
"""What Ollama divides by at least."""

_WHOLE_NUMBERS = re.compile(rb"e[^-]|-0\.0")
"""Whole numbers that Go writes otherwise than without the point: large ones, and minus zero."""


def read_inputs(value: Any) -> list[str]:
    """The texts of an embed request's `input`; `[]` for absent, null, `""` and `[]`.

    Raises OllamaError(400), before the model is looked up (inference.md §7.2 #4).
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise OllamaError(400, "invalid input type")


def read_vectors(answer: Any, count: int) -> Vectors:
    """The `count` vectors of the backend's answer, in the order of the inputs (faults.md row 82).

    Each is a list of numbers or base64 of little-endian float32. Raises BackendError(502) when
    there are not so many, or not all of one length; OllamaError(400) for NaN and infinity.
    """
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list) or not all(isinstance(item, Mapping) for item in data):
        raise _unreadable()
    if len(data) != count:
        raise BackendError(
            502, f"backend gave {len(data)} embeddings for {count} inputs", kind="unreadable"
        )
    if all(type(item.get("index")) is int for item in data):
        places = {item["index"] for item in data}
        # The same index everywhere is the habit of backends that do not count; else it must differ.
        if 1 < len(places) < count:
            raise _unreadable()
        data = sorted(data, key=lambda item: item["index"])
    values = [item.get("embedding") for item in data]
    rows = list(map(_row, values))
    if len({len(row) for row in rows}) > 1:
        raise BackendError(502, "backend gave embeddings of unequal lengths", kind="unreadable")
    vectors = np.frombuffer(b"".join(rows), dtype=np.float32).reshape(count, -1)
    # Python takes booleans for numbers; only where there is a 0 or a 1 can one have been.
    for at in np.flatnonzero(((vectors == 0) | (vectors == 1)).any(axis=1)).tolist():
        if isinstance(values[at], list) and bool in map(type, values[at]):
            raise _unreadable()
    if not np.isfinite(vectors).all():
        raise OllamaError(400, "embedding contains NaN or Inf values")
    return vectors


def read_prompt_tokens(answer: Any) -> int:
    """Tokens of all inputs, 0 when the backend does not say."""
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, Mapping) else None
    return tokens if type(tokens) is int and tokens > 0 else 0


def unit_vectors(vectors: Vectors, dimensions: int | None = None) -> Vectors:
    """The vectors at length 1; cut to `dimensions` if those are fewer, and at length 1 again."""
    units = _normalised(vectors)
    if dimensions is not None and 0 < dimensions < units.shape[1]:
        units = _normalised(units[:, :dimensions])
    return units


def digits(vectors: Vectors) -> list[bytes]:
    """JSON of each vector, in the fewest digits that tell its numbers from all other float32.

    Of float32 orjson writes all but whole numbers as Go does: Go writes 1 where it writes 1.0
    (inference.md §4.4).
    """
    texts = [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in vectors]
    for at in np.flatnonzero((vectors == np.rint(vectors)).any(axis=1)).tolist():
        texts[at] = _without_points(texts[at])
    return texts


def embed_answer(
    name: str,
    vectors: Vectors | None,
    dimensions: int | None = None,
    metrics: Mapping[str, int] | None = None,
) -> bytes:
    """The answer of `/api/embed` as JSON: unit vectors, then what is not 0 of the metrics.

    `metrics` are `total_duration`, `load_duration` (nanoseconds) and `prompt_eval_count`, in this
    order; none where there was no input (inference.md §7.2 #7). Megabytes of digits are put
    together here without looking through them for texts.
    """
    counted = {key: value for key, value in (metrics or {}).items() if value}
    units = [] if vectors is None else digits(unit_vectors(vectors, dimensions))
    end = b"," + dumps(counted)[1:] if counted else b"}"
    return b'%b,"embeddings":[%b]%b' % (dumps({"model": name})[:-1], b",".join(units), end)


def embeddings_answer(vectors: Vectors | None) -> dict[str, Any]:
    """The answer of `/api/embeddings`: the one vector as it came, in the digits of a double.

    (inference.md §8)
    """
    numbers = [] if vectors is None else vectors[0].tolist()
    return {"embedding": [int(number) if number.is_integer() else number for number in numbers]}


def base64_texts(vectors: Vectors) -> list[bytes]:
    """JSON of each vector as a text: base64 of little-endian float32."""
    rows = vectors.astype("<f4")
    return [b'"%b"' % base64.b64encode(row.tobytes()) for row in rows]


def _row(value: Any) -> bytes:
    """The bytes of a vector as float32."""
    if isinstance(value, str):
        row = _decoded(value)
    elif isinstance(value, list):
        row = _packed(value)
    else:
        raise _unreadable()
    if not row:
        raise _unreadable()
    return row


def _packed(value: list[Any]) -> bytes:
    try:
        # A third of the time that numpy takes for a list.
        return struct.pack(f"{len(value)}f", *value)
    except struct.error:
        if not {int, float, type(None)}.issuperset(map(type, value)):
            raise _unreadable() from None
        # An integer that no float holds, or llama.cpp's null where a number is not one.
        return struct.pack("f", math.nan) * len(value)


def _decoded(text: str) -> bytes:
    try:
        values = np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")
    except (binascii.Error, ValueError):
        raise _unreadable() from None
    return values.astype(np.float32).tobytes()


def _normalised(vectors: Vectors) -> Vectors:
    """Ollama's arithmetic, rounded to float32 at each step: sum of squares, root, product."""
    with np.errstate(over="ignore"):
        # `accumulate` adds one after another and rounds each sum; `sum` would not.
        totals = np.add.accumulate(vectors * vectors, axis=1, dtype=np.float32)[:, -1]
    lengths = np.sqrt(totals.astype(np.float64))
    factors = (1 / np.maximum(lengths, MIN_NORM)).astype(np.float32)
    units: Vectors = vectors * factors[:, None]
    return units


def _without_points(text: bytes) -> bytes:
    """A row of orjson's with its whole numbers as Go writes them."""
    if not _WHOLE_NUMBERS.search(text):
        return text.replace(b".0,", b",").replace(b".0]", b"]")
    return dumps([int(value) if value.is_integer() else value for value in orjson.loads(text)])


def _unreadable() -> BackendError:
    return BackendError(502, "backend gave no readable embeddings", kind="unreadable")
