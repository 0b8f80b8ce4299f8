"""The arithmetic of `embed` for many vectors at once, where numpy is installed (extra `fast`).

The same steps in float32, and the same digits: orjson prints a float32 of numpy in the fewest that
tell it. 256 vectors of 1,024 numbers take 30 ms of the processor instead of 250.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import orjson

NORM_FLOOR = 1e-12
FEWEST = 4_096
"""Numbers for which it is worth while; loading numpy takes a tenth of a second, once."""

AVAILABLE = find_spec("numpy") is not None


def is_for(vectors: Sequence[array[float]]) -> bool:
    """Whether `units` can and should be used."""
    return AVAILABLE and len(vectors) * len(vectors[0] if vectors else ()) >= FEWEST


def units(vectors: Sequence[array[float]], dimensions: int | None = None) -> Any:
    """The vectors, all of one length, at length 1; cut if need be, as `embed.unit_vector` does.

    Their numbers as `embed.shortest` gives them: as JSON already, or as lists where whole numbers
    are among them, which orjson would write as 1.0 and Go writes as 1.
    """
    numpy = import_module("numpy")
    found = numpy.frombuffer(b"".join(vectors), dtype=numpy.float32).reshape(len(vectors), -1)
    found = _normalised(numpy, found)
    if dimensions is not None and 0 < dimensions < found.shape[1]:
        found = _normalised(numpy, found[:, :dimensions])
    text = orjson.dumps(numpy.ascontiguousarray(found), option=orjson.OPT_SERIALIZE_NUMPY)
    if not (found == numpy.rint(found)).any():
        return orjson.Fragment(text)
    return [
        [int(value) if value.is_integer() else value for value in row] for row in orjson.loads(text)
    ]


def _normalised(numpy: Any, found: Any) -> Any:
    # `accumulate` adds one after another and rounds each sum; `sum` would not.
    totals = numpy.add.accumulate(found * found, axis=1, dtype=numpy.float32)[:, -1]
    lengths = numpy.sqrt(totals.astype(numpy.float64))
    factors = (1 / numpy.maximum(lengths, NORM_FLOOR)).astype(numpy.float32)
    return found * factors[:, None]
