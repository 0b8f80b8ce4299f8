"""Writes docs/settings.md to standard output, from the settings themselves: `make generate`."""

from __future__ import annotations

import sys

from pydantic import SecretStr

from ollama_facade.config.parsers import FROM_FILE
from ollama_facade.config.settings import LENIENT, Settings, variables

HEAD = """\
# Settings

Every setting is an environment variable and is read once, at the start. An empty variable counts as
unset; white space and quotes around a value are taken off, as Ollama does. A value that cannot be
used ends the start with exit status 2 and one line that names the variable, but for those marked *,
where the default is used and a line says so.

This file is made from `proxy/ollama_facade/config/settings.py` by `make generate`.

| variable | default | meaning |
|---|---|---|
| `OLLAMA_HOST` * | `127.0.0.1:11434` | Address to listen on: `HOST`, `HOST:PORT`, `:PORT` (all \
interfaces), `[IPV6]:PORT` or a URL, of which scheme and path are ignored; only a wrong port is forgiven |
"""

TAIL = """
## How values are read

* Times named `…_TIMEOUT` and `FACADE_MODELS_TTL` are seconds and may have a fraction. A Go duration
  is numbers with units (`ns us µs ms s m h`), such as `1h30m`.
* Lists have commas (or line ends, in a file) between their entries.
* Headers are lines, `Name: value` each; a value is never shown.
* Booleans are Go's: `0 f F false False FALSE` are false, and any other text that is not empty is true.
* `NAME_FILE` names a file whose content is the value of `NAME`, for secrets that are mounted:
"""


def shown(value: object) -> str:
    """A default as one would write it in the environment."""
    if isinstance(value, SecretStr) or value in (None, ()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def document() -> str:
    """The whole of docs/settings.md."""
    rows = []
    for name, variable in variables().items():
        field = Settings.model_fields[name]
        default = {"keep_alive": "`5m`", "max_body": "`32MiB`"}.get(name) or shown(field.default)
        mark = " *" if variable in LENIENT else ""
        rows.append(f"| `{variable}`{mark} | {default} | {field.description} |\n")
    files = " · ".join(f"`{variable}_FILE`" for variable in FROM_FILE)
    return f"{HEAD}{''.join(rows)}{TAIL}  {files}\n"


if __name__ == "__main__":
    sys.stdout.write(document())
