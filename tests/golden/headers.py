"""Which headers of an answer matter, and how they are compared."""

from __future__ import annotations

from collections.abc import Mapping

from tests.golden.recordings import Case

MATTER = ("content-type", "allow", "location", "vary", "www-authenticate")


def recorded_headers(case: Case) -> dict[str, str]:
    """The recorded headers in the form of `Live.headers`."""
    fields = case.response["headers"].items()
    return {key.lower(): ", ".join(v) if isinstance(v, list) else v for key, v in fields}


def compare_headers(
    golden: Mapping[str, str], ours: Mapping[str, str], *, has_body: bool
) -> tuple[list[str], list[str]]:
    """(differences that matter, notes)."""
    hard, notes = [], []
    for name in sorted(golden.keys() | ours.keys()):
        left, right = golden.get(name), ours.get(name)
        if left == right:
            continue
        if not (name in MATTER or name.startswith("access-control-")):
            if left is not None and name in ("cache-control", "connection"):
                notes.append(f"~{name}")
        elif name == "content-type" and media_type(left) == media_type(right):
            notes.append("charset")
        elif name == "content-type" and left is None and not has_body:
            notes.append("~content-type of nothing")
        elif left and right and elements(left) == elements(right):
            notes.append(f"order in {name}")
        else:
            hard.append(f"header {name}: {left!r} ≠ {right!r}")
    if ("transfer-encoding" in golden) != ("transfer-encoding" in ours):
        notes.append("~chunked or length")
    return hard, notes


def media_type(value: str | None) -> str | None:
    return value.split(";")[0].strip().lower() if value else None


def elements(value: str) -> set[str]:
    return {part.strip().lower() for part in value.split(",")}
