"""Decodes a body as Go's `encoding/json` does into Ollama's structs, with Go's errors.

Go decodes the whole value. A mismatch of types is recorded, and the first one is reported at the
end; an error of a type with a decoder of its own (`keep_alive`, a message, …) ends the decoding at
once. An error names the innermost struct and the path of keys; the path of an inner decoding is
appended (inference.md §1.1).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final, cast

from ollama_facade.golang.decode_errors import (
    DecodeError,
    MismatchError,
    arguments_value,
    base64_value,
    duration_value,
    kind_of,
    object_value,
    plain_value,
    store_unknown,
    think_value,
)
from ollama_facade.golang.encode import quote
from ollama_facade.golang.types import Kind, Shape, zero_value
from ollama_facade.golang.unions import LATER, TAKE_NULL, UNFIT, UNIONS, Later
from ollama_facade.golang.values import Members, Number, NumberRangeError, plain, text

_INT64 = (-(2**63), 2**63 - 1)
_ZERO_KINDS = ("string", "bool", "int", "float", "struct")
_MAX_INTEGER_DIGITS = 20  # characters of an integer of 64 bits

_STRINGS = Shape("list", "[]string", element=Shape("string", "string"))
_OCTET = Shape("int", "uint8")
_UNSET: Final = object()
"""Marks that nothing is stored: null where Go has no null, or a value of the wrong type."""


def unmarshal(shape: Shape, value: Any) -> Any:
    """Decodes a value of `read` into plain data under the contract's keys.

    Null members of structs are left out, except where any JSON is allowed; null elements become
    Go's zero value; unknown keys of a struct are preserved. Returns None for null.
    Raises DecodeError.
    """
    decoded = _Decoding().result(shape, value)
    return None if decoded is _UNSET else decoded


class _Decoding:
    """The state of one call of Go's `Unmarshal`: its position and its first mismatch."""

    def __init__(self) -> None:
        self._struct = ""
        self._path: tuple[str, ...] = ()
        self._first_error: DecodeError | None = None
        self._members: dict[str, Any] = {}
        self._unfit: tuple[dict[str, Any], str, DecodeError] | None = None

    def result(self, shape: Shape, value: Any) -> Any:
        try:
            decoded = self._stored(shape, value, _UNSET)
        except DecodeError as error:
            raise self._located(error) from None
        if self._first_error is not None:
            raise self._first_error
        if self._unfit is not None:
            members, prefix, unfit = self._unfit
            raise DecodeError(prefix.format(quote(members.get("name", ""))) + str(unfit))
        return decoded

    def _located(self, error: DecodeError) -> DecodeError:
        if isinstance(error, MismatchError) and self._path:
            return MismatchError(error.kind, error.go_type, self._struct, self._path + error.path)
        return error

    def _record(self, error: DecodeError) -> Any:
        if self._first_error is None:
            self._first_error = self._located(error)
        return _UNSET

    def _mismatch(self, shape: Shape, value: Any) -> Any:
        return self._record(MismatchError(kind_of(value), shape.go_type))

    def _stored(self, shape: Shape, value: Any, earlier: Any) -> Any:
        """Decodes `value`; `earlier` is the result of an earlier member with the same key."""
        if value is None and shape.kind not in TAKE_NULL:
            return earlier if shape.kind in _ZERO_KINDS else _UNSET
        return _STORE[shape.kind](self, shape, value, earlier)

    def struct_value(self, shape: Shape, value: Any, earlier: Any) -> Any:
        if not isinstance(value, Members):
            return self._mismatch(shape, value)
        struct, path, members = self._struct, self._path, self._members
        result: dict[str, Any] = dict(earlier) if isinstance(earlier, dict) else {}
        for key, member in value.pairs:
            name = shape.field_for(key)
            if name is None:
                store_unknown(result, text(key), member)
                continue
            # When an error is raised this stays: it is the position of the error.
            self._struct, self._path, self._members = shape.struct, (*path, name), result
            decoded = self._stored(shape.fields[name], member, result.get(name, _UNSET))
            self._struct, self._path, self._members = struct, path, members
            if decoded is _UNSET:
                result.pop(name, None)
            else:
                result[name] = decoded
        return result

    def list_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if not isinstance(value, list):
            return self._mismatch(shape, value)
        elements = []
        for element in value:
            elements.append(self._element(shape.element, element))  # noqa: PERF401 - see `plain`
        return elements

    def map_value(self, shape: Shape, value: Any, earlier: Any) -> Any:
        if not isinstance(value, Members):
            return self._mismatch(shape, value)
        members: dict[str, Any] = dict(earlier) if isinstance(earlier, dict) else {}
        for key, member in value.pairs:
            members[text(key)] = self._element(shape.element, member)
        return members

    def _element(self, shape: Shape | None, value: Any) -> Any:
        """Decodes an element of a list or a map; Go's zero value where nothing is stored."""
        if shape is None:
            return self.any_value(shape, value, _UNSET)
        decoding = _Decoding().result if shape.decodes_alone else self._element_plain
        decoded = decoding(shape, value)
        return zero_value(shape.kind) if decoded is _UNSET else decoded

    def _element_plain(self, shape: Shape, value: Any) -> Any:
        return self._stored(shape, value, _UNSET)

    def string_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return text(value) if kind_of(value) == "string" else self._mismatch(shape, value)

    def bool_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return value if isinstance(value, bool) else self._mismatch(shape, value)

    def int_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if not isinstance(value, Number):
            return self._mismatch(shape, value)
        if len(value) <= _MAX_INTEGER_DIGITS and value.removeprefix("-").isdigit():
            integer = int(value)
            if _INT64[0] <= integer <= _INT64[1]:
                return integer
        return self._record(MismatchError(f"number {value}", shape.go_type))

    def float_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if not isinstance(value, Number):
            return self._mismatch(shape, value)
        try:
            return plain(value)
        except NumberRangeError as error:
            return self._record(MismatchError(f"number {error.literal}", shape.go_type))

    def any_value(self, _shape: Shape | None, value: Any, _earlier: Any) -> Any:
        # Go stores `format` as bytes and would accept 1e999, which could not be sent on.
        try:
            return plain(value)
        except NumberRangeError as error:
            return self._record(MismatchError(f"number {error.literal}", "float64"))

    def base64_text(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if isinstance(value, list):
            return base64.b64encode(bytes(self._octet(octet) for octet in value)).decode()
        if kind_of(value) != "string":
            return self._mismatch(shape, value)
        try:
            return base64_value(text(value))
        except DecodeError as error:
            return self._record(error)

    def _octet(self, value: Any) -> int:
        if not isinstance(value, Number):
            if value is not None:
                self._mismatch(_OCTET, value)
            return 0
        if value.isdigit() and len(value) <= 3 and int(value) <= 255:
            return int(value)
        self._record(MismatchError(f"number {value}", _OCTET.go_type))
        return 0

    def own(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return _OWN[shape.kind](value)

    def properties(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        properties: dict[str, Any] = {}
        for key, member in object_value(value).pairs:
            properties[text(key)] = self._property(shape.element, member)
        return properties

    def _property(self, shape: Shape | None, value: Any) -> Any:
        if shape is None:
            return plain_value(value)
        decoded = _Decoding().result(shape, value)
        return zero_value(shape.kind) if decoded is _UNSET else decoded

    def parameters(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        """Checks the parameters of a tool; Ollama reports their errors after any other mismatch."""
        if shape.go_type.startswith("map") and not isinstance(value, Members):
            return self._mismatch(shape, value)
        try:
            unmarshal(cast("Shape", shape.element), value)
        except DecodeError as error:
            self._unfit = self._unfit or (self._members, UNFIT[shape.go_type], error)
        return self.any_value(shape, value, _UNSET)

    def later(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return Later(shape, value)

    def union(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return UNIONS[shape.kind](unmarshal, shape, value)

    def property_type(self, _shape: Shape, value: Any, _earlier: Any) -> Any:
        if kind_of(value) == "string":
            return text(value)
        return _Decoding().result(_STRINGS, value)


_OWN: dict[Kind, Callable[[Any], Any]] = {
    "duration": duration_value,
    "think": think_value,
    "arguments": arguments_value,
}
_STORE: dict[Kind, Callable[[_Decoding, Shape, Any, Any], Any]] = {
    "struct": _Decoding.struct_value,
    "list": _Decoding.list_value,
    "map": _Decoding.map_value,
    "string": _Decoding.string_value,
    "bool": _Decoding.bool_value,
    "int": _Decoding.int_value,
    "float": _Decoding.float_value,
    "any": _Decoding.any_value,
    "raw": _Decoding.any_value,
    "base64": _Decoding.base64_text,
    "properties": _Decoding.properties,
    "property-type": _Decoding.property_type,
    "parameters": _Decoding.parameters,
    **dict.fromkeys(_OWN, _Decoding.own),
    **dict.fromkeys(UNIONS, _Decoding.union),
    **dict.fromkeys(LATER, _Decoding.later),
}
