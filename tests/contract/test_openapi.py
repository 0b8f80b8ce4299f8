"""The contract is valid and complete, and says what the code, the docs and the tests read in it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import validate

from ollama_facade import contract
from ollama_facade.errors import ContractError

with warnings.catch_warnings():
    # Connexion imports a class that jsonschema has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from connexion import AsyncApp
    from connexion.exceptions import ResolverError
    from connexion.resolver import Resolver

DOCUMENT = contract.document()
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = list(contract.operations())
REQUESTS = sorted({operation.request for operation in OPERATIONS if operation.request})
OPENAI_REQUESTS = {
    operation.request for operation in OPERATIONS if operation.path.startswith("/v1/")
}
STREAMING = {"chat", "generate", "pull", "push", "create"}

ROUTES = {
    ("get", "/"): "root",
    ("head", "/"): "head_root",
    ("get", "/api/version"): "version",
    ("head", "/api/version"): "head_version",
    ("get", "/api/status"): "status",
    ("get", "/api/tags"): "list",
    ("head", "/api/tags"): "head_list",
    ("get", "/api/ps"): "ps",
    ("post", "/api/show"): "show",
    ("post", "/api/chat"): "chat",
    ("post", "/api/generate"): "generate",
    ("post", "/api/embed"): "embed",
    ("post", "/api/embeddings"): "embeddings",
    ("post", "/api/pull"): "pull",
    ("post", "/api/push"): "push",
    ("post", "/api/create"): "create",
    ("post", "/api/copy"): "copy",
    ("delete", "/api/delete"): "delete",
    ("head", "/api/blobs/{digest}"): "head_blob",
    ("post", "/api/blobs/{digest}"): "create_blob",
    ("post", "/api/me"): "me",
    ("post", "/api/signout"): "signout",
    ("delete", "/api/user/keys/{encodedKey}"): "delete_key",
    ("post", "/api/experimental/web_search"): "web_search",
    ("post", "/api/experimental/web_fetch"): "web_fetch",
    ("get", "/api/experimental/model-recommendations"): "model_recommendations",
    ("get", "/v1/models"): "list_openai_models",
    ("get", "/v1/models/{model}"): "retrieve_openai_model",
    ("post", "/v1/chat/completions"): "create_chat_completion",
    ("post", "/v1/completions"): "create_completion",
    ("post", "/v1/embeddings"): "create_embeddings",
    ("post", "/v1/audio/transcriptions"): "create_transcription",
    ("post", "/v1/messages"): "create_message",
    ("post", "/v1/responses"): "create_response",
}

COMPRESSED = {
    "create_chat_completion", "create_completion", "create_embeddings", "create_response",
    "create_message",
}  # fmt: skip
QUEUED = COMPRESSED | {"chat", "generate", "embed", "embeddings", "create_transcription"}

DECODERS = {
    "arguments", "base64", "duration", "property-type", "properties", "raw", "think",
    "parameters", "own-struct", "blocks", "input-items", "content-items", "output-items",
    "input-item", "part",
}  # fmt: skip


def identifier(operation: contract.Operation) -> str:
    return operation.id


every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=identifier)


def resolved(node: Any) -> Any:
    if isinstance(node, dict) and "$ref" in node:
        target = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return target
    return node


def standing_alone(node: dict[str, Any]) -> dict[str, Any]:
    """A schema of the document, as one that jsonschema_rs can compile."""
    if "anyOf" in node and "$ref" in node["anyOf"][0]:
        names = [contract.target(choice) for choice in node["anyOf"]]
        parts = [contract.schema(name) for name in names if name]
        definitions: dict[str, Any] = {}
        for part in parts:
            definitions |= part.get("definitions", {})
        return {"anyOf": parts, "definitions": definitions}
    name = contract.target(node)
    return contract.schema(name) if name else {k: v for k, v in node.items() if k != "nullable"}


def contents(operation: contract.Operation) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every content of an operation: where it is, its media type, what is said of it."""
    body = operation.definition.get("requestBody", {})
    for media_type, content in body.get("content", {}).items():
        yield "request", media_type, content
    for status, answer in operation.definition["responses"].items():
        for media_type, content in resolved(answer).get("content", {}).items():
            yield status, media_type, content


