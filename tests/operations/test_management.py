from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ollama_facade.catalog.registry import Catalog
from ollama_facade.errors import BackendError, OllamaError
from ollama_facade.operations.context import Empty, Json, NdjsonStream, RequestContext
from ollama_facade.operations.management import PULL_FAILED, Management
from tests.catalog.sources import Source, catalog, unreachable

pytestmark = pytest.mark.anyio

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def over(models: Catalog) -> Management:
    services: Any = SimpleNamespace(catalog=models)
    return Management(services)


@pytest.fixture
def management(tmp_path: Path) -> Management:
    return over(catalog(tmp_path, "gen", "smollm2", "acme/widget:v1.2", "a/b/c/d"))


def call(**path: str) -> RequestContext:
    return RequestContext(started=0, path=path)


async def answered(
    management: Management, operation: str, body: dict[str, Any]
) -> tuple[list[str], int, str]:
    """Statuses of the frames, and status and text of the error that ended them (200 for none)."""
    statuses: list[str] = []
    try:
        answer = await getattr(management, operation)(body, call())
        if isinstance(answer, Json):
            value: Any = answer.value
            assert answer.media_type == "application/json"
            if "error" in value:
                return [], answer.status, value["error"]
            return [value["status"]], answer.status, ""
        if isinstance(answer, Empty):
            return [], answer.status, ""
        assert isinstance(answer, NdjsonStream)
        async for batch in answer.batches:
            assert batch
            statuses += [frame["status"] for frame in batch]
    except OllamaError as error:
        return statuses, error.status, error.message
    return statuses, 200, ""


PULLED = ["pulling manifest", "verifying sha256 digest", "writing manifest", "success"]
REFUSED_PUSH = "push is not supported: the weights of every model belong to the backend"
UNQUALIFIED = "unqualified name: registry.ollama.ai/library/bad name:latest"
BOTH = 'use either :local or :cloud, not both: "gen:cloud:local"'


@pytest.mark.parametrize(
    ("body", "expected"),
    (
        ({"model": "gen"}, (PULLED, 200, "")),
        ({"name": "GEN:latest", "model": ""}, (PULLED, 200, "")),
        ({"model": " gen:local "}, (PULLED, 200, "")),
        ({"model": "a/b/c/d"}, (PULLED, 200, "")),
        ({"model": "gen", "stream": False}, (["success"], 200, "")),
        ({"model": "ghost"}, (["pulling manifest"], 500, PULL_FAILED)),
        ({"model": "ghost", "stream": None}, (["pulling manifest"], 500, PULL_FAILED)),
        ({"model": "ghost", "stream": False}, ([], 500, PULL_FAILED)),
        ({"model": "gen:cloud"}, (["pulling manifest"], 500, PULL_FAILED)),
        ({"model": "gen:20b:cloud", "stream": False}, ([], 500, PULL_FAILED)),
        ({"model": ""}, ([], 400, "invalid model name")),
        ({}, ([], 400, "invalid model name")),
        ({"model": "bad name"}, ([], 400, "invalid model name")),
        ({"model": "gen:cloud:local"}, ([], 400, BOTH)),
    ),
)
async def test_pull(management: Management, body: dict[str, Any], expected: object) -> None:
    assert await answered(management, "pull", body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    (
        ({"model": "gen"}, (["retrieving manifest"], 500, REFUSED_PUSH)),
        ({"name": "gen", "stream": False}, ([], 500, REFUSED_PUSH)),
        (
            {"model": "nope"},
            (["retrieving manifest", "couldn't retrieve manifest"], 500, "model 'nope' not found"),
        ),
        ({"model": "bad name", "stream": False}, ([], 500, UNQUALIFIED)),
        ({"model": ""}, ([], 400, "model is required")),
        ({"stream": False}, ([], 400, "model is required")),
    ),
)
async def test_push(management: Management, body: dict[str, Any], expected: object) -> None:
    assert await answered(management, "push", body) == expected


