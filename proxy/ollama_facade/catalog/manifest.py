"""One file of the folder as text: YAML to a checked create request, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import yaml

from ollama_facade import contract, names
from ollama_facade.catalog import checks, entry
from ollama_facade.errors import FacadeError, OllamaError


class DocumentError(FacadeError):
    """A file is no create request; the text says why."""


# Safe YAML with the values that JSON has, so that a date is a text.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOADER: Any = type(
    "_Loader",
    (_SAFE,),
    {
        "yaml_implicit_resolvers": {
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in _SAFE.yaml_implicit_resolvers.items()
        }
    },
)


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, so that people can read them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.strip("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def read(content: bytes) -> dict[str, Any]:
    """The create request that a file holds. Raises DocumentError with one line of text."""
    body = parse(content)
    found = _violation(body)
    if found:
        raise DocumentError(found)
    _check(body)
    return body


def parse(content: bytes) -> dict[str, Any]:
    """The mapping that the YAML is, nothing else checked. Raises DocumentError."""
    try:
        value = yaml.load(content, Loader=_LOADER)  # noqa: S506 - derived from the safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise DocumentError(f"{where}{error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"not YAML: {_first_line(error)}") from None
    if not isinstance(value, dict):
        raise DocumentError("it has to be a mapping with the fields of a create request")
    return value


def write(body: Mapping[str, Any]) -> bytes:
    """The file for a create request: `parse` gives back exactly `body`. Raises DocumentError."""
    # Blocks do not hold every text, nor do unescaped ones; each way holds more than the last.
    for dumper, unescaped in ((_Dumper, True), (yaml.SafeDumper, True), (yaml.SafeDumper, False)):
        try:
            text = yaml.dump(
                dict(body), Dumper=dumper, sort_keys=False, allow_unicode=unescaped, width=10_000
            )
            content = text.encode("utf-8")
            if parse(content) == body:
                return content
        except (DocumentError, UnicodeEncodeError, yaml.YAMLError):
            continue
    raise DocumentError("the request holds something that YAML cannot hold")


def _check(body: Mapping[str, Any]) -> None:
    name = entry.name_of(body)
    if not name:
        raise DocumentError("model: it has to be there")
    if names.parse(name) is None:
        raise DocumentError(f"model: {name!r} is not a valid name")
    if not body.get("from"):
        raise DocumentError("from: it has to be there, with the name of a model")
    if body.get("remote_host"):
        raise DocumentError("remote_host: models of other hosts are not supported")
    try:
        checks.check_weights(body)
        checks.check_info(body.get("info"))
        checks.check_template(body.get("template"))
        checks.check_license(body.get("license"))
    except OllamaError as error:
        raise DocumentError(error.message) from None


def _violation(body: Mapping[str, Any]) -> str:
    """What the contract says against the request, "" when nothing."""
    try:
        first = next(iter(_validator().iter_errors(body)), None)
    except (ValueError, TypeError) as error:
        return _first_line(error)
    if first is None:
        return ""
    where = ".".join(str(step) for step in first.instance_path)
    return f"{where}: {first.message}" if where else str(first.message)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


@lru_cache(maxsize=1)
def _validator() -> Any:
    compiled: Callable[..., Any] = jsonschema_rs.Draft4Validator
    return compiled(contract.schema("CreateRequest"))
