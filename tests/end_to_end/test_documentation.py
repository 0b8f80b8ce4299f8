"""The page /docs in a real browser: it renders, requests work from it, nothing leaves the host."""

from __future__ import annotations

import json

import pytest

from tests.end_to_end.browser import PROGRAM, Browser
from tests.service import Service

# React looks at the value that its own setter wrote, and then for the event.
TYPE = """((box, text) => {
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
})"""

pytestmark = pytest.mark.skipif(not PROGRAM, reason="needs Chromium")


@pytest.fixture
def page(browser: Browser, local_service: Service) -> Browser:
    """The page, just opened, over the embedded backend."""
    browser.events.clear()
    browser.open("about:blank")
    browser.open(f"{local_service.url}/docs")
    browser.wait_for("document.querySelector('.opblock')")
    return browser


def tried(page: Browser, tag: str, operation: str, **more: object) -> tuple[str, str]:
    """Status and body of the answer to "try it" on an operation, as the page shows them.

    The example is sent as the page offers it, or with `more` fields typed into it.
    """
    block = f"document.getElementById('operations-{tag}-{operation}')"
    page.run(f"{block}.querySelector('.opblock-summary-control').click()")
    page.wait_for(f"{block}.querySelector('.try-out__btn')")
    page.run(f"{block}.querySelector('.try-out__btn').click()")
    page.wait_for(f"{block}.querySelector('.execute')")
    if more:
        box = f"{block}.querySelector('textarea')"
        example = json.loads(page.run(f"{box}.value"))
        page.run(f"{TYPE}({box}, {json.dumps(json.dumps({**example, **more}))})")
    page.run(f"{block}.querySelector('.execute').click()")
    answer = f"{block}.querySelector('.live-responses-table tbody')"
    page.wait_for(f"{answer}?.querySelector('.microlight')")
    status = page.run(f"{answer}.querySelector('.response-col_status').firstChild.textContent")
    return status, page.run(f"{answer}.querySelector('.microlight').textContent")


def test_every_operation_is_shown_and_nothing_came_from_elsewhere(
    page: Browser, local_service: Service
) -> None:
    document = json.loads(local_service.ask("GET", "/openapi.json").body)
    operations = [
        f"operations-{one['tags'][0]}-{one['operationId']}"
        for item in document["paths"].values()
        for method, one in item.items()
        if method != "parameters"
    ]
    shown = page.run("[...document.querySelectorAll('.opblock')].map((block) => block.id)")
    assert sorted(shown) == sorted(operations)
    assert page.complaints() == []
    addresses = page.requests()
    assert f"{local_service.url}/docs/swagger-ui-bundle.js" in addresses
    assert [url for url in addresses if not url.startswith(f"{local_service.url}/")] == []


def test_a_question_without_a_body_is_answered(page: Browser, local_service: Service) -> None:
    status, body = tried(page, "Host", "version")
    assert status == "200"
    assert json.loads(body) == json.loads(local_service.ask("GET", "/api/version").body)
    assert page.requests()[-1] == f"{local_service.url}/api/version"
    assert page.complaints() == []


def test_an_example_is_answered_by_a_model_that_is_there(page: Browser) -> None:
    status, body = tried(page, "Inference", "embed")
    answer = json.loads(body)
    assert (status, answer["model"]) == ("200", "smollm2:latest")
    assert len(answer["embeddings"]) == 2
    assert page.complaints() == []


def test_a_chat_is_answered_line_by_line(page: Browser) -> None:
    status, body = tried(page, "Inference", "chat", options={"num_predict": 8})
    frames = [json.loads(line) for line in body.splitlines()]
    assert (status, len(frames) > 2) == ("200", True)
    assert {frame["model"] for frame in frames} == {"smollm2:latest"}
    assert [frame["done"] for frame in frames] == [False] * (len(frames) - 1) + [True]
    assert page.complaints() == []


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_out(page: Browser) -> None:
    page.run("document.body.append(Object.assign(document.createElement('script'), {text: 'x=1'}))")
    assert page.run("typeof x") == "undefined"
    out = "fetch('http://127.0.0.2:9/').then(() => 'sent', (error) => error.name)"
    assert page.run(out) == "TypeError"
    stated = " ".join(page.complaints())
    assert "inline script" in stated
    assert "connect-src 'self'" in stated
