"""Write proxy/wire.py, the types of the wire, from ollama.yaml.

    python openapi/generate.py            write it
    python openapi/generate.py --check    say in a diff what is stale, and end with 1 if anything is

The types are TypedDicts with the names of the component schemas. No key of a request is required,
and almost every value may be None, because the schemas say so. `x-ollama-ref` becomes `$ref` before
the generator reads the document, as it has no trouble with a schema that contains itself.
"""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from datamodel_code_generator import generate
from datamodel_code_generator.config import GenerateConfig
from datamodel_code_generator.enums import DataModelType, InputFileType
from datamodel_code_generator.format import Formatter, PythonVersion
from datamodel_code_generator.parser import LiteralType

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE / "ollama.yaml"
WIRE = HERE.parent / "proxy" / "wire.py"

HEADER = '''"""The types of the wire: what a request may hold, what an answer looks like.

Generated from openapi/ollama.yaml by `make generate`. Do not edit.
"""
'''

CONFIG = GenerateConfig(
    input_file_type=InputFileType.OpenAPI,
    output_model_type=DataModelType.TypingTypedDict,
    target_python_version=PythonVersion.PY_311,
    custom_file_header=HEADER,
    disable_timestamp=True,
    enum_field_as_literal=LiteralType.All,
    formatters=[Formatter.BUILTIN],
    keep_model_order=True,
    # Without this `_debug_render_only` would become `field_debug_render_only`, which is no key.
    special_field_name_prefix="",
    strict_nullable=True,
    use_schema_description=True,
    use_standard_collections=True,
    use_union_operator=True,
)


def wire(document: Any) -> str:
    """The text of wire.py for an OpenAPI document."""
    text = yaml.safe_dump(_without_our_references(document), sort_keys=False, allow_unicode=True)
    made = generate(text, config=CONFIG)
    if not isinstance(made, str):
        raise TypeError("the generator made more than one module")
    return _formatted(made)


def main(arguments: list[str]) -> int:
    """Write wire.py, or with ``--check`` compare it. Gives the exit status of the process."""
    wanted = wire(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    if arguments != ["--check"]:
        WIRE.write_text(wanted, encoding="utf-8")
        return 0
    there = WIRE.read_text(encoding="utf-8") if WIRE.exists() else ""
    sys.stdout.writelines(
        difflib.unified_diff(
            there.splitlines(keepends=True),
            wanted.splitlines(keepends=True),
            "proxy/wire.py",
            "proxy/wire.py, as openapi/ollama.yaml would have it",
        )
    )
    return int(there != wanted)


def _without_our_references(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_our_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-ollama-ref" in node:
        return {"$ref": node["x-ollama-ref"]}
    return {key: _without_our_references(value) for key, value in node.items()}


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(WIRE), "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
