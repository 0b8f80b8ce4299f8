"""The backend: requests go out through the OpenAI SDK, responses come back as deltas.

Begin with `client.py`: a `Backend` opens a `Response` in a block. `session.py` sends a request
through one of the two senders of `sender.py`, retries it, and turns every failure into a
BackendError; `stream.py` reads a response. Nothing outside this package imports the SDK, httpx or
aiohttp.
"""

from ollama_facade.backend.client import Backend, Response
from ollama_facade.backend.learned import NoRouteError

__all__ = ["Backend", "NoRouteError", "Response"]
