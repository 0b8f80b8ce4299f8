"""Embeddings: Ollama's `input`, the backend's vectors, Ollama's answers (inference.md §7, §8)."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate import matrix
from ollama_facade.translate.matrix import NORM_FLOOR

Vector: TypeAlias = "array[float]"
"""Float32 values, as Ollama computes with them."""

MANY = 32_768
"""Numbers that, one by one, take so long that others should not wait for them."""

_SMALLEST_FULL = 2.0**-126
_ZERO, _ONE = array("f", [0]).tobytes(), array("f", [1]).tobytes()
_BIG_ENDIAN = array("H", [1]).tobytes() == b"\0\1"


def read_inputs(value: Any) -> list[str]:
    """The texts of an embed request's `input`; `[]` for absent, null, `""` and `[]`.

    Raises OllamaError(400), before the model is looked up (§7.2 #4).
    """
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    raise OllamaError(400, "invalid input type")


def read_vectors(answer: Any, count: int) -> list[Vector]:
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
        # The same index everywhere is the habit of backends that do not count; else it must tell.
        if 1 < len(places) < count:
            raise _unreadable()
        data = sorted(data, key=lambda item: item["index"])
    values = [item.get("embedding") for item in data]
    vectors = list(map(_vector, values))
    if len({len(vector) for vector in vectors}) > 1:
        raise BackendError(502, "backend gave embeddings of unequal lengths", kind="unreadable")
    finite, with_zero_or_one = _looked_at(vectors)
    # Python takes booleans for numbers; only where there is a 0 or a 1 can one have been.
    for at in with_zero_or_one:
        if isinstance(values[at], list) and bool in map(type, values[at]):
            raise _unreadable()
    if not finite:
        raise OllamaError(400, "embedding contains NaN or Inf values")
    return vectors


def read_prompt_tokens(answer: Any) -> int:
    """Tokens of all inputs, 0 when the backend does not say."""
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    tokens = usage.get("prompt_tokens") if isinstance(usage, Mapping) else None
    return tokens if type(tokens) is int and tokens > 0 else 0


def unit_vectors(vectors: Sequence[Vector], dimensions: int | None = None) -> Sequence[Vector]:
    """The vectors, all of one length, each as `unit_vector` gives it."""
    if matrix.is_for(vectors):
        return matrix.unit_vectors(vectors, dimensions)
    return [unit_vector(vector, dimensions) for vector in vectors]


def takes_long(vectors: Sequence[Vector]) -> bool:
    """Whether the two functions around this take more than some 20 ms: many numbers, no numpy."""
    return matrix.size(vectors) >= MANY and not matrix.is_for(vectors)


def digits(vectors: Sequence[Vector]) -> list[bytes]:
    """JSON of the vectors, all of one length: each has the digits that `shortest` gives."""
    if matrix.is_for(vectors):
        return matrix.digits(vectors)
    return [dumps(shortest(vector)) for vector in vectors]


def unit_digits(vectors: Sequence[Vector], dimensions: int | None = None) -> list[bytes]:
    """The `digits` of the `unit_vectors`."""
    if matrix.is_for(vectors):
        return matrix.unit_digits(vectors, dimensions)
    return digits(unit_vectors(vectors, dimensions))


def unit_vector(vector: Vector, dimensions: int | None = None) -> Vector:
    """The vector at length 1; cut to `dimensions` if those are fewer, and at length 1 again."""
    unit = _normalised(vector)
    if dimensions is not None and 0 < dimensions < len(unit):
        unit = _normalised(unit[:dimensions])
    return unit


def shortest(vector: Iterable[float]) -> list[float]:
    """Float32 values as the floats whose digits are the fewest that tell them from any other.

    Go prints a float32 so: 0.010071029 where the nearest double has 0.010071029011905193, and 1
    where Python has 1.0 (§4.4): whole values come as int.
    """
    values = array("f", vector)
    found = values.tolist()
    places = list(range(len(found)))
    if any(0 < abs(value) < _SMALLEST_FULL for value in found):
        # Too small for full precision: here even the first digit may be all there is.
        for digits in range(1, 10):
            places = _rounded(digits, values, places, found)[1]
    else:
        # Six digits find every shorter text too. Where seven do not do, six do not either; trying
        # seven first spares most values the try with six, which few need.
        fitting, open_places = _rounded(7, values, places, found)
        _rounded(6, values, fitting, found)
        _rounded(9, values, _rounded(8, values, open_places, found)[1], found)
    return [int(value) if value.is_integer() else value for value in found]


def _rounded(
    digits: int, values: Vector, places: list[int], found: list[float]
) -> tuple[list[int], list[int]]:
    """Tries so many digits at these places; where they tell the value they come into `found`.

    Those places, and the others. One format for all of them is three times as fast as one each.
    """
    texts = (f"%.{digits}g " * len(places)) % tuple([values[at] for at in places])
    candidates = list(map(float, texts.split()))
    fitting, others = [], []
    for at, candidate, narrow in zip(places, candidates, array("f", candidates), strict=True):
        if narrow == values[at]:
            found[at] = candidate
            fitting.append(at)
        else:
            others.append(at)
    return fitting, others


def embed_answer(
    name: str,
    vectors: Sequence[Vector],
    dimensions: int | None = None,
    metrics: Mapping[str, int] | None = None,
) -> bytes:
    """The answer of `/api/embed` as JSON: unit vectors, then what is not 0 of the metrics.

    `metrics` are `total_duration`, `load_duration` (nanoseconds) and `prompt_eval_count`, in this
    order; none where there was no input (§7.2 #7). Megabytes of digits are put together here, and
    nobody looks through them for texts.
    """
    told = {key: value for key, value in (metrics or {}).items() if value}
    numbers = b",".join(unit_digits(vectors, dimensions))
    end = b"," + dumps(told)[1:] if told else b"}"
    return b'%b,"embeddings":[%b]%b' % (dumps({"model": name})[:-1], numbers, end)


def embeddings_answer(vector: Vector | None) -> dict[str, Any]:
    """The answer of `/api/embeddings`: the vector as it came, in the digits of a double (§8)."""
    return {"embedding": [int(one) if one.is_integer() else one for one in vector or ()]}


def _vector(value: Any) -> Vector:
    if isinstance(value, str):
        vector = _decoded(value)
    elif isinstance(value, list):
        vector = _packed(value)
    else:
        raise _unreadable()
    if not vector:
        raise _unreadable()
    return vector


def _looked_at(vectors: Sequence[Vector]) -> tuple[bool, Iterable[int]]:
    """Whether all numbers are finite, and the places of the vectors in which a 0 or a 1 is."""
    if matrix.is_for(vectors):
        return matrix.looked_at(vectors)
    # In doubles no sum of float32 values is infinite unless one of them is, or none at all.
    finite = all(math.isfinite(sum(vector)) for vector in vectors)
    raw = enumerate(vector.tobytes() for vector in vectors)
    return finite, [at for at, told in raw if _ZERO in told or _ONE in told]


def _packed(value: list[Any]) -> Vector:
    vector = array("f")
    try:
        # A third of the time that `array` takes for a list.
        vector.frombytes(struct.pack(f"{len(value)}f", *value))
    except struct.error:
        if not {int, float, type(None)}.issuperset(map(type, value)):
            raise _unreadable() from None
        # An integer that no float holds, or llama.cpp's null where a number is not one.
        return array("f", [math.nan])
    return vector


def _decoded(text: str) -> Vector:
    vector = array("f")
    try:
        vector.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise _unreadable() from None
    if _BIG_ENDIAN:
        vector.byteswap()
    return vector


def _normalised(vector: Vector) -> Vector:
    """Ollama's arithmetic, rounded to float32 at each step: sum of squares, root, product."""
    squares = array("f", [value * value for value in vector])
    total = array("f", [0.0])
    for square in squares:
        total[0] += square
    factor = array("f", [1 / max(math.sqrt(total[0]), NORM_FLOOR)])[0]
    return array("f", [value * factor for value in vector])


def _unreadable() -> BackendError:
    return BackendError(502, "backend gave no readable embeddings", kind="unreadable")
