"""What changes in a body and its answer on the way through: the model's name, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given

from ollama_facade.errors import BackendError
from ollama_facade.translate.apis.pass_through import NativePassThrough, has_presets
from ollama_facade.translate.dialect_table import dialect
from ollama_facade.translate.models import Model
from tests.translate.test_chunks import JSON

BODY = {"model": "Mine", "stream": True, "max_tokens": 5, "unknown": {"a": [None]}}
PASS_THROUGHS = (NativePassThrough("messages", BODY), NativePassThrough("responses", BODY))


def model(**more: Any) -> Model:
    return Model("mine:latest", "org/mine", digest="0" * 64, modified_at=0, **more)


@pytest.mark.parametrize("stream", (True, False, None))
def test_a_body_goes_out_with_every_field_and_the_backends_name(stream: bool | None) -> None:
    request = NativePassThrough("messages", {**BODY, "stream": stream}).build(
        model(), dialect("default"), None
    )
    assert request.endpoint == "messages"
    assert dict(request.body) == {
        **BODY,
        "model": "org/mine",
        "stream": stream is True,
    }


@pytest.mark.parametrize(
    ("pass_through", "kind", "inner"),
    (
        (PASS_THROUGHS[0], "message_start", "message"),
        (PASS_THROUGHS[1], "response.created", "response"),
    ),
    ids=("messages", "responses"),
)
def test_the_clients_name_comes_back_in_an_event(
    pass_through: NativePassThrough, kind: str, inner: str
) -> None:
    event = {"type": kind, inner: {"model": "org/mine", "x": 1}, "y": 2}
    reported = pass_through.parse_event(event)
    assert reported is not None
    assert reported.value == {"type": kind, inner: {"model": "Mine", "x": 1}, "y": 2}
    assert reported.finish == ""
    assert event[inner] == {"model": "org/mine", "x": 1}


def test_an_event_that_names_no_model_gets_no_name() -> None:
    event = {"type": "response.created", "response": {"id": "r"}}
    reported = PASS_THROUGHS[1].parse_event(event)
    assert reported is not None
    assert reported.value == event


@pytest.mark.parametrize(
    ("pass_through", "kind"),
    (
        (PASS_THROUGHS[0], "message_stop"),
        (PASS_THROUGHS[1], "response.completed"),
        (PASS_THROUGHS[1], "response.incomplete"),
        (PASS_THROUGHS[1], "response.failed"),
    ),
)
def test_the_last_event_says_so(pass_through: NativePassThrough, kind: str) -> None:
    reported = pass_through.parse_event({"type": kind})
    assert reported is not None
    assert reported.finish == kind


@pytest.mark.parametrize(
    ("event", "status", "text"),
    (
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, 503, "x"),
        ({"type": "error", "code": "rate_limit_exceeded", "message": "x"}, 429, "x"),
        ({"error": {"code": 500, "message": "x"}}, 500, "x"),
        ({"error": "x"}, 502, "x"),
        ({"type": "error"}, 502, "backend reported an error without a message"),
    ),
)
def test_an_error_event_is_raised(event: Any, status: int, text: str) -> None:
    for pass_through in PASS_THROUGHS:
        with pytest.raises(BackendError, match=text) as caught:
            pass_through.parse_event(event)
        assert caught.value.status == status


@pytest.mark.parametrize("value", ({"type": "message"}, {"object": "response"}, {}))
def test_a_whole_answer_is_no_event(value: Any) -> None:
    assert [pass_through.parse_event(value) for pass_through in PASS_THROUGHS] == [None, None]


def test_a_whole_answer_keeps_its_fields() -> None:
    value = {"type": "message", "model": "org/mine", "content": None, "x": [1]}
    assert PASS_THROUGHS[0].render_response(value) == {**value, "model": "Mine"}
    failed = {"object": "response", "status": "failed", "error": {"message": "x"}}
    assert PASS_THROUGHS[1].render_response(failed) == {**failed, "model": "Mine"}


@pytest.mark.parametrize(
    ("value", "text"),
    (
        ({"error": {"message": "went wrong"}}, "went wrong"),
        ({"choices": []}, "not a completion"),
        ([], "not a completion"),
        (None, "not a completion"),
    ),
)
def test_what_is_no_answer_is_an_error(value: Any, text: str) -> None:
    for pass_through in PASS_THROUGHS:
        with pytest.raises(BackendError, match=text):
            pass_through.render_response(value)


@given(JSON)
def test_any_value_is_read_or_refused(value: Any) -> None:
    for pass_through in PASS_THROUGHS:
        for read in (pass_through.parse_event, pass_through.render_response):
            with suppress(BackendError):
                read(value)


def test_a_model_with_words_or_options_of_its_own_has_presets() -> None:
    assert not has_presets(model(template="x", license=("MIT",)))
    assert has_presets(model(system="Arr."))
    assert has_presets(model(parameters={"seed": 1}))
    assert has_presets(model(messages=({"role": "user", "content": "Hi"},)))
