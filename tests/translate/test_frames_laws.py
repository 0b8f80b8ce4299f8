"""Any JSON that the backend sends yields frames that the contract accepts, or one error."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade import contract
from ollama_facade.clock import format_time
from ollama_facade.errors import OllamaError
from ollama_facade.golang.encode import dumps
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.apis.ollama_chat import ChatRenderer
from ollama_facade.translate.apis.ollama_generate import GenerateRenderer
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import Completion, OutputDelta, TextRun
from ollama_facade.translate.metrics import Moments, metrics
from ollama_facade.translate.models import Model
from tests.translate.test_chunks import JSON

NOW = format_time(1_700_000_000_123_456_789)
RENDERERS = {
    "chat": (lambda: ChatRenderer("m"), "ChatResponse"),
    "generate": (lambda: GenerateRenderer("m", {"prompt": "Hi"}, MODEL), "GenerateResponse"),
}
MODEL = Model("m:latest", "m", digest="", modified_at=0)

FUNCTION = st.fixed_dictionaries({}, optional={"name": JSON, "arguments": JSON})
DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": JSON,
        "reasoning": JSON,
        "reasoning_content": JSON,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": JSON,
                    "id": JSON,
                    "function": FUNCTION,
                },
            )
        ),
    },
)
PROBABLE = st.fixed_dictionaries(
    {"token": JSON, "logprob": JSON}, optional={"bytes": JSON, "top_logprobs": JSON}
)
CHOICE = st.fixed_dictionaries(
    {"delta": DELTA},
    optional={
        "finish_reason": st.sampled_from(["stop", "length", None, "", "tool_calls"]),
        "logprobs": st.fixed_dictionaries({}, optional={"content": st.lists(PROBABLE)}),
    },
)
EVENT = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)}, optional={"usage": JSON, "timings": JSON}
)


def frames(renderer: Any, events: list[Any]) -> list[dict[str, Any]]:
    accumulator = Accumulator(split_thinking=True, alternatives=3)
    lines: list[bytes] = []
    for event in events:
        delta = parse_chunk(event)
        lines += renderer.render_deltas(accumulator.feed_batch([delta] if delta else []), NOW)
    completion = accumulator.finish()
    moments = Moments(started=1, sent=5, first=9, ended=20)
    end = renderer.render_end(completion, NOW, metrics(completion, moments))
    return [*map(orjson.loads, lines), *end]


@pytest.mark.parametrize("endpoint", RENDERERS)
@given(events=st.lists(EVENT | JSON, max_size=6))
def test_whatever_the_backend_sends_the_frames_fit_the_contract(
    endpoint: str, events: list[Any]
) -> None:
    make, schema = RENDERERS[endpoint]
    validator = VALIDATORS[schema]
    try:
        made = frames(make(), events)
    except OllamaError:
        return
    for frame in made:
        validator.validate(orjson.loads(dumps(frame)))
    assert [frame["done"] for frame in made] == [False] * (len(made) - 1) + [True]


VALIDATORS = {
    schema: jsonschema_rs.Draft4Validator(contract.schema(schema))
    for _, schema in RENDERERS.values()
}


@pytest.mark.parametrize("endpoint", RENDERERS)
@given(texts=st.lists(st.text(alphabet="ab ,.'{}", min_size=1), min_size=1))
def test_a_run_of_texts_is_rendered_as_its_deltas_are(endpoint: str, texts: list[str]) -> None:
    together, apart = RENDERERS[endpoint][0](), RENDERERS[endpoint][0]()
    run = TextRun([text.encode() for text in texts])
    lines = apart.render_deltas([OutputDelta(text) for text in texts], NOW)
    assert together.render_deltas([run], NOW) == [b"\n".join(lines)]
    completion = Completion("stop", OutputDelta())
    assert together.render_end(completion, NOW, {}) == apart.render_end(completion, NOW, {})
