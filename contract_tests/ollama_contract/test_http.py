"""HTTP: paths, methods, heads, content types, and bodies that are none."""

from __future__ import annotations

import itertools
import json

import pytest

from ollama_contract.checking import expect, not_applicable
from ollama_contract.contract import METHODS, Operation, document, operations
from ollama_contract.exchange import Answer, Asker
from ollama_contract.target import Target

ZERO = "sha256:" + "0" * 64
FIRST = {one.path: one for one in reversed(list(operations()))}
"""An operation of each path, to name it by."""
HEADS = [one for one in operations() if one.method == "HEAD" and "{" not in one.path]
READING = [
    one for one in operations() if one.name in ("chat", "generate", "embed", "embeddings", "show")
]
STRUCTS = {
    "chat": "ChatRequest",
    "generate": "GenerateRequest",
    "embed": "EmbedRequest",
    "embeddings": "EmbeddingRequest",
    "show": "ShowRequest",
}


def text(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace")


def named(found: list[Operation]) -> list[object]:
    return [pytest.param(one, id=one.name) for one in found]


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/nope", "/v1/nope", "/api/tags/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_a_404_in_plain_text(method: str, path: str, ask: Asker) -> None:
    answer = ask(method, path)
    expect(answer.status == 404, "404", answer.status)
    expect(answer.media_type == "text/plain", "text/plain", answer.media_type)
    expect(text(answer).strip() == "404 page not found", "404 page not found", text(answer))


@pytest.mark.parametrize("operation", named(list(FIRST.values())))
def test_another_method_is_a_405_that_names_the_right_ones(
    operation: Operation, ask: Asker
) -> None:
    allowed = {name.upper() for name in document()["paths"][operation.path] if name in METHODS}
    path = operation.path.replace("{digest}", ZERO).replace("{model}", "x")
    path = path.replace("{encodedKey}", "eA==")
    for method in sorted({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} - allowed):
        answer = ask(method, path)
        if answer.absent and operation.optional:
            not_applicable(f"the server has no {operation.path}")
        if not expect(
            answer.status == 405,
            "405 for a method that is not there",
            f"{answer.status} for {method}",
            endpoint=operation.endpoint,
        ):
            continue
        stated = {name.strip() for name in answer.headers.get("allow", "").split(",")}
        expect(
            stated == allowed,
            f"Allow: {', '.join(sorted(allowed))}",
            answer.headers.get("allow", "no Allow"),
            endpoint=operation.endpoint,
        )
        body = "" if method == "HEAD" else "405 method not allowed"
        expect(
            text(answer).strip() == body,
            f"{body!r} for {method}",
            text(answer),
            endpoint=operation.endpoint,
        )


@pytest.mark.parametrize("operation", named(HEADS))
def test_a_head_is_the_get_without_its_body(operation: Operation, ask: Asker) -> None:
    whole, head = ask("GET", operation.path), ask("HEAD", operation.path)
    expect(head.status == whole.status, f"the status of GET, {whole.status}", head.status)
    kind = whole.headers.get("content-type")
    expect(head.headers.get("content-type") == kind, f"{kind}", head.headers.get("content-type"))
    expect(head.body == b"", "no body", head.body)
    length = head.headers.get("content-length", str(len(whole.body)))
    expect(length == str(len(whole.body)), f"a length of {len(whole.body)}", length)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_of_a_request_is_not_looked_at(
    kind: str | None, ask: Asker, target: Target
) -> None:
    body = json.dumps({"model": target.model})
    answer = ask("POST", "/api/show", body, {"Content-Type": kind} if kind else None)
    expect(answer.status == 200, "200", f"{answer.status}: {text(answer)[:300]}")


TOLERATED = {
    "unknown fields are ignored": '{"model": %s, "unheard_of": [1, {}]}',
    "null is the same as nothing": '{"model": %s, "system": null, "options": null}',
    "names match in any case": '{"MODEL": %s}',
    "what comes after the first value is ignored": '{"model": %s} and more',
}


@pytest.mark.parametrize("rule", TOLERATED)
def test_a_body_is_read_as_go_does(rule: str, ask: Asker, target: Target) -> None:
    answer = ask("POST", "/api/show", TOLERATED[rule] % json.dumps(target.model))
    expect(answer.status == 200, rule, f"{answer.status}: {text(answer)[:300]}")


def test_a_body_may_come_in_chunks(ask: Asker, target: Target) -> None:
    answer = ask(
        "POST", "/api/show", iter([b'{"model": ', json.dumps(target.model).encode(), b"}"])
    )
    expect(answer.status == 200, "a chunked body is read", f"{answer.status}: {text(answer)[:300]}")


def test_a_query_is_ignored(ask: Asker) -> None:
    answer = ask("GET", "/api/version?x=1")
    expect(answer.status == 200, "200", answer.status)


@pytest.mark.parametrize("operation", named(READING))
def test_a_body_that_is_no_json_is_refused_and_the_next_request_is_answered(
    operation: Operation, ask: Asker
) -> None:
    value = f"json: cannot unmarshal %s into Go value of type api.{STRUCTS[operation.name]}"
    bad = {
        "": "missing request body",
        "  \n": "missing request body",
        '{"model": ': "unexpected EOF",
        '{"model": "a"': "unexpected EOF",
        "{,}": "invalid character ',' looking for beginning of object key string",
        "nope": "invalid character 'o' in literal null (expecting 'u')",
        "[]": value % "array",
        "5": value % "number",
        '"x"': value % "string",
        '{"model": 5}': (
            f"json: cannot unmarshal number into Go struct field {STRUCTS[operation.name]}.model"
            " of type string"
        ),
    }
    for body, error in bad.items():
        answer = ask(operation.method, operation.path, body)
        what = f"400 and {error!r} for the body {body!r}"
        expect(
            (answer.status, answer.error()) == (400, error),
            what,
            f"{answer.status}: {text(answer)}",
        )
        after = ask("GET", "/api/version")
        expect(after.status == 200, f"200 after the body {body!r}", after.status)


def test_answers_do_not_change_by_themselves(ask: Asker) -> None:
    for path in ("/api/version", "/api/tags"):
        first, second = (ask("GET", path).body for _ in range(2))
        expect(first == second, "twice the same", f"{first!r}\n{second!r}")


def test_many_requests_at_once_are_all_answered(ask: Asker, target: Target) -> None:
    from concurrent.futures import ThreadPoolExecutor

    paths = itertools.islice(itertools.cycle(["/api/version", "/api/tags"]), 16)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: ask("GET", path), paths))
    expect({one.status for one in answers} == {200}, "200", {one.status for one in answers})
