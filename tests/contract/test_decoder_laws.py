import base64
import warnings
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ollama_facade.errors import OllamaError

with warnings.catch_warnings():
    # Connexion imports names that jsonschema has deprecated.
    warnings.filterwarnings("ignore", r"jsonschema\.", DeprecationWarning)
    from ollama_facade.contract.decoder import decoder

SCHEMAS = (
    "ChatRequest",
    "GenerateRequest",
    "EmbedRequest",
    "ShowRequest",
    "PullRequest",
    "CreateRequest",
    "CopyRequest",
)


@given(st.binary(max_size=80), st.sampled_from(SCHEMAS))
def test_any_bytes_give_an_object_or_status_400(body: bytes, schema: str) -> None:
    try:
        checked = decoder(schema).decode(body)
    except OllamaError as error:
        status = error.status
    else:
        status = 200 if isinstance(checked, dict) else 0
    assert status in (200, 400)


TEXT = st.text(max_size=5)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def struct(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


IMAGES = st.lists(
    st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode()), max_size=2
)
PROPERTY = st.deferred(
    lambda: struct(
        type=TEXT | st.lists(TEXT, max_size=2),
        description=TEXT,
        items=ANY,
        enum=st.lists(ANY, max_size=2),
        anyOf=st.lists(PROPERTY, max_size=1),
        properties=st.dictionaries(TEXT, PROPERTY, max_size=1),
        required=st.lists(TEXT, max_size=2),
        unknown=ANY,
    )
)
MESSAGE = struct(
    role=TEXT,
    content=TEXT,
    thinking=TEXT,
    images=IMAGES,
    tool_calls=st.lists(
        struct(
            id=TEXT,
            function=struct(
                index=st.integers(0, 9), name=TEXT, arguments=st.dictionaries(TEXT, ANY, max_size=2)
            ),
        ),
        max_size=2,
    ),
    unknown=ANY,
)
CHAT = struct(
    model=TEXT,
    messages=st.lists(MESSAGE, max_size=3),
    tools=st.lists(
        struct(
            type=TEXT,
            function=struct(
                name=TEXT,
                description=TEXT,
                parameters=struct(
                    type=TEXT,
                    required=st.lists(TEXT, max_size=2),
                    properties=st.dictionaries(TEXT, PROPERTY, max_size=2),
                ),
            ),
        ),
        max_size=2,
    ),
    stream=st.booleans(),
    format=ANY,
    options=st.dictionaries(TEXT, ANY, max_size=3),
    keep_alive=st.sampled_from([0, -1, 42.5, "5m", "-1s", "0"]),
    think=st.sampled_from([True, False, "high", "max"]),
    logprobs=st.booleans(),
    top_logprobs=st.integers(-(2**63), 2**63 - 1),
)


@given(CHAT)
def test_both_ways_make_the_same_of_a_valid_body(body: dict[str, Any]) -> None:
    chat = decoder("ChatRequest")
    encoded = orjson.dumps(body)
    assert chat.decode(encoded) == body
    # What follows the value makes orjson refuse it, so this takes the slow way.
    assert chat.decode(encoded + b" and more") == body
