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
from ollama_facade.operations.dresses import ChatRenderer, GenerateRenderer
from ollama_facade.translate.accumulator import Accumulator
from ollama_facade.translate.chunks import parse_chunk
from ollama_facade.translate.deltas import Completion, OutputDelta
from ollama_facade.translate.metrics import Moments, metrics
from tests.translate.test_chunks import JSON

NOW = format_time(1_700_000_000_123_456_789)
DRESSES = {
    "chat": (lambda: ChatRenderer("m"), "ChatResponse"),
    "generate": (
        lambda: GenerateRenderer("m", lambda text: [1, len(text) + 1]),
        "GenerateResponse",
    ),
}

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


def frames(dress: Any, events: list[Any]) -> list[dict[str, Any]]:
    generation = Accumulator(split_thinking=True, alternatives=3)
    found = []
    for event in events:
        delta = parse_chunk(event)
        piece = generation.feed(delta) if delta else None
        if piece is not None:
            found.append(dress.frame(NOW, piece))
    ending = generation.finish()
    moments = Moments(started=1, asked=5, first=9, ended=20)
    return [*found, dress.final(NOW, ending, metrics(ending, moments))]


@pytest.mark.parametrize("endpoint", DRESSES)
@given(events=st.lists(EVENT | JSON, max_size=6))
def test_whatever_the_backend_sends_the_frames_fit_the_contract(
    endpoint: str, events: list[Any]
) -> None:
    make, schema = DRESSES[endpoint]
    validator = VALIDATORS[schema]
    try:
        made = frames(make(), events)
    except OllamaError:
        return
    for frame in made:
        validator.validate(orjson.loads(dumps(frame)))
    assert [frame["done"] for frame in made] == [False] * (len(made) - 1) + [True]


VALIDATORS = {
    schema: jsonschema_rs.Draft4Validator(contract.schema(schema)) for _, schema in DRESSES.values()
}


@pytest.mark.parametrize("endpoint", DRESSES)
@given(texts=st.lists(st.text(alphabet="ab ,.'{}", min_size=1), min_size=1))
def test_texts_are_dressed_together_as_one_by_one(endpoint: str, texts: list[str]) -> None:
    together, apart = DRESSES[endpoint][0](), DRESSES[endpoint][0]()
    lines = apart.lines(NOW, [OutputDelta(text) for text in texts])
    assert together.texts(NOW, [text.encode() for text in texts]) == b"\n".join(lines)
    ending = Completion("stop", OutputDelta())
    assert together.final(NOW, ending, {}) == apart.final(NOW, ending, {})
