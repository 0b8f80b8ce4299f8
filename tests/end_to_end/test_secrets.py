"""No key comes out again, in an answer or in the log, whatever backend and client do (P6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import canary, raw
from tests.service import CANARY, Service
from tests.upstream import Scenario, Step, Upstream, answer, event, opened, say
from tests.upstream import raw as raw_bytes

CLIENT = canary.INBOUND
HEADER = "canary-in-a-header-1199"
PROJECT = {"OPENAI_PROJECT_ID": "proj", "OPENAI_ORG_ID": "org"}
HI = [{"role": "user", "content": "Hi"}]
QUOTED = f"Incorrect API key provided: {CANARY}. Header api-key: {HEADER}. Bearer {CLIENT}"


def quoting(status: int, shape: Any) -> list[Step]:
    return [answer(status, shape)]


SCENARIOS: dict[str, Scenario] = {
    **{
        f"{status} {name}": quoting(status, shape)
        for status in (400, 401, 403, 404, 422, 429, 500, 503)
        for name, shape in (
            ("object", {"error": {"message": QUOTED, "param": CANARY, "code": CANARY}}),
            ("text", {"error": QUOTED}),
            ("page", f"<html>{QUOTED}"),
            ("plain", QUOTED),
            ("detail", {"detail": [{"loc": ["body", CANARY], "msg": QUOTED, "type": CANARY}]}),
        )
    },
    "refused by name": quoting(
        400, {"error": {"message": f"Unknown parameter: 'seed' ({QUOTED})"}}
    ),
    "an error event at once": [opened(), event({"error": {"message": QUOTED, "code": 400}})],
    "an error event later": [say("a"), event({"error": {"message": QUOTED}})],
    "no JSON": [opened(), raw_bytes(f"data: {QUOTED}\n\n".encode())],
    "no completion": [answer(200, {"object": QUOTED})],
    "a redirect": [answer(307, QUOTED, {"Location": f"http://127.0.0.1:1/?key={CANARY}"})],
}


@pytest.fixture(scope="module")
def talkative() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=("json", "console"))
def service(request: pytest.FixtureRequest, talkative: Upstream) -> Iterator[Service]:
    settings = {
        **PROJECT,
        "OPENAI_BASE_URL": talkative.base_url,
        "FACADE_API_KEYS": CLIENT,
        "FACADE_BACKEND_HEADERS": f"api-key: {HEADER}",
        "FACADE_LOG_FORMAT": request.param,
        "FACADE_LOG_LEVEL": "debug",
    }
    with Service(settings) as running:
        yield running
        assert_silent("the log", running.output())


def assert_silent(where: str, text: str) -> None:
    for secret in (CANARY, CLIENT, HEADER):
        assert secret not in text, where


def ask(service: Service, path: str, value: Any, key: str = CLIENT) -> raw.Answer:
    headers = {"Host": f"localhost:{service.port}", "Authorization": f"Bearer {key}"}
    with raw.RawClient("127.0.0.1", service.port) as connection:
        connection.send(raw.request_bytes("POST", path, headers, json.dumps(value).encode()))
        return connection.read_answer()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_backend_that_quotes_keys_is_not_repeated(
    service: Service, talkative: Upstream, name: str
) -> None:
    talkative.script(SCENARIOS[name])
    for stream in (True, False):
        options = {"seed": 1}
        body = {"model": "native", "messages": HI, "stream": stream, "options": options}
        answered = ask(service, "/api/chat", body)
        assert_silent(name, f"{answered.headers} {answered.body!r}")
    sent = talkative.generations()[0].headers
    assert sent["authorization"] == f"Bearer {CANARY}"
    assert sent["api-key"] == HEADER


def test_a_client_with_a_wrong_key_hears_nothing_of_the_right_one(service: Service) -> None:
    answered = ask(service, "/api/chat", {"model": "native"}, key=CLIENT[:-1])
    assert (answered.status, answered.body) == (401, b'{"error":"unauthorized"}')


def test_a_key_in_the_wrong_place_is_not_logged(service: Service) -> None:
    for path in ("/api/chat", f"/api/{CLIENT[:6]}"):
        answered = ask(service, path, {"model": "native", "options": {"seed": "x"}})
        assert_silent(path, f"{answered.headers} {answered.body!r}")


def test_a_key_that_is_passed_on_reaches_the_backend_and_nobody_else(upstream: Upstream) -> None:
    settings = {"OPENAI_BASE_URL": upstream.base_url, "FACADE_FORWARD_KEY": "1"}
    shape = {"error": {"message": f"Incorrect API key provided: {canary.FORWARDED}"}}
    with Service({**settings, "FACADE_LOG_LEVEL": "debug"}) as service:
        for status in (400, 401, 429, 500):
            upstream.script(quoting(status, shape))
            for stream in (True, False):
                body = {"model": "native", "messages": HI, "stream": stream}
                answered = service.ask("POST", "/api/chat", body)
                assert canary.FORWARDED not in answered.text
            sent = {one.headers["authorization"] for one in upstream.generations()}
            assert sent == {f"Bearer {canary.FORWARDED}"}


@pytest.mark.parametrize(
    ("word", "where"),
    (("Ollama is running", canary.LEAK), ("listens on http", "a key in the log")),
)
def test_the_search_finds_what_is_sent_and_what_is_logged(
    upstream: Upstream, word: str, where: str
) -> None:
    """Words that a service says to each client, or logs, taken for secrets."""
    service = Service({"OPENAI_BASE_URL": upstream.base_url}, secrets=[word])
    service.__enter__()
    with pytest.raises(AssertionError, match=where):
        service.__exit__()


def test_the_search_finds_a_secret_that_comes_in_pieces() -> None:
    search = canary.Search(["secret", "other"])
    assert [search.finds(piece) for piece in (b"a sec", b"r", b"et", b"x", b"oth", b"er")] == [
        False, False, True, False, False, True,
    ]  # fmt: skip