INTEGER = 'info field "context_length" must be a non-negative integer'
NOTHING = "neither 'from' or 'files' was specified"
UNCLOSED = "template error: template: :1: unclosed action"
LICENSE = "json: cannot unmarshal number into Go value of type []string"
DRAFT = "--draft-quantize requires a DRAFT model"


@pytest.mark.parametrize("stream", (True, False))
@pytest.mark.parametrize(
    ("body", "status", "text"),
    (
        ({"files": {"/x.gguf": DIGEST}}, 400, "file path must be relative"),
        ({"files": {"../x.gguf": DIGEST}}, 400, "file path must be relative"),
        ({"files": {"": DIGEST}}, 400, "file path must be relative"),
        ({"files": {"x.gguf": ""}}, 400, "invalid digest format"),
        ({"draft_files": {"/x": DIGEST}}, 400, "file path must be relative"),
        ({"draft_quantize": "Q4_0", "from": "gen"}, 400, DRAFT),
        ({"from": "gen", "adapters": {"a.gguf": ""}}, 400, "invalid digest format"),
        ({"model": "bad name", "files": {"x.gguf": ""}}, 400, "invalid digest format"),
        ({"model": "", "from": "gen"}, 400, "invalid model name"),
        ({"model": "bad name", "from": "gen"}, 400, "invalid model name"),
        ({"from": "a b"}, 400, "invalid model name"),
        ({"from": "gen:cloud:local"}, 400, "invalid model name"),
        ({"from": "gen", "remote_host": "::bad"}, 400, "bad remote"),
        ({}, 400, NOTHING),
        ({"modelfile": "FROM gen"}, 400, NOTHING),
        ({"files": {}}, 400, "unknown type"),
        ({"files": {"x.txt": DIGEST}}, 400, "unknown type"),
        ({"from": "gen", "info": {"context_length": 1.5}}, 400, INTEGER),
        ({"from": "gen", "template": "{{ .Prompt"}, 400, UNCLOSED),
        ({"from": "gen", "license": 5}, 500, LICENSE),
    ),
)
async def test_create_refuses_in_ollamas_order_and_words(
    management: Management, body: dict[str, Any], status: int, text: str, stream: bool
) -> None:
    expected = ([], status, text)
    assert (
        await answered(management, "create", {"model": "x", "stream": stream, **body}) == expected
    )


@pytest.mark.parametrize(
    "body",
    (
        {"files": {"x.gguf": DIGEST}},
        {"files": {"x.safetensors": DIGEST}, "quantize": "Q4_K_M"},
        {"from": "gen", "adapters": {"a.gguf": DIGEST}},
        {"from": "gen", "quantize": "Q4_K_M"},
        {"from": "gpt-oss:20b", "remote_host": "https://ollama.com"},
        {"from": "gen", "remote_host": "http://[::1]:11434"},
    ),
)
async def test_create_says_why_it_makes_nothing_of_weights_and_other_hosts(
    management: Management, body: dict[str, Any]
) -> None:
    statuses, status, text = await answered(management, "create", {"model": "x", **body})
    assert (statuses, status) == ([], 501)
    assert "backend" in text


async def test_create_from_an_unknown_model_fails_like_its_pull(management: Management) -> None:
    body = {"model": "x", "from": "ghost"}
    assert await answered(management, "create", body) == (["pulling manifest"], 500, PULL_FAILED)
    assert await answered(management, "create", {**body, "stream": False}) == ([], 500, PULL_FAILED)


