"""A body as Go's `encoding/json` decodes it into Ollama's structs, with Go's complaints.

Go goes over the whole value. A plain mismatch of types is remembered, and the first one is reported
at the end; a type with a decoder of its own (`keep_alive`, a message, …) ends everything at once,
and its error counts. An error names the innermost struct and the path of keys of the decoding
it came to, the path of an inner decoding being appended (inference.md §1.1).
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
    keep_unknown,
    kind_of,
    object_value,
    plain_value,
    think_value,
)
from ollama_facade.golang.quote import quote
from ollama_facade.golang.types import Kind, Shape, nothing
from ollama_facade.golang.unions import LATER, TAKE_NULL, UNFIT, UNIONS, Later
from ollama_facade.golang.values import Members, Number, NumberRangeError, plain, text

_INT64 = (-(2**63), 2**63 - 1)
_ZERO_KINDS = ("string", "bool", "int", "float", "struct")
_LONGEST_INTEGER = 20  # characters of an integer that 64 bits hold

_STRINGS = Shape("list", "[]string", element=Shape("string", "string"))
_OCTET = Shape("int", "uint8")
_UNSET: Final = object()
"""Nothing is stored: null where Go has no null, or a value of the wrong type."""


def as_go_decodes(shape: Shape, value: Any) -> Any:
    """A value that `read` gave as plain data under the contract's own keys.

    Null members of structs are left out, except where any JSON goes; null elements have become what
    Go has for nothing; keys that a struct does not know are kept. None for null as a whole.
    Raises DecodeError.
    """
    decoded = _Decoding().result(shape, value)
    return None if decoded is _UNSET else decoded


class _Decoding:
    """One call of Go's `Unmarshal`: where it is, and the first mismatch that it saw."""

    def __init__(self) -> None:
        self._struct = ""
        self._path: tuple[str, ...] = ()
        self._remembered: DecodeError | None = None
        self._members: dict[str, Any] = {}
        self._unfit: tuple[dict[str, Any], str, DecodeError] | None = None

    def result(self, shape: Shape, value: Any) -> Any:
        try:
            decoded = self._stored(shape, value, _UNSET)
        except DecodeError as error:
            raise self._in_place(error) from None
        if self._remembered is not None:
            raise self._remembered
        if self._unfit is not None:
            members, prefix, fault = self._unfit
            raise DecodeError(prefix.format(quote(members.get("name", ""))) + str(fault))
        return decoded

    def _in_place(self, error: DecodeError) -> DecodeError:
        if isinstance(error, MismatchError) and self._path:
            return MismatchError(error.kind, error.go_type, self._struct, self._path + error.path)
        return error

    def _remember(self, error: DecodeError) -> Any:
        if self._remembered is None:
            self._remembered = self._in_place(error)
        return _UNSET

    def _mismatch(self, shape: Shape, value: Any) -> Any:
        return self._remember(MismatchError(kind_of(value), shape.go_type))

    def _stored(self, shape: Shape, value: Any, earlier: Any) -> Any:
        """What `value` becomes; `earlier` is what an earlier member of the same key became."""
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
                keep_unknown(result, text(key), member)
                continue
            # On the way out with an error this stays: it is the place of the error.
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
        """An element of a list or a map: where nothing is stored it is what Go has for nothing."""
        if shape is None:
            return self.any_value(shape, value, _UNSET)
        decoding = _Decoding().result if shape.decodes_alone else self._element_in_place
        decoded = decoding(shape, value)
        return nothing(shape.kind) if decoded is _UNSET else decoded

    def _element_in_place(self, shape: Shape, value: Any) -> Any:
        return self._stored(shape, value, _UNSET)

    def string_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return text(value) if kind_of(value) == "string" else self._mismatch(shape, value)

    def bool_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return value if isinstance(value, bool) else self._mismatch(shape, value)

    def int_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if not isinstance(value, Number):
            return self._mismatch(shape, value)
        if len(value) <= _LONGEST_INTEGER and value.removeprefix("-").isdigit():
            whole = int(value)
            if _INT64[0] <= whole <= _INT64[1]:
                return whole
        return self._remember(MismatchError(f"number {value}", shape.go_type))

    def float_value(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if not isinstance(value, Number):
            return self._mismatch(shape, value)
        try:
            return plain(value)
        except NumberRangeError as error:
            return self._remember(MismatchError(f"number {error.literal}", shape.go_type))

    def any_value(self, _shape: Shape | None, value: Any, _earlier: Any) -> Any:
        # Go keeps `format` as bytes and would take 1e999 there; nothing of ours could send it on.
        try:
            return plain(value)
        except NumberRangeError as error:
            return self._remember(MismatchError(f"number {error.literal}", "float64"))

    def base64_text(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        if isinstance(value, list):
            return base64.b64encode(bytes(self._octet(octet) for octet in value)).decode()
        if kind_of(value) != "string":
            return self._mismatch(shape, value)
        try:
            return base64_value(text(value))
        except DecodeError as error:
            return self._remember(error)

    def _octet(self, value: Any) -> int:
        if not isinstance(value, Number):
            if value is not None:
                self._mismatch(_OCTET, value)
            return 0
        if value.isdigit() and len(value) <= 3 and int(value) <= 255:
            return int(value)
        self._remember(MismatchError(f"number {value}", _OCTET.go_type))
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
        return nothing(shape.kind) if decoded is _UNSET else decoded

    def parameters(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        """Ollama reads them when everything else is read, so any other mismatch comes first."""
        if shape.go_type.startswith("map") and not isinstance(value, Members):
            return self._mismatch(shape, value)
        try:
            as_go_decodes(cast("Shape", shape.element), value)
        except DecodeError as error:
            self._unfit = self._unfit or (self._members, UNFIT[shape.go_type], error)
        return self.any_value(shape, value, _UNSET)

    def later(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return Later(shape, value)

    def union(self, shape: Shape, value: Any, _earlier: Any) -> Any:
        return UNIONS[shape.kind](as_go_decodes, shape, value)

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
