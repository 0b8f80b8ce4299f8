"""One file of the folder: its name, its text and its layers.

``acme/widget:v1.2`` is written to ``acme--widget--v1.2.yaml``. The parts of a name hold letters,
digits, ``_``, ``-``, ``.`` (and ``:`` in a host) and begin with a letter, a digit or ``_``; so
``--`` separates them once no part has two dashes in a row, and no name leads out of the folder.

No layer is stored; a digest is that of the content itself, as Ollama computes it, so the same
text has the same digest in every model and after a restart.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import yaml

from ollama_facade import contract, names
from ollama_facade.catalog import checks, entry
from ollama_facade.errors import FacadeError, OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.names import HOST, NAMESPACE, TAG, Name


class DocumentError(FacadeError):
    """The file is not a create request; the text says why."""


# Safe YAML with the types of JSON: a date is a text.
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
    """Writes texts of several lines as blocks, so that people can read them."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.strip("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)

SUFFIX = ".yaml"

MAX_STEM_BYTES = 200
"""Length of a file name without its suffix; file systems allow 255 bytes."""


def stem(name: Name) -> str:
    """Returns the file name without its suffix, in lower case, different for every model.

    The tag is left out only where it is ``latest`` and nothing precedes the model, so that one,
    two, three and four parts are model, model and tag, namespace to tag, and host to tag.
    """
    parts = [part.casefold() for part in (name.host, name.namespace, name.model, name.tag)]
    if parts[0] == HOST:
        parts = parts[1:]
        if parts[0] == NAMESPACE:
            parts = parts[1:] if parts[2] != TAG else parts[1:2]
    text = "--".join(re.sub("(?<=-)-", "+", part).replace(":", "=") for part in parts)
    if len(text) <= MAX_STEM_BYTES:
        return text
    return f"{text[:100]}~{hashlib.sha256(text.encode()).hexdigest()}"


def file_names(name: Name) -> Iterator[str]:
    """Yields file names in the order in which they are tried; another file may have the first."""
    first = stem(name)
    yield first + SUFFIX
    number = 2
    while True:
        yield f"{first}~{number}{SUFFIX}"
        number += 1


def read(content: bytes) -> dict[str, Any]:
    """Reads and checks a create request. Raises DocumentError with one line of text."""
    body = parse(content)
    violation = _violation(body)
    if violation:
        raise DocumentError(violation)
    _check(body)
    return body


def parse(content: bytes) -> dict[str, Any]:
    """Parses YAML that is a mapping. Raises DocumentError."""
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
    """Writes a create request so that `parse` returns exactly `body`. Raises DocumentError."""
    # Neither blocks nor unescaped text can hold every text; each way holds more than the last.
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


def layers(preset: Mapping[str, Any], backend_id: str) -> list[str]:
    """Lists ``sha256:…`` of the weights (the digest of the backend's model), then of every part.

    The order is Ollama's (create.go:828-876).
    """
    parts = [f"sha256:{entry.digest({}, backend_id)}"]
    texts = [preset[field] for field in ("template", "system") if preset.get(field)]
    texts += preset.get("license", ())
    parts += [_digest(text.encode("utf-8", "replace")) for text in texts]
    if preset.get("parameters"):
        ordered = {name: preset["parameters"][name] for name in sorted(preset["parameters"])}
        parts.append(_digest(dumps(ordered) + b"\n"))
    if preset.get("messages"):
        parts.append(_digest(dumps(preset["messages"]) + b"\n"))
    return parts


def layer_frames(
    before: Mapping[str, Any], after: Mapping[str, Any], backend_id: str
) -> list[dict[str, Any]]:
    """Returns a frame for each layer of `after`; those of its base `before` come first."""
    existing = set(layers(before, backend_id))
    digests = layers(after, backend_id)
    return [
        *({"status": f"using existing layer {layer}"} for layer in digests if layer in existing),
        *({"status": f"creating new layer {layer}"} for layer in digests if layer not in existing),
    ]


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
        checks.check_request(body)
    except OllamaError as error:
        raise DocumentError(error.message) from None


def _violation(body: Mapping[str, Any]) -> str:
    """Describes the first violation of the contract, "" when there is none."""
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


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