async def test_create_makes_a_model_streamed_or_not(management: Management) -> None:
    statuses, *rest = await answered(
        management, "create", {"model": "made", "from": "gen", "system": "s"}
    )
    assert rest == [200, ""]
    assert [status.partition(" sha256:")[0] for status in statuses] == [
        "using existing layer", "creating new layer", "writing manifest", "success",
    ]  # fmt: skip
    body = {"name": "made2", "model": "", "from": " MADE:local", "stream": False}
    assert await answered(management, "create", body) == (["success"], 200, "")
    assert (await answered(management, "pull", {"model": "made2"}))[1] == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    (
        ({"source": "gen", "destination": "b"}, (200, "")),
        ({"source": "GEN", "destination": "my/copied:v1"}, (200, "")),
        ({"source": "a/b/c/d", "destination": "short"}, (200, "")),
        ({"source": "ghost", "destination": "ghost"}, (200, "")),
        ({"source": "nope", "destination": "b"}, (404, 'model "nope" not found')),
        ({"source": "", "destination": "b"}, (400, 'source "" is invalid')),
        ({"source": " gen", "destination": "b"}, (400, 'source " gen" is invalid')),
        ({"source": "gen", "destination": "b c"}, (400, 'destination "b c" is invalid')),
        ({"source": "gen"}, (400, 'destination "" is invalid')),
    ),
)
async def test_copy(management: Management, body: dict[str, Any], expected: object) -> None:
    assert (await answered(management, "copy", body))[1:] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    (
        ({"model": "made"}, (200, "")),
        ({"name": "MADE:latest", "model": ""}, (200, "")),
        ({"model": " made:local"}, (200, "")),
        ({"model": ""}, (400, "model is required")),
        ({"model": "  "}, (400, "model is required")),
        ({}, (400, "model is required")),
        ({"model": "bad name"}, (400, 'name "bad name" is invalid')),
        ({"model": "gen:cloud:local"}, (400, BOTH)),
        ({"model": "nope"}, (404, "model 'nope' not found")),
        ({"model": "made:cloud"}, (404, "model 'made:cloud' not found")),
        ({"model": "gen"}, (400, "model 'gen' belongs to the backend and cannot be deleted")),
    ),
)
async def test_delete(management: Management, body: dict[str, Any], expected: object) -> None:
    await answered(management, "create", {"model": "made", "from": "gen"})
    assert (await answered(management, "delete", body))[1:] == expected


@pytest.mark.parametrize(
    ("digest", "head", "post"),
    (
        (DIGEST, (404, f'blob "{DIGEST}" not found'), 501),
        (DIGEST.upper().replace("SHA", "sha"), (404, None), 501),
        ("sha256-" + "b" * 64, (404, None), 501),
        ("abc", (400, "invalid digest format"), 400),
        ("sha256:abc", (400, "invalid digest format"), 400),
        (DIGEST + "\n", (400, "invalid digest format"), 400),
        ("sha512:" + "a" * 64, (400, "invalid digest format"), 400),
    ),
)
async def test_blobs(
    management: Management, digest: str, head: tuple[int, str | None], post: int
) -> None:
    with pytest.raises(OllamaError) as looked:
        await management.head_blob(call(digest=digest))
    assert looked.value.status == head[0]
    assert head[1] in (None, looked.value.message)
    with pytest.raises(OllamaError) as sent:
        await management.create_blob(call(digest=digest))
    assert sent.value.status == post


async def test_without_a_folder_every_change_is_refused_by_its_setting() -> None:
    management = over(catalog(None, "gen"))
    for operation, body in (
        ("create", {"model": "x", "from": "gen"}),
        ("copy", {"source": "gen", "destination": "x"}),
        ("delete", {"model": "gen"}),
    ):
        statuses, status, text = await answered(management, operation, body)
        assert (statuses, status in (400, 403)) == ([], True)
        assert "OLLAMA_MODELS" in text


async def test_a_backend_that_fails_is_a_status_and_no_frame() -> None:
    source = Source("gen")
    source.failure = unreachable()
    management = over(catalog(None, source=source))
    for operation in ("pull", "push", "delete"):
        with pytest.raises(BackendError):
            await getattr(management, operation)({"model": "gen"}, call())
    assert await answered(management, "create", {"model": "x", "from": "gen"}) == (
        [], 502, "backend unreachable",
    )  # fmt: skip
