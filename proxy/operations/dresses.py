"""How the two endpoints dress Pieces and an Ending, with what they must remember meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proxy.translate.chat import chat_final, chat_frame
from proxy.translate.delta import Ending, Piece
from proxy.translate.generate import generate_final, generate_frame


class ChatDress:
    """Frames of `/api/chat`. `name` is the model as the client wrote it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def frame(self, created_at: str, piece: Piece) -> dict[str, Any]:
        """A frame before the end."""
        return chat_frame(self._name, created_at, piece)

    def final(self, created_at: str, ending: Ending, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""
        return chat_final(self._name, created_at, ending, metrics)


class GenerateDress:
    """Frames of `/api/generate`; keeps the answer's text, because the `context` carries it.

    `context` makes the integers from the whole answer; it is not called for ``raw``.
    """

    def __init__(self, name: str, context: Callable[[str], list[int]] | None) -> None:
        self._name = name
        self._context = context
        self._texts: list[str] = []

    def frame(self, created_at: str, piece: Piece) -> dict[str, Any]:
        """A frame before the end."""
        self._texts.append(piece.content)
        return generate_frame(self._name, created_at, piece)

    def final(self, created_at: str, ending: Ending, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""
        self._texts.append(ending.piece.content)
        context = self._context("".join(self._texts)) if self._context else []
        return generate_final(self._name, created_at, ending, metrics, context)
