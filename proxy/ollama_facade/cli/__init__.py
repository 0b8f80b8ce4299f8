"""The command `ollama-facade`: `serve`, and the commands that send requests to a service.

`main` is the entry point and `serve` runs uvicorn; `sockets` and `workers` share a port among
processes. `check`, `models` and `contract` are commands of their own, `backend_check` and `probes`
what `check --backend` does. Only `serve` imports the server, so that the others start fast. Begin
with `main.py`.
"""

__all__ = [
    "backend_check", "check", "contract", "main", "models", "probes", "serve", "sockets",
    "workers",
]  # fmt: skip