def nodes_of_requests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property and every array element that a request may hold, with its place."""
    for name in REQUESTS:
        whole = contract.schema(name)
        for part, schema in {name: whole, **whole.get("definitions", {})}.items():
            if part != "Options":
                yield from nodes(part, schema)


def nodes(place: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    below = {f"{place}.{key}": child for key, child in schema.get("properties", {}).items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            below[f"{place}[]"] = schema[keyword]
    for key, child in below.items():
        yield key, child
        yield from nodes(key, child)
    for choice in schema.get("anyOf", ()):
        yield from nodes(place, choice)


NODES = dict(nodes_of_requests())


class TestTheDocument:
    def test_is_valid_openapi(self) -> None:
        validate(DOCUMENT)

    def test_is_the_same_to_both_readers_of_yaml(self) -> None:
        place = next(place for place in contract.PLACES if place.is_file())
        text = place.read_text(encoding="utf-8")
        assert yaml.load(text, yaml.SafeLoader) == DOCUMENT

    def test_has_these_routes_of_ollama_and_no_other(self) -> None:
        found = {(operation.method, operation.path): operation.id for operation in OPERATIONS}
        assert found == ROUTES

    def test_has_a_tag_for_every_operation(self) -> None:
        known = {tag["name"] for tag in DOCUMENT["tags"]}
        assert all(set(operation.definition["tags"]) <= known for operation in OPERATIONS)

    def test_is_a_copy_that_the_caller_may_change(self) -> None:
        contract.document()["paths"].clear()
        assert contract.document() == DOCUMENT

    def test_uses_every_schema(self) -> None:
        used = {contract.target(node) for node in everything(DOCUMENT)}
        assert set(SCHEMAS) <= used


def everything(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from everything(child)


class TestAnOperation:
    @every_operation
    def test_has_a_name_and_a_summary(self, operation: contract.Operation) -> None:
        assert operation.id.isidentifier()
        assert operation.definition["summary"]
        assert not operation.definition["summary"].endswith(".")

    @every_operation
    @pytest.mark.parametrize("status", ("4XX", "5XX", "default"))
    def test_says_what_an_error_looks_like(
        self, operation: contract.Operation, status: str
    ) -> None:
        content = resolved(operation.definition["responses"][status])["content"]
        schema = content["application/json"]["schema"]
        if operation.path.startswith("/v1/"):
            own = "AnthropicError" if operation.path == "/v1/messages" else "OpenaiError"
            assert [contract.target(one) for one in schema["anyOf"]] == [own, "Error"]
        else:
            assert contract.target(schema) == "Error"

    @every_operation
    def test_takes_an_empty_body(self, operation: contract.Operation) -> None:
        assert operation.definition.get("requestBody", {}).get("required", False) is False

    @every_operation
    def test_streams_ndjson_beside_json_where_it_may_stream(
        self, operation: contract.Operation
    ) -> None:
        content = resolved(operation.definition["responses"]["200"]).get("content", {})
        both = {"application/x-ndjson", "application/json"}
        assert (set(content) == both) == (operation.id in STREAMING)

    @pytest.mark.parametrize(
        "operation", [one for one in OPERATIONS if one.id in STREAMING], ids=identifier
    )
    def test_that_streams_may_end_with_an_error_line(self, operation: contract.Operation) -> None:
        content = resolved(operation.definition["responses"]["200"])["content"]
        frame = contract.target(content["application/json"]["schema"])
        choices = content["application/x-ndjson"]["schema"]["anyOf"]
        assert [contract.target(choice) for choice in choices] == [frame, "Error"]

    @pytest.mark.parametrize(
        "operation", [one for one in OPERATIONS if one.request], ids=identifier
    )
    def test_with_a_body_has_an_example_of_it(self, operation: contract.Operation) -> None:
        assert operation.definition["requestBody"]["content"]["application/json"]["example"]

    @every_operation
    def test_lists_its_errors_with_a_status_and_a_text(self, operation: contract.Operation) -> None:
        for error in operation.definition.get("x-ollama-errors", ()):
            assert 400 <= error["status"] < 600
            assert isinstance(error["error"], str)
            assert set(error) <= {"status", "error", "when"}


class TestTheKeysOfAnOperation:
    """What the server reads of an operation, beside the lists of Ollama's own source."""

    @every_operation
    def test_say_what_the_server_did_by_its_path(self, operation: contract.Operation) -> None:
        path = operation.path
        errors = "openai" if path.startswith("/v1/") else "ollama"
        assert operation.errors == ("anthropic" if path == "/v1/messages" else errors)
        assert operation.key_header == ("x-api-key" if path.startswith("/v1/") else "")
        assert operation.public is (path == "/")
        assert operation.queued is (operation.id in QUEUED)
        assert operation.compression == ("zstd" if operation.id in COMPRESSED else "")
        body = "unread" if path.startswith("/api/blobs/") else "json"
        assert operation.body == ("form" if operation.id == "create_transcription" else body)

    @every_operation
    def test_are_all_known(self, operation: contract.Operation) -> None:
        keys = {key for key in operation.definition if key.startswith("x-")}
        assert keys <= {
            "x-ollama-errors", "x-queued", "x-public", "x-key-header", "x-body", "x-compression",
            "x-errors",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "wrong", ({"x-errors": "googles"}, {"x-body": "eaten"}, {"x-queued": "often"})
    )
    def test_have_one_of_their_values(self, wrong: dict[str, str]) -> None:
        with pytest.raises(ContractError, match=next(iter(wrong))):
            list(contract.operations({"paths": {"/x": {"get": wrong}}}))


