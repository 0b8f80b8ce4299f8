"""Points in time as Ollama writes them."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def problem_of(text: Any) -> str:
    """Why this is no point in time in RFC 3339 with an offset; empty when it is one."""
    if not isinstance(text, str) or not (found := RFC_3339.fullmatch(text)):
        return repr(text)
    try:
        datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    except ValueError as error:
        return f"{text!r}: {error}"
    return ""


def instant(text: str) -> Decimal:
    """Seconds since 1970, to the nanosecond; raises ValueError when it is no point in time."""
    found = RFC_3339.fullmatch(text)
    if not found:
        raise ValueError(text)
    whole = datetime.fromisoformat(found[1] + found[3].replace("Z", "+00:00"))
    return int(whole.timestamp()) + Decimal(found[2] or "0")


def date_of(header: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None when there is none that can be read."""
    try:
        return parsedate_to_datetime(header or "").timestamp()
    except ValueError:
        return None
