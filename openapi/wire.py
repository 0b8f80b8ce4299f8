"""The types of the wire (proxy/ollama_facade/contract/wire.py), from the document.

They are TypedDicts with the names of the component schemas. No key of a request is required, and
almost every value may be None, because the schemas say so. `x-ollama-ref` becomes `$ref` before the
generator reads the document, as it has no trouble with a schema that contains itself.
"""

from __future__ import annotations

from typing import Any

import yaml
from datamodel_code_generator import generate
from datamodel_code_generator.config import GenerateConfig
from datamodel_code_generator.enums import DataModelType, InputFileType
from datamodel_code_generator.format import Formatter, PythonVersion
from datamodel_code_generator.parser import LiteralType

from openapi.formatting import formatted

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
    return formatted(made, "proxy/ollama_facade/contract/wire.py")


def _without_our_references(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_our_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-ollama-ref" in node:
        return {"$ref": node["x-ollama-ref"]}
    return {key: _without_our_references(value) for key, value in node.items()}