class TestAnExample:
    @every_operation
    def test_is_accepted_by_its_own_schema(self, operation: contract.Operation) -> None:
        for place, media_type, content in contents(operation):
            if "example" in content:
                validator = jsonschema_rs.Draft4Validator(standing_alone(content["schema"]))
                errors = [error.message for error in validator.iter_errors(content["example"])]
                assert errors == [], (place, media_type)


class TestARequest:
    @pytest.mark.parametrize("place", sorted(NODES))
    def test_names_the_go_type_of_every_value(self, place: str) -> None:
        assert isinstance(NODES[place].get("x-ollama-type"), str)

    @pytest.mark.parametrize("place", sorted(NODES))
    def test_uses_only_decoders_that_there_are(self, place: str) -> None:
        assert {NODES[place].get("x-ollama-decoder", "raw")} <= DECODERS

    @pytest.mark.parametrize("name", REQUESTS)
    def test_names_its_struct(self, name: str) -> None:
        struct = SCHEMAS[name]["x-ollama-struct"]
        assert name in (struct, SCHEMAS[name].get("x-ollama-component"))
        package = "openai" if name in OPENAI_REQUESTS else "api"
        package = "anthropic" if name == "MessagesRequest" else package
        assert SCHEMAS[name]["x-ollama-type"] == f"{package}.{struct}"

    @pytest.mark.parametrize("name", REQUESTS)
    def test_takes_null_for_itself_and_for_everything_in_it(self, name: str) -> None:
        validator = jsonschema_rs.Draft4Validator(contract.schema(name))
        nothing = dict.fromkeys(SCHEMAS[name]["properties"])
        assert validator.is_valid(nothing)
        assert validator.is_valid({})
        assert validator.is_valid({"something": {"else": 1}})
        assert validator.is_valid(None)

    @pytest.mark.parametrize("name", REQUESTS)
    def test_requires_nothing_but_the_type_by_which_an_item_is_known(self, name: str) -> None:
        whole = contract.schema(name)
        for part in [whole, *whole.get("definitions", {}).values()]:
            if "required" in part:
                assert part["required"] == ["type"]
                assert "enum" in part["properties"]["type"]


# One row for each rule of inference.md §1 and §2 that a schema can say.
FITS: tuple[tuple[str, object], ...] = (
    ("ChatRequest", {"messages": [None, {"role": "user"}, {"content": None}]}),
    ("ChatRequest", {"messages": [{"tool_calls": [{"function": {"arguments": None}}]}]}),
    ("ChatRequest", {"tools": [{}, None]}),
    ("ChatRequest", {"think": "max"}),
    ("ChatRequest", {"think": False}),
    ("ChatRequest", {"format": {"type": "object"}}),
    ("ChatRequest", {"format": 5}),
    ("ChatRequest", {"keep_alive": -1}),
    ("ChatRequest", {"keep_alive": 42.5}),
    ("ChatRequest", {"keep_alive": "1h2m3.5s"}),
    ("ChatRequest", {"keep_alive": "-0"}),
    ("ChatRequest", {"keep_alive": ".5ms"}),
    ("ChatRequest", {"options": {"stop": 5, "num_ctx": "x", "mirostat": []}}),
    ("GenerateRequest", {"context": [1, None, -(2**63)]}),
    ("GenerateRequest", {"images": ["", None, "AAA=", "AA==", "AA\r\nAA\n", [137, 80]]}),
    ("EmbedRequest", {"input": 5}),
    ("EmbedRequest", {"input": ["a", "b"]}),
    ("CreateRequest", {"license": 5, "files": {"a.gguf": None}, "info": {"context_length": 1.5}}),
)

