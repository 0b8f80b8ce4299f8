"""The arithmetic of `embed` for many vectors at once, where numpy is installed (extra `fast`).

The same steps in float32, and the same digits: orjson prints a float32 of numpy in the fewest that
tell it. 256 vectors of 1,024 numbers take 6 ms of the processor instead of 210.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import orjson

from ollama_facade.golang.encode import dumps

NORM_FLOOR = 1e-12
FEWEST = 4_096
"""Numbers for which it is worth while; loading numpy takes a tenth of a second, once."""

_MORE = re.compile(rb"e[^-]|-0\.0")
"""Whole numbers that Go writes otherwise than without the point: large ones, and minus zero."""

AVAILABLE = find_spec("numpy") is not None


def size(vectors: Sequence[array[float]]) -> int:
    """How many numbers vectors of one length hold."""
    return len(vectors) * len(vectors[0]) if vectors else 0


def is_for(vectors: Sequence[array[float]]) -> bool:
    """Whether the functions of this module can and should be used."""
    return AVAILABLE and size(vectors) >= FEWEST


def looked_at(vectors: Sequence[array[float]]) -> tuple[bool, list[int]]:
    """Of vectors of one length: whether all is finite, and which of them hold a 0 or a 1."""
    numpy = import_module("numpy")
    found = _matrix(numpy, vectors)
    odd = ((found == 0) | (found == 1)).any(axis=1)
    return bool(numpy.isfinite(found).all()), numpy.flatnonzero(odd).tolist()


def unit_vectors(
    vectors: Sequence[array[float]], dimensions: int | None = None
) -> list[array[float]]:
    """The vectors, all of one length, at length 1; cut if need be, as `embed.unit_vector` does."""
    numpy = import_module("numpy")
    return [array("f", row.tobytes()) for row in _units(numpy, vectors, dimensions)]


def digits(vectors: Sequence[array[float]]) -> list[bytes]:
    """JSON of the numbers of each vector, all of one length, as `embed.shortest` gives them.

    Of float32 orjson writes all but whole numbers as Go does: Go writes 1 where it writes 1.0.
    """
    numpy = import_module("numpy")
    return _digits(numpy, _matrix(numpy, vectors))


def unit_digits(vectors: Sequence[array[float]], dimensions: int | None = None) -> list[bytes]:
    """`digits` of the `unit_vectors`, which are not made."""
    numpy = import_module("numpy")
    return _digits(numpy, _units(numpy, vectors, dimensions))


def _units(numpy: Any, vectors: Sequence[array[float]], dimensions: int | None) -> Any:
    found = _normalised(numpy, _matrix(numpy, vectors))
    if dimensions is not None and 0 < dimensions < found.shape[1]:
        found = _normalised(numpy, found[:, :dimensions])
    return found


def _digits(numpy: Any, found: Any) -> list[bytes]:
    texts = [orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) for row in found]
    for at in numpy.flatnonzero((found == numpy.rint(found)).any(axis=1)).tolist():
        texts[at] = _without_points(texts[at])
    return texts


def _without_points(text: bytes) -> bytes:
    """A row of orjson's, in which whole numbers are written as Go does."""
    if not _MORE.search(text):
        return text.replace(b".0,", b",").replace(b".0]", b"]")
    return dumps([int(value) if value.is_integer() else value for value in orjson.loads(text)])


def _matrix(numpy: Any, vectors: Sequence[array[float]]) -> Any:
    return numpy.frombuffer(b"".join(vectors), dtype=numpy.float32).reshape(len(vectors), -1)


def _normalised(numpy: Any, found: Any) -> Any:
    # `accumulate` adds one after another and rounds each sum; `sum` would not.
    totals = numpy.add.accumulate(found * found, axis=1, dtype=numpy.float32)[:, -1]
    lengths = numpy.sqrt(totals.astype(numpy.float64))
    factors = (1 / numpy.maximum(lengths, NORM_FLOOR)).astype(numpy.float32)
    return found * factors[:, None]
