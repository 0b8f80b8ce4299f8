"""Which models there are: the backend's list, overlaid with the files of the operator's folder.

`Catalog` finds, lists, creates, copies and deletes models. `upstream` caches the backend's list,
`store` reads and writes the folder, `manifest` is one file of it, `entry` merges a file with its
base, and `index` finds a model by any spelling of its name. Begin with `registry.py`.
"""

from __future__ import annotations

from ollama_facade.catalog.registry import Catalog

__all__ = ["Catalog"]
