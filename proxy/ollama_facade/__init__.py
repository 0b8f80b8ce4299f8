"""Serves the Ollama HTTP API to clients, from a backend that speaks the OpenAI HTTP API.

A request passes `server` (ASGI), `operations` (one method an operation), `translate` (pure) and
`backend` (the OpenAI SDK). Each package imports lower ones only; their order, from the lowest:
`golang`, `contract` and `config`, `translate`, `backend` and `catalog`, `operations`, `server`,
`cli` and `embedded`. Begin with `server/app.py`, which puts everything together.
"""

__version__ = "0.2.0"

__all__ = ["__version__"]
