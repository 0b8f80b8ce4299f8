"""The settings of the service: the only package that reads the environment.

`load` reads every variable once into a frozen `Settings`, which is passed to whatever needs it.
`parsers` parses the texts and describes what is wrong with one. A new setting is a field of
`Settings`. Begin with `settings.py`.
"""

from __future__ import annotations

from ollama_facade.config.settings import Settings, load

__all__ = ["Settings", "load"]
