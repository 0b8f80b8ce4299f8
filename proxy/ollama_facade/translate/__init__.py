"""Translates between Ollama's API and OpenAI's: pure functions, no I/O, no clock, no SDK.

`apis/` has a parser and a renderer for each API that clients speak. `requests` builds the request
to the backend, `chunks` reads what it answers, `accumulator` turns that into Ollama's output. The
other modules translate one part each: `messages`, `options`, `tools`, `formats`, `images`, … What a
family of backends takes is data in `dialect_table`. Begin with `requests.py`.
"""

__all__ = [
    "accumulator", "apis", "chunks", "context", "deltas", "dialect_table", "dialects",
    "embeddings", "formats", "images", "messages", "metadata", "models", "options", "requests",
    "show", "thinking", "tool_calls", "tools",
]  # fmt: skip
