"""How the two endpoints dress Pieces and an Ending, with what they must remember meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ollama_facade.golang.encode import dumps
from ollama_facade.translate.apis.ollama_chat import chat_final, chat_frame
from ollama_facade.translate.apis.ollama_generate import generate_final, generate_frame
from ollama_facade.translate.deltas import Completion, OutputDelta

_TIME, _TEXT = "\0time", "\0text"
"""Stand where a frame has its time and its text; the last such texts in it are these."""


class Encoder:
    """Frames that differ in their time and text only, encoded: the rest of them is made once.

    `frame` makes any frame of the kind. A line is what `dumps` gives of it.
    """

    def __init__(self, frame: Callable[[str, OutputDelta], dict[str, Any]]) -> None:
        rest, _, self._after = dumps(frame(_TIME, OutputDelta(_TEXT))).rpartition(dumps(_TEXT))
        self._before, _, self._between = rest.rpartition(dumps(_TIME))

    def lines(self, created_at: str, pieces: Iterable[OutputDelta]) -> list[bytes]:
        """The frames of these texts at this time as JSON."""
        before, after = self._around(created_at)
        return [before + dumps(piece.content) + after for piece in pieces]

    def texts(self, created_at: str, texts: Iterable[bytes]) -> bytes:
        """The same of texts that need no escapes, a line each."""
        before, after = self._around(created_at)
        return b'%b"%b"%b' % (before, (b'"%b\n%b"' % (after, before)).join(texts), after)

    def _around(self, created_at: str) -> tuple[bytes, bytes]:
        return b'%b"%b"%b' % (self._before, created_at.encode(), self._between), self._after


def _is_plain(pieces: Iterable[OutputDelta]) -> bool:
    return not any(piece.thinking or piece.logprobs for piece in pieces)


class ChatRenderer:
    """Frames of `/api/chat`. `name` is the model as the client wrote it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._encoder: Encoder | None = None

    def lines(self, created_at: str, pieces: Sequence[OutputDelta]) -> list[bytes]:
        """Frames before the end as JSON."""
        if not _is_plain(pieces):
            return [dumps(self.frame(created_at, piece)) for piece in pieces]
        return self._plain().lines(created_at, pieces)

    def texts(self, created_at: str, texts: Sequence[bytes]) -> bytes:
        """Frames of texts that need no escapes as JSON, a line each."""
        return self._plain().texts(created_at, texts)

    def _plain(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(self.frame)
        return self._encoder

    def frame(self, created_at: str, piece: OutputDelta) -> dict[str, Any]:
        """A frame before the end."""
        return chat_frame(self._name, created_at, piece)

    def final(self, created_at: str, ending: Completion, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""
        return chat_final(self._name, created_at, ending, metrics)


class GenerateRenderer:
    """Frames of `/api/generate`; keeps the answer's text, because the `context` carries it.

    `context` makes the integers from the whole answer; it is not called for ``raw``.
    """

    def __init__(self, name: str, context: Callable[[str], list[int]] | None) -> None:
        self._name = name
        self._context = context
        self._texts: list[str] = []
        self._encoder: Encoder | None = None

    def lines(self, created_at: str, pieces: Sequence[OutputDelta]) -> list[bytes]:
        """Frames before the end as JSON."""
        if not _is_plain(pieces):
            return [dumps(self.frame(created_at, piece)) for piece in pieces]
        self._texts += [piece.content for piece in pieces]
        return self._plain().lines(created_at, pieces)

    def texts(self, created_at: str, texts: Sequence[bytes]) -> bytes:
        """Frames of texts that need no escapes as JSON, a line each."""
        self._texts.append(b"".join(texts).decode("ascii"))
        return self._plain().texts(created_at, texts)

    def _plain(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(lambda at, one: generate_frame(self._name, at, one))
        return self._encoder

    def frame(self, created_at: str, piece: OutputDelta) -> dict[str, Any]:
        """A frame before the end."""
        self._texts.append(piece.content)
        return generate_frame(self._name, created_at, piece)

    def final(self, created_at: str, ending: Completion, metrics: dict[str, int]) -> dict[str, Any]:
        """The frame that ends the answer."""
        self._texts.append(ending.piece.content)
        context = self._context("".join(self._texts)) if self._context else []
        return generate_final(self._name, created_at, ending, metrics, context)
