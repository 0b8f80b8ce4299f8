"""docs/a-chat.md beside a chat: every function that the page links is called, in its order."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from ollama_facade.config.settings import load
from ollama_facade.server.app import build
from tests import raw
from tests.server.asgi import served
from tests.upstream import Upstream

PAGE = Path(__file__).parent.parent / "docs" / "a-chat.md"
LINKS = re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", PAGE.read_text("utf-8"))
CHAT = {"model": "native", "messages": [{"role": "user", "content": "Hi"}]}


def called_functions(upstream: Upstream) -> list[tuple[str, Path]]:
    """The functions that one streamed chat calls, each once, in the order of their first calls."""
    calls: dict[tuple[str, str], None] = {}

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            calls.setdefault((frame.f_code.co_qualname, frame.f_code.co_filename))

    app = build(load({"OPENAI_BASE_URL": upstream.base_url}))
    threading.setprofile(profile)
    try:
        with served(app, "on") as port:
            url = f"http://127.0.0.1:{port}"
            raw.ask(url, "POST", "/api/chat", CHAT)
            calls.clear()
            assert raw.ask(url, "POST", "/api/chat", CHAT).lines()[-1]["done"] is True
    finally:
        threading.setprofile(None)  # type: ignore[arg-type] # documented to take None
    return [(name, Path(file)) for name, file in calls]


def test_the_page_has_at_most_twelve_links() -> None:
    assert 0 < len(LINKS) <= 12


def test_a_chat_calls_the_linked_functions_in_the_order_of_the_page(upstream: Upstream) -> None:
    linked = [(name, (PAGE.parent / target).resolve()) for name, target in LINKS]
    called = [place for place in called_functions(upstream) if place in linked]
    assert called == linked