DOES_NOT_FIT: tuple[tuple[str, object], ...] = (
    ("ChatRequest", []),
    ("ChatRequest", "x"),
    ("ChatRequest", {"model": 5}),
    ("ChatRequest", {"stream": "false"}),
    ("ChatRequest", {"messages": "hi"}),
    ("ChatRequest", {"messages": ["hi"]}),
    ("ChatRequest", {"messages": [{"content": [{"type": "text", "text": "x"}]}]}),
    ("ChatRequest", {"messages": [{"tool_calls": [{"function": {"arguments": '{"a": 1}'}}]}]}),
    ("ChatRequest", {"messages": [{"images": ["data:image/png;base64,AAAA"]}]}),
    ("ChatRequest", {"tools": {}}),
    ("ChatRequest", {"tools": [{"function": "x"}]}),
    ("ChatRequest", {"tools": [{"function": {"parameters": {"properties": []}}}]}),
    ("ChatRequest", {"think": "High"}),
    ("ChatRequest", {"think": ""}),
    ("ChatRequest", {"think": 1}),
    ("ChatRequest", {"keep_alive": ""}),
    ("ChatRequest", {"keep_alive": "300"}),
    ("ChatRequest", {"keep_alive": "5x"}),
    ("ChatRequest", {"keep_alive": True}),
    ("ChatRequest", {"options": []}),
    ("GenerateRequest", {"top_logprobs": 5.0}),
    ("GenerateRequest", {"top_logprobs": 1e3}),
    ("GenerateRequest", {"context": [2**63]}),
    ("GenerateRequest", {"images": "abc"}),
    ("GenerateRequest", {"images": ["AAA"]}),
    ("GenerateRequest", {"images": ["AA-_"]}),
    ("GenerateRequest", {"images": [[256]]}),
    ("EmbeddingRequest", {"prompt": ["a"]}),
    ("CreateRequest", {"parameters": []}),
    ("CreateRequest", {"files": {"a.gguf": 5}}),
)


@pytest.mark.parametrize(("name", "body"), FITS)
def test_a_body_that_ollama_takes_fits(name: str, body: object) -> None:
    assert jsonschema_rs.Draft4Validator(contract.schema(name)).is_valid(body)


@pytest.mark.parametrize(("name", "body"), DOES_NOT_FIT)
def test_a_body_that_ollama_refuses_does_not_fit(name: str, body: object) -> None:
    assert not jsonschema_rs.Draft4Validator(contract.schema(name)).is_valid(body)


def test_a_property_of_a_property_of_a_tool_is_checked_at_any_depth() -> None:
    validator = jsonschema_rs.Draft4Validator(contract.schema("ChatRequest"))

    def body(depth: int, kind: object) -> object:
        schema: dict[str, Any] = {"type": kind}
        for _ in range(depth):
            schema = {"type": "object", "properties": {"inner": schema}, "anyOf": [schema]}
        return {"tools": [{"function": {"parameters": schema}}]}

    for depth in (1, 2, 7):
        assert validator.is_valid(body(depth, ["string", "null"]))
        assert not validator.is_valid(body(depth, 5))


class TestAnOption:
    @pytest.mark.parametrize("name", sorted(SCHEMAS["Options"]["properties"]))
    def test_says_its_type_and_where_it_goes(self, name: str) -> None:
        option = SCHEMAS["Options"]["properties"][name]
        assert option["x-ollama-type"] in {"int", "float32", "bool", "[]string"}
        backend = option["x-backend"]
        assert backend["group"] in {"openai", "extended", "load", "none"}
        assert (backend["parameter"] is None) == (backend["group"] in {"load", "none"})

    def test_goes_to_a_parameter_of_its_own(self) -> None:
        options = SCHEMAS["Options"]["properties"].values()
        targets = [option["x-backend"]["parameter"] for option in options]
        named = [target for target in targets if target]
        assert len(named) == len(set(named))

    def test_is_not_checked_with_the_body(self) -> None:
        assert not any("type" in option for option in SCHEMAS["Options"]["properties"].values())


class TestConnexion:
    @staticmethod
    def load(missing: str = "") -> None:
        async def dummy(**arguments: object) -> None:
            """Stand in for an operation."""

        def function(operation_id: str) -> Any:
            if operation_id == missing:
                raise ImportError(operation_id)
            return dummy

        app = AsyncApp("contract")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Connexion's own deprecations are not the point here
            app.add_api(contract.document(), resolver=Resolver(function))
            app.middleware._build_middleware_stack()

    def test_loads_the_document(self) -> None:
        self.load()

    @every_operation
    def test_does_not_start_without_the_handler_of_an_operation(
        self, operation: contract.Operation
    ) -> None:
        with pytest.raises(ResolverError, match=operation.id):
            self.load(missing=operation.id)


class TestASchemaByItself:
    def test_refers_only_to_its_own_definitions(self) -> None:
        for name in SCHEMAS:
            schema = contract.schema(name)
            for node in everything(schema):
                if isinstance(node.get("$ref"), str):
                    key = node["$ref"].removeprefix("#/definitions/")
                    assert key in schema["definitions"]

    def test_keeps_the_words_of_a_component_beside_a_reference_to_it(self) -> None:
        images = contract.schema("GenerateRequest")["properties"]["images"]
        assert images["items"]["x-ollama-type"] == "api.ImageData"
        assert images["items"]["x-ollama-decoder"] == "base64"

    def test_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(ContractError, match="no schema Nothing"):
            contract.schema("Nothing")
