"""The exceptions that this package raises on purpose.

    FacadeError
    ├── OllamaError        what the client receives: a status and Ollama's ``{"error": text}``
    │   └── BackendError   the same, because the backend failed; `kind` is the word the metrics use
    ├── SettingsError      a setting is missing or wrong; the process ends with status 2, one line
    └── ContractError      the OpenAPI document and the code disagree; the service does not start

Foreign exceptions (the SDK's, Connexion's, the operating system's) are mapped to one of these in
one place a layer: `backend/errors.py`, `server/app.py`, `catalog/store.py`, `config/settings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class FacadeError(Exception):
    """Base of the exceptions of this package."""


class OllamaError(FacadeError):
    """A failure that is reported to the client in Ollama's form (inference.md §1.1, §4.3).

    `status` is the HTTP status, used while no frame has been sent. `message` is the text of
    ``{"error": …}``. `headers` go out with the status; `fields` stand beside ``error`` in the
    body (``signin_url``). `dropped` names what had been taken out of a request before it failed.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers: Mapping[str, str] = headers or {}
        self.fields: Mapping[str, object] = fields or {}
        self.dropped: Sequence[str] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.status}, {self.message!r})"


class BackendError(OllamaError):
    """The backend failed or refused. `kind` is one word for logs and metrics (``unreachable``)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, message, headers=headers)
        self.kind = kind


class SettingsError(FacadeError):
    """A setting is missing or wrong; the text is one line that names it and says what to do."""


class ContractError(FacadeError):
    """The OpenAPI document and the code disagree: an operation without a handler, a bad schema."""
