"""The pages of our own, and what they may load."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from pydantic import SecretStr
from starlette.types import ASGIApp

from ollama_facade import contract
from ollama_facade.config.settings import Settings
from ollama_facade.server.app import build
from ollama_facade.server.pages import DOCUMENTATION, INTERFACE
from tests.server.asgi import Answer, ask

PATHS = {*DOCUMENTATION, *INTERFACE}


def service(**settings: object) -> ASGIApp:
    return build(Settings.model_validate({"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", **settings}))


@pytest.fixture(scope="module")
def app() -> ASGIApp:
    return service()


def header(answer: Answer, name: str) -> str:
    [value] = answer.values(name)
    return value


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_is_there_for_get_and_head_alone(app: ASGIApp, path: str) -> None:
    got, head = ask(app, "GET", path), ask(app, "HEAD", path)
    assert (got.status, head.status) == (200, 200)
    assert got.body
    assert not head.body
    assert header(head, "content-length") == str(len(got.body))
    refused = ask(app, "POST", path)
    assert (refused.status, header(refused, "allow")) == (405, "HEAD, GET")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_no_path_is_there_when_the_page_is_turned_off(path: str) -> None:
    off = {"FACADE_DOCS": "0"} if path in DOCUMENTATION else {"FACADE_UI": "0"}
    answer = ask(service(**off), "GET", path)
    assert (answer.status, answer.body) == (404, b"404 page not found")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_a_key_is_not_asked_for_but_the_host_is_looked_at(path: str) -> None:
    app = service(api_keys=(SecretStr("key"),))
    assert ask(app, "GET", path).status == 200
    assert ask(app, "GET", path, {"Host": "example.org"}).status == 403
    assert ask(app, "GET", "/api/tags").status == 401


@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_policy_allows_own_files_and_nothing_inline(app: ASGIApp, path: str) -> None:
    policy = header(ask(app, "GET", path), "content-security-policy")
    stated = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert stated["default-src"] == "'none'"
    assert stated["script-src"] == stated["style-src"] == stated["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("page", ["/docs", "/ui"])
def test_a_page_loads_only_what_is_served_here(app: ASGIApp, page: str) -> None:
    text = ask(app, "GET", page).body.decode()
    addresses = set(re.findall(r'(?:src|href)="([^"]*)"', text))
    assert addresses - {"data:,", "/metrics"} < PATHS
    assert "<script>" not in text
    assert "style=" not in text


def test_both_forms_are_the_document_as_it_was_written(app: ASGIApp) -> None:
    written = ask(app, "GET", "/openapi.yaml")
    assert written.body == contract.file().read_bytes()
    assert header(written, "content-type") == "application/yaml"
    as_json = ask(app, "GET", "/openapi.json")
    assert header(as_json, "content-type") == "application/json"
    assert json.loads(as_json.body) == yaml.safe_load(written.body)


def test_a_slash_too_many_leads_to_the_page(app: ASGIApp) -> None:
    answer = ask(app, "GET", "/docs/")
    assert (answer.status, header(answer, "location")) == (301, "/docs")
