"""The HTTP server as one ASGI application: middlewares, dispatch by the contract, responses.

`build()` puts everything together, and its list of middlewares is the order of Ollama's checks. A
request is then dispatched by openapi/ollama.yaml to a handler of `operations`, whose result becomes
a response. What the parts share about a request is `RequestState`. Other packages may import what
`__all__` names, and the submodules `hosts`, `logging`, `metrics` and `protocol`. Begin with `app`,
then read the middlewares from the outermost one on, then `endpoint`.
"""

from __future__ import annotations

__all__ = ["app", "endpoint", "hosts", "logging", "metrics", "protocol", "shutdown"]
