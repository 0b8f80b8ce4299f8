"""The table of routes: which paths there are, with which methods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ollama_facade.contract import Operation

METHODS = ("HEAD", "GET", "POST", "DELETE", "PUT", "PATCH")
"""In the order in which Ollama registers them, which is the order of `Allow`."""

_PARAMETER = re.compile(r"\{[^{}/]+\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One path template with its operations."""

    template: str
    operations: Mapping[str, Operation]
    """Each operation under its method in capitals."""

    allow: bytes
    """The value of `Allow` for any other method."""

    unlogged: bool
    """Whether its requests are neither counted nor logged."""


class Routes:
    """All routes; a path without parameters is one look-up."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in operations:
            by_path.setdefault(operation.path, {})[operation.method.upper()] = operation
        self._fixed: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for template, methods in by_path.items():
            allow = ", ".join(sorted(methods, key=METHODS.index)).encode()
            unlogged = all(operation.unlogged for operation in methods.values())
            route = Route(template, methods, allow, unlogged)
            if "{" in template:
                self._patterns.append((_pattern(template), route))
            else:
                self._fixed[template] = route

    def find(self, path: str) -> Route | None:
        """Returns the route of a decoded path. A parameter is one segment that is not empty."""
        route = self._fixed.get(path)
        if route is not None:
            return route
        for pattern, route in self._patterns:
            if pattern.fullmatch(path):
                return route
        return None

    def with_other_slash(self, path: str, method: str) -> str | None:
        """Returns the path with one slash more or less at its end, when that has this method."""
        if path == "/":
            return None
        other = path[:-1] if path.endswith("/") else path + "/"
        route = self.find(other)
        return other if route is not None and method in route.operations else None


def _pattern(template: str) -> re.Pattern[str]:
    fixed = (re.escape(part) for part in _PARAMETER.split(template))
    return re.compile("[^/]+".join(fixed))
