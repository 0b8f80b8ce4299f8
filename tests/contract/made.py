"""Exchanges and results to test with."""

from __future__ import annotations

import json
from typing import Any

from ollama_contract.checking import Finding
from ollama_contract.outcomes import Outcome, Result, Verdict
from ollama_contract.recording import Exchange

KEY = "sk-contract-canary"


def exchange(
    method: str = "POST",
    path: str = "/api/chat",
    body: Any = None,
    answer: bytes = b"{}",
    status: int = 200,
    seconds: float = 0.5,
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),),
    sent: tuple[tuple[str, str], ...] = (("content-type", "application/json"),),
) -> Exchange:
    """A whole exchange with a server on a host of its own."""
    content = b"" if body is None else json.dumps(body).encode()
    return Exchange(
        method,
        f"http://server.test{path}",
        path,
        [*sent, ("authorization", f"Bearer {KEY}"), ("host", "server.test")],
        content,
        status,
        list(headers),
        [(seconds, answer)],
        complete=True,
        secret=KEY,
    )


CHAT = "POST /api/chat"
SHOW = "POST /api/show"
BOTH = frozenset((CHAT, SHOW))
BAD = Finding(CHAT, "streams end", "one done", "two <b>done</b>", exchange(body={"model": "<i>"}))


def result() -> Result:
    """Two tests passed, two found the same of chat, one does not apply."""
    return Result(
        target={"url": "http://server.test", "model": "m", "abilities": ["completion"]},
        began="2026-11-24T23:00:00+00:00",
        seconds=3.0,
        outcomes=[
            Outcome("shows", "group", Verdict.PASSED, frozenset((SHOW,))),
            Outcome("chats", "group", Verdict.PASSED, frozenset((CHAT, SHOW))),
            Outcome("streams end", "group", Verdict.FAILED, frozenset((CHAT,)), findings=(BAD,)),
            Outcome(
                "streams end well",
                "group",
                Verdict.FAILED,
                frozenset((CHAT, SHOW)),
                findings=(BAD,),
            ),
            Outcome(
                "calls tools",
                "group",
                Verdict.NOT_APPLICABLE,
                frozenset(("POST /api/embed",)),
                reason="m does not claim the ability 'tools'",
            ),
        ],
    )
