"""One parser and one renderer for each API that clients speak, side by side.

A parser turns a checked body into a `GenerationRequest`; a renderer turns output deltas and the
completion into frames. `ollama_chat` and `ollama_generate` hold both. OpenAI's and Anthropic's APIs
have a module for each; `pass_through` is for a backend that speaks the client's own API. Begin with
`ollama_chat.py`.
"""

__all__ = [
    "anthropic_parser", "anthropic_renderer", "frame_encoder", "ollama_chat", "ollama_generate",
    "openai_checks", "openai_parser", "openai_renderer", "pass_through", "responses_parser",
    "responses_renderer",
]  # fmt: skip
