"""Speaks the Ollama HTTP API to its clients and the OpenAI HTTP API to one backend."""

__version__ = "0.2.0"
